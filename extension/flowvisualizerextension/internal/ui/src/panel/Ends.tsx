import { Globe, Server, SquareTerminal } from "lucide-react";
import { Value } from "../frame/Value";
import { entityTitle, type End } from "../map/levels";

function EntityIcon({ id }: { id: string }) {
  if (id.startsWith("p:")) return <SquareTerminal className="i" size={16} aria-hidden />;
  return id.startsWith("a:127.") || id === "a:::1" ? <Server className="i" size={16} aria-hidden /> : <Globe className="i" size={16} aria-hidden />;
}

const field = (id: string, end: End | "either") => (id.startsWith("p:") ? `${end}.process.executable.name` : `${end}.address`);

export function EntityName({ id, end, detail }: { id: string; end: End | "either"; detail: string }) {
  return (
    <div className="ep">
      <b><Value field={field(id, end)} value={entityTitle(id)}>{entityTitle(id)}</Value></b>
      <div>{detail}</div>
    </div>
  );
}

/** The two ends of an edge, one above the other. */
export function Ends({ from, to, details }: { from: string; to: string; details: [string, string] }) {
  return (
    <div className="ends">
      <div className="rail"><EntityIcon id={from} /><i /><EntityIcon id={to} /></div>
      <div>
        <EntityName id={from} end="source" detail={details[0]} />
        <EntityName id={to} end="destination" detail={details[1]} />
      </div>
    </div>
  );
}

export function OneEnd({ id, detail }: { id: string; detail: string }) {
  return (
    <div className="ends">
      <div className="rail"><EntityIcon id={id} /></div>
      <EntityName id={id} end="either" detail={detail} />
    </div>
  );
}
