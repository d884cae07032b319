import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import type { Job, JobDocument } from "../api/client";

interface JobsPage {
  jobs: Job[];
  nextCursor: string | null;
}

/** Whether `next` is at least as new as what is known. Times are ISO 8601 in UTC, so that their texts compare. */
const isNewer = (next: Job, known: Job): boolean => next.updatedAt >= known.updatedAt;

/** Puts what became of a job into every list that shows it, and into its own page. */
export function mergeJob(queries: QueryClient, job: Job): void {
  queries.setQueryData<JobDocument>(["job", job.jobId], (known) =>
    known && isNewer(job, known) ? { ...known, ...job } : known,
  );
  queries.setQueriesData<InfiniteData<JobsPage>>({ queryKey: ["jobs"] }, (known) => known && withJob(known, job));
}

export function withJob(known: InfiniteData<JobsPage>, job: Job): InfiniteData<JobsPage> {
  let changed = false;
  const pages = known.pages.map((page) => ({
    ...page,
    jobs: page.jobs.map((one) => {
      if (one.jobId !== job.jobId || !isNewer(job, one)) return one;
      changed = true;
      return job;
    }),
  }));
  return changed ? { ...known, pages } : known;
}
