/** How fast a job moves, from what was seen of it, and how long it has yet to go. */

import type { Job } from "../api/client";

export interface Sample {
  at: number; // milliseconds
  done: number;
}

const WINDOW_MS = 20_000;
const ENOUGH_MS = 1_500; // less than this is no basis for a forecast

/** Adds a sample; older ones than the window are dropped, but for the last before it. */
export function addSample(samples: readonly Sample[], next: Sample): Sample[] {
  const last = samples.at(-1);
  if (last && next.done < last.done) return [next]; // another step, or another generation
  const recent = samples.filter((one, index) => {
    const following = samples[index + 1];
    return next.at - one.at <= WINDOW_MS || (following && next.at - following.at < WINDOW_MS);
  });
  return [...recent, next];
}

/** Units per second over the window; null as long as too little was seen. */
export function rateOf(samples: readonly Sample[]): number | null {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last || last.at - first.at < ENOUGH_MS || last.done <= first.done) return null;
  return ((last.done - first.done) * 1000) / (last.at - first.at);
}

export interface Measure {
  unit: "files" | "bytes";
  done: number;
  total: number | null;
}

/** What the current step of a job counts. */
export function measureOf(job: Job): Measure {
  if (job.stage === "assembling") return { unit: "bytes", done: job.bytes.done, total: job.bytes.total };
  return { unit: "files", done: job.processed, total: job.total };
}

/** Seconds that are left of the current step; null if unknown. */
export function secondsLeft(measure: Measure, rate: number | null): number | null {
  if (rate === null || rate <= 0 || measure.total === null) return null;
  return Math.max(0, measure.total - measure.done) / rate;
}
