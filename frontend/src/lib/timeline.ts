/** A job's audit trail as the steps that it went through, for the waterfall. */

import type { EventDocument } from "../api/client";

export interface Span {
  name: string;
  from: number; // milliseconds since the epoch
  to: number;
  open: boolean;
  outcome: "done" | "failed" | "cancelled" | "running";
}

// What begins with each kind of event. A kind that is not here is a moment, not a step.
const BEGINS: Record<string, string> = {
  created: "Waiting",
  retried: "Waiting",
  started: "Checking files",
  checked: "Planning the ZIP",
  checksumming: "Computing checksums",
  assembling: "Assembling the ZIP",
};
const ENDS: Record<string, Span["outcome"]> = { ready: "done", failed: "failed", cancelled: "cancelled" };

export function spansOf(events: readonly EventDocument[], now: number): Span[] {
  const spans: Span[] = [];
  let open: { name: string; from: number } | null = null;
  const close = (to: number, outcome: Span["outcome"]) => {
    if (open) spans.push({ ...open, to: Math.max(to, open.from), open: outcome === "running", outcome });
    open = null;
  };
  for (const event of events) {
    const at = Date.parse(event.at);
    const end = ENDS[event.kind];
    const name = BEGINS[event.kind];
    if (end) close(at, end);
    else if (name) {
      close(at, "done");
      open = { name, from: at };
    }
  }
  close(now, "running");
  return spans.filter((span) => span.open || span.to > span.from);
}
