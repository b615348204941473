/** Of a pod's name the end tells it apart from its siblings, so that is not what is cut. */
export function PodName({ name }: { name: string }) {
  const dash = name.lastIndexOf("-");
  if (dash <= 0) return <span className="cut">{name}</span>;
  return <><span className="cut">{name.slice(0, dash)}</span><span>{name.slice(dash)}</span></>;
}
