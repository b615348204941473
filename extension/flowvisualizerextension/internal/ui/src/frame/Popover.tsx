// A button with something that opens below it; closes on escape, on a click
// elsewhere and when the focus leaves.

import { useEffect, useRef, useState, type ReactNode } from "react";

interface PopoverProps {
  label: string;
  button: ReactNode;
  className?: string;
  align?: "left" | "right";
  up?: boolean;
  children: (close: () => void) => ReactNode;
}

export function Popover({ label, button, className = "btn", align = "left", up, children }: PopoverProps) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLSpanElement>(null);
  const trigger = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!open) return;
    const outside = (e: Event) => {
      if (!root.current?.contains(e.target as Node)) setOpen(false);
    };
    const key = (e: KeyboardEvent) => {
      if (e.key !== "Escape") return;
      e.stopPropagation();
      setOpen(false);
      trigger.current?.focus();
    };
    const node = root.current;
    document.addEventListener("mousedown", outside);
    document.addEventListener("focusin", outside);
    node?.addEventListener("keydown", key);
    return () => {
      document.removeEventListener("mousedown", outside);
      document.removeEventListener("focusin", outside);
      node?.removeEventListener("keydown", key);
    };
  }, [open]);
  return (
    <span className="popover" ref={root}>
      <button type="button" ref={trigger} className={className} aria-expanded={open} aria-haspopup="dialog" aria-label={label} title={label} onClick={() => setOpen(!open)}>
        {button}
      </button>
      {open && (
        <div className={`pop ${align} ${up ? "up" : ""}`} role="dialog" aria-label={label}>
          {children(() => setOpen(false))}
        </div>
      )}
    </span>
  );
}
