import { useSyncExternalStore } from "react";
import { formatAge, formatMoment } from "../lib/format";

const listeners = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    if (document.visibilityState !== "visible") return;
    now = Date.now();
    for (const one of listeners) one();
  }, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** The current time in milliseconds, renewed each second while the page is in sight. One clock serves all. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}

export function Age({ at, className = "" }: { at: string; className?: string }) {
  const current = useNow();
  return (
    <time dateTime={at} title={formatMoment(at)} className={`tabular whitespace-nowrap ${className}`}>
      {formatAge(at, current)}
    </time>
  );
}
