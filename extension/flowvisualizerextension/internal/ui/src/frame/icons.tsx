// Marks that carry meaning here: the product's, and one form per verdict so
// that colour is never the only sign.

interface IconProps {
  size?: number;
}

function Mark({ size = 16, children }: IconProps & { children: React.ReactNode }) {
  return (
    <svg className="i" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true">
      {children}
    </svg>
  );
}

export const AllowMark = (p: IconProps) => (
  <Mark {...p}>
    <circle cx="8" cy="8" r="5.75" />
    <path d="m5.5 8.2 1.8 1.8 3.2-3.7" />
  </Mark>
);

export const DenyMark = (p: IconProps) => (
  <Mark {...p}>
    <circle cx="8" cy="8" r="5.75" />
    <path d="m4.1 4.1 7.8 7.8" />
  </Mark>
);

export const UnknownMark = (p: IconProps) => (
  <Mark {...p}>
    <circle cx="8" cy="8" r="5.75" strokeDasharray="2.2 1.9" />
    <path d="M6.600 6.400a1.5 1.5 0 1 1 2 1.600c-.4.2-.6.4-.6.9M8 11v.01" />
  </Mark>
);

export const ProductMark = () => (
  <svg width="20" height="20" viewBox="0 0 20 20" fill="none" aria-hidden="true">
    <path d="M4.5 10h4c3 0 2.5-5 7-5M8.5 10c3 0 2.5 5 7 5" stroke="var(--accent)" strokeWidth="2" strokeLinecap="round" />
    <circle cx="4" cy="10" r="2.5" fill="var(--text)" />
    <circle cx="16" cy="5" r="2.5" fill="var(--text)" />
    <circle cx="16" cy="15" r="2.5" fill="var(--text)" />
  </svg>
);

const denyWords: Record<string, string> = {
  policy_drop: "dropped",
  reject: "rejected",
  no_listener: "no listener",
  timeout: "timed out",
  buffer: "no room",
  invalid: "malformed",
  other: "denied",
};

/** How a denied flow is named: in plain words, by the class of its denial when that is known. */
export function denyWord(why: string | undefined): string {
  if (why === undefined) return "denied";
  return denyWords[why] ?? why.replaceAll("_", " ");
}

/** What the kernel did: `why` is the class of a denial, `detail` what more is known of it. What was `unanswered` was let through here, and not beyond. */
export function Verdict({ action, why, detail, unanswered }: { action: string | undefined; why?: string | undefined; detail?: string | undefined; unanswered: boolean }) {
  if (action === "allow" && unanswered) return <span className="vd unk" title="let through here; the caller gave up before anybody answered"><UnknownMark size={14} />no answer</span>;
  if (action === "allow") return <span className="vd allow"><AllowMark size={14} />allowed</span>;
  if (action === "deny") return <span className="vd deny" title={detail}><DenyMark size={14} />{denyWord(why)}</span>;
  return <span className="vd unk"><UnknownMark size={14} />unknown</span>;
}
