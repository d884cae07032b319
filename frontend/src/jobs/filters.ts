import type { Job, JobStatus } from "../api/client";
import { formatCount } from "../lib/format";

/** What the list is narrowed to, as it stands in the URL. */
export interface Filters {
  status?: JobStatus;
  q?: string;
  /** Only jobs with missing or failed files, or an error. */
  problems?: true;
  since?: keyof typeof PERIODS;
}

export const PERIODS = { "1h": 3_600_000, "24h": 86_400_000, "7d": 604_800_000 };
export const PERIOD_NAMES: Record<keyof typeof PERIODS, string> = {
  "1h": "Last hour",
  "24h": "Last 24 hours",
  "7d": "Last 7 days",
};
export const ALL_STATUSES: readonly JobStatus[] = ["queued", "processing", "ready", "failed", "cancelled"];

/** Reads the query string; what it does not know is dropped. */
export function filtersOf(search: Record<string, unknown>): Filters {
  const { status, q, problems, since } = search;
  return {
    ...(ALL_STATUSES.includes(status as JobStatus) && { status: status as JobStatus }),
    ...(q !== undefined && String(q) !== "" && { q: String(q).slice(0, 200) }),
    ...((problems === true || problems === "true" || problems === 1) && { problems: true as const }),
    ...(typeof since === "string" && Object.hasOwn(PERIODS, since) && { since: since as keyof typeof PERIODS }),
  };
}

export const isFiltered = (filters: Filters): boolean => Object.keys(filters).length > 0;

/** What the API does not filter by itself. */
export function matches(job: Job, filters: Filters, now: number): boolean {
  if (filters.status && job.status !== filters.status) return false;
  if (filters.problems && !job.error && job.counts.missing + job.counts.failed === 0) return false;
  if (filters.since && now - Date.parse(job.createdAt) > PERIODS[filters.since]) return false;
  return !filters.q || textOf(job).includes(filters.q.toLowerCase());
}

function textOf(job: Job): string {
  return [titleOf(job), job.jobId, job.archive?.filename, job.error?.code, job.label, job.request.prefix]
    .filter(Boolean)
    .join("\n")
    .toLowerCase();
}

/** What to call a job in a list. */
export function titleOf(job: Job): string {
  const name = job.label || job.archive?.filename || job.request.prefix;
  if (name) return name;
  if (job.archive) return "ZIP archive";
  return job.total === null ? "Single files" : `${formatCount(job.total)} single ${job.total === 1 ? "file" : "files"}`;
}
