import { describe, expect, it } from "vitest";
import { fields } from "../../dev/fields";
import { stage, suggest } from "./suggest";

const labels = (text: string, values: { value: string; records: number }[] = []) => suggest(text, fields, values).map((s) => s.label);

describe("stage", () => {
  it.each([
    ["", "field", "", "", ""],
    ["dest", "field", "", "", "dest"],
    ["destination.port ", "op", "destination.port", "", ""],
    ["port ", "op", "destination.port", "", ""],
    ["destination.port !", "op", "destination.port", "", "!"],
    ["destination.port = 44", "value", "destination.port", "=", "44"],
    ["destination.port not in ", "value", "destination.port", "not in", ""],
    ["a = 1 and process ~ ch", "value", "either.process.executable.name", "~", "ch"],
  ])("of %j", (text, kind, field, op, typed) => expect(stage(text)).toMatchObject({ kind, field, op, typed }));
});

describe("suggest", () => {
  it("offers fields, those that begin with what was typed first", () => {
    expect(labels("destination.p")[0]).toBe("destination.port");
    expect(labels("address")).toContain("either.address");
  });
  it("offers an attribute before what lists it", () => {
    const dimension = (name: string) => ({ name, type: "keyword" as const, unit: "", description: "", role: "dimension" as const, groupable: true });
    const both = ["source.addresses", "source.address"].map(dimension);
    expect(suggest("source.addr", both, []).map((s) => s.label).slice(0, 2)).toEqual(["source.address", "source.addresses"]);
  });
  it("offers operators", () => expect(labels("destination.port ")).toContain("not in"));
  it("offers values, quoted where they must be", () => {
    expect(suggest("a = 1 and process = ", fields, [{ value: "my program", records: 3 }])[0]).toMatchObject({ text: 'a = 1 and either.process.executable.name = "my program"', done: true });
  });
  it.each([
    ["5432", "destination.port = 5432"],
    ["10.0.0.0/8", "either.address = 10.0.0.0/8"],
    ["2001:db8::1", "either.address = 2001:db8::1"],
    ["sshd", "either.process.executable.name ~ sshd"],
  ])("takes the bare word %s as %s", (word, want) => expect(labels(word)[0]).toBe(want));
  it("looks for a word among workloads and namespaces first where there is a cluster", () => {
    const searches = suggest("checkout", fields, [], true).map((s) => s.label);
    expect(searches.slice(0, 3)).toEqual(["either.k8s.workload.name ~ checkout", "either.k8s.namespace.name ~ checkout", "either.process.executable.name ~ checkout"]);
  });
});
