import { Check, Link } from "lucide-react";
import { useState } from "react";
import type { ApiError } from "../api/client";
import { copy } from "../frame/copy";
import { SearchField } from "./SearchField";
import { LiveControl, TimeRange } from "./TimeControls";

export function QueryBar({ error }: { error: ApiError | undefined }) {
  return (
    <div className="query">
      <SearchField error={error} />
      <TimeRange />
      <LiveControl />
      <CopyLink />
    </div>
  );
}

function CopyLink() {
  const [copied, setCopied] = useState(false);
  const click = () => {
    void copy(location.href).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), 1500);
    });
  };
  return (
    <button type="button" id="copy-link" className="ib" aria-label={copied ? "link copied" : "copy link"} title="Copy link (y)" onClick={click}>
      {copied ? <Check size={16} aria-hidden /> : <Link size={16} aria-hidden />}
    </button>
  );
}
