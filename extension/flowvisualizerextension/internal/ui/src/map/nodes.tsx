import { SquareStack } from "lucide-react";
import type { Node, NodeProps } from "@xyflow/react";
import type { KeyboardEvent } from "react";
import { DenyMark } from "../frame/icons";
import { PodName } from "../frame/PodName";
import { drill, focusOn, select, unfold } from "../state/actions";
import { currentView } from "../state/view";
import { nodeDetail, nodeHint, nodeSpoken, nodeTitle } from "./describe";
import { EntityIcon } from "./EntityIcon";
import type { MapNode } from "./model";

export type EntityFlowNode = Node<{ node: MapNode; selected: boolean; /** It tried something that was denied. */ denied: boolean }, "entity">;
export type GroupFlowNode = Node<{ title: string; detail: string }, "box">;

export function GroupNode({ data, width, height }: NodeProps<GroupFlowNode>) {
  return (
    <section className="ns" style={{ width, height }}>
      <h4 title={data.title}><span className="cut">{data.title}</span><i>{data.detail}</i></h4>
    </section>
  );
}

export function EntityNode({ data, width }: NodeProps<EntityFlowNode>) {
  const { node, selected, denied } = data;
  const outside = node.side !== "mid";
  const id = node.entity?.id ?? node.key;
  const key = (e: KeyboardEvent) => {
    if (e.key === "Enter") select({ kind: "node", id });
    else if (e.key === "e") node.entity ? drill(node.entity.id) : unfold(node.key.slice("fold|".length));
    else if (e.key === "f" && node.entity) focusOn(currentView().focus === id ? null : id);
    else return;
    e.preventDefault();
    e.stopPropagation();
  };
  return (
    <div className={`node ${outside ? "ext" : ""} ${selected ? "sel" : ""} ${node.entity ? "" : "fold"}`} style={{ width }} role="button" tabIndex={0} aria-pressed={selected} aria-label={nodeSpoken(node)} title={nodeHint(node)} onKeyDown={key}>
      <NodeIcon node={node} />
      <div>
        <Name node={node} />
        <small>{nodeDetail(node)}</small>
      </div>
      {denied && <span className="nd"><DenyMark size={14} /></span>}
    </div>
  );
}

function Name({ node }: { node: MapNode }) {
  const title = nodeTitle(node);
  if (node.entity?.kind === "pod") return <b className="pod"><PodName name={title} /></b>;
  return <b className={node.entity?.kind === "address" ? "addr" : ""}>{title}</b>;
}

function NodeIcon({ node }: { node: MapNode }) {
  if (!node.entity) return <SquareStack className="i" size={14} aria-hidden />;
  return <EntityIcon id={node.entity.id} group={node.group} size={14} />;
}
