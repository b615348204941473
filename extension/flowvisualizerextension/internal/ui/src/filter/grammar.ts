// The filter expression of the HTTP API: text to tree and back.
//
//   expr   = term { "or" term }
//   term   = factor { "and" factor }
//   factor = "not" factor | "(" expr ")" | field op value

export type Op = "=" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not in" | "~" | "!~" | "exists" | "not exists";

export interface Cond {
  kind: "cond";
  field: string;
  op: Op;
  /** Empty for exists, one value for comparisons, one or more for in. */
  values: string[];
}

export type Expr = Cond | { kind: "not"; item: Expr } | { kind: "and" | "or"; items: Expr[] };

export const ops: readonly Op[] = ["=", "!=", "~", "!~", "<", "<=", ">", ">=", "in", "not in", "exists", "not exists"];

/** Says what is wrong with a filter and where; offset counts UTF-16 units from the start of the text. */
export class FilterError extends Error {
  constructor(
    message: string,
    readonly offset: number,
  ) {
    super(message);
    this.name = "FilterError";
  }
}

const bareword = /^[A-Za-z0-9_./:*@%+-]+$/;
const keywords = new Set(["and", "or", "not", "in", "exists"]);

export function cond(field: string, op: Op, ...values: string[]): Cond {
  return { kind: "cond", field, op, values };
}

export function quote(value: string): string {
  if (bareword.test(value) && !keywords.has(value)) return value;
  return `"${value.replace(/\\/g, "\\\\").replace(/"/g, '\\"')}"`;
}

export function serialise(e: Expr): string {
  switch (e.kind) {
    case "cond":
      if (e.op === "exists" || e.op === "not exists") return `${e.field} ${e.op}`;
      if (e.op === "in" || e.op === "not in") return `${e.field} ${e.op} (${e.values.map(quote).join(", ")})`;
      return `${e.field} ${e.op} ${quote(e.values[0] ?? "")}`;
    case "not":
      return `not ${e.item.kind === "and" || e.item.kind === "or" ? `(${serialise(e.item)})` : serialise(e.item)}`;
    case "and":
      return e.items.map((i) => (i.kind === "or" ? `(${serialise(i)})` : serialise(i))).join(" and ");
    case "or":
      return e.items.map(serialise).join(" or ");
  }
}

/** Joins with and, leaving out what is undefined; undefined when nothing is left. */
export function all(...items: (Expr | undefined)[]): Expr | undefined {
  const flat = items.flatMap((i) => (i === undefined ? [] : i.kind === "and" ? i.items : [i]));
  if (flat.length <= 1) return flat[0];
  return { kind: "and", items: flat };
}

/** Joins with or; undefined when nothing is given. */
export function any(...items: Expr[]): Expr | undefined {
  const flat = items.flatMap((i) => (i.kind === "or" ? i.items : [i]));
  if (flat.length <= 1) return flat[0];
  return { kind: "or", items: flat };
}

export function negated(e: Expr): Expr {
  if (e.kind === "cond" && e.op === "=") return { ...e, op: "!=" };
  if (e.kind === "cond" && e.op === "not exists") return { ...e, op: "exists" };
  return { kind: "not", item: e };
}

interface Token {
  kind: "word" | "string" | "op" | "(" | ")" | ",";
  text: string;
  at: number;
}

function tokenise(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const rest = text.slice(at);
    const space = /^\s+/.exec(rest);
    if (space) {
      at += space[0].length;
      continue;
    }
    const word = /^[A-Za-z0-9_./:*@%+-]+/.exec(rest);
    const op = /^(?:!=|!~|<=|>=|=|<|>|~)/.exec(rest);
    if (word) {
      tokens.push({ kind: "word", text: word[0], at });
      at += word[0].length;
    } else if (op) {
      tokens.push({ kind: "op", text: op[0], at });
      at += op[0].length;
    } else if (rest[0] === "(" || rest[0] === ")" || rest[0] === ",") {
      tokens.push({ kind: rest[0], text: rest[0], at });
      at++;
    } else if (rest[0] === '"') {
      const { value, length } = readString(rest, at);
      tokens.push({ kind: "string", text: value, at });
      at += length;
    } else {
      throw new FilterError(`unexpected ${JSON.stringify(rest[0])}: put values with special characters in double quotes`, at);
    }
  }
  return tokens;
}

