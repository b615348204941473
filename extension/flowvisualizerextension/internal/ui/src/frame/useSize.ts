import { useCallback, useRef, useState, type RefCallback } from "react";

/** The content size of an element in CSS pixels, kept up to date. */
export function useSize<E extends Element>(): [RefCallback<E>, { width: number; height: number }] {
  const [size, setSize] = useState({ width: 0, height: 0 });
  const observer = useRef<ResizeObserver | null>(null);
  const ref = useCallback((node: E | null) => {
    observer.current?.disconnect();
    if (!node) return;
    observer.current = new ResizeObserver(([entry]) => {
      const { width, height } = entry!.contentRect;
      setSize({ width: Math.round(width), height: Math.round(height) });
    });
    observer.current.observe(node);
  }, []);
  return [ref, size];
}