function readString(rest: string, at: number): { value: string; length: number } {
  let value = "";
  for (let i = 1; i < rest.length; i++) {
    const c = rest[i];
    if (c === '"') return { value, length: i + 1 };
    if (c === "\\") {
      const next = rest[++i];
      if (next !== '"' && next !== "\\") {
        throw new FilterError('after \\ only " or \\ may follow', at + i);
      }
      value += next;
    } else {
      value += c;
    }
  }
  throw new FilterError('a quoted value has no end: close it with "', at);
}

/** Parses a whole expression. Throws FilterError. */
export function parse(text: string): Expr {
  const p = new Parser(tokenise(text), text.length);
  const e = p.expr();
  p.end();
  return e;
}

class Parser {
  private i = 0;

  constructor(
    private readonly tokens: Token[],
    private readonly length: number,
  ) {}

  expr(): Expr {
    const items = [this.term()];
    while (this.keyword("or")) items.push(this.term());
    return items.length === 1 ? items[0]! : any(...items)!;
  }

  end(): void {
    const t = this.tokens[this.i];
    if (t) throw new FilterError(`expected "and", "or" or the end before ${JSON.stringify(t.text)}`, t.at);
  }

  private term(): Expr {
    const items = [this.factor()];
    while (this.keyword("and")) items.push(this.factor());
    return items.length === 1 ? items[0]! : all(...items)!;
  }

  private factor(): Expr {
    if (this.keyword("not")) return { kind: "not", item: this.factor() };
    if (this.take("(")) {
      const e = this.expr();
      this.need(")", 'close the "("');
      return e;
    }
    return this.cond();
  }

  private cond(): Expr {
    const field = this.tokens[this.i];
    if (!field || field.kind !== "word" || keywords.has(field.text)) {
      throw new FilterError("expected a field name", field?.at ?? this.length);
    }
    this.i++;
    if (this.keyword("exists")) return cond(field.text, "exists");
    if (this.keyword("in")) return cond(field.text, "in", ...this.list());
    if (this.keyword("not")) {
      if (this.keyword("exists")) return cond(field.text, "not exists");
      if (this.keyword("in")) return cond(field.text, "not in", ...this.list());
      throw new FilterError('expected "in" or "exists" after "not"', this.here());
    }
    const op = this.take("op");
    if (!op) throw new FilterError(`expected an operator after ${field.text}: = != < <= > >= ~ !~ in exists`, this.here());
    return cond(field.text, op.text as Op, this.value());
  }

  private list(): string[] {
    this.need("(", 'a list starts with "("');
    const values = [this.value()];
    while (this.take(",")) values.push(this.value());
    this.need(")", 'a list ends with ")"');
    return values;
  }

  private value(): string {
    const t = this.take("word") ?? this.take("string");
    if (!t) throw new FilterError("expected a value", this.here());
    return t.text;
  }

  private keyword(word: string): boolean {
    const t = this.tokens[this.i];
    if (t?.kind !== "word" || t.text !== word) return false;
    this.i++;
    return true;
  }

  private take(kind: Token["kind"]): Token | undefined {
    const t = this.tokens[this.i];
    if (t?.kind !== kind) return undefined;
    this.i++;
    return t;
  }

  private need(kind: Token["kind"], message: string): void {
    if (!this.take(kind)) throw new FilterError(message, this.here());
  }

  private here(): number {
    return this.tokens[this.i]?.at ?? this.length;
  }
}
