import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, getRouteApi } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import type { Job } from "../api/client";
import { jobsQuery } from "../api/queries";
import { formatCount } from "../lib/format";
import { useLiveJobs } from "../live/useLive";

import { Button, Empty, Skeleton, buttonClass } from "../ui/basics";
import { Problem } from "../ui/problem";
import { useNow } from "../ui/time";
import { BatchBar } from "./BatchBar";
import { FilterBar } from "./FilterBar";
import { isFiltered, matches, type Filters } from "./filters";
import { JobsTable } from "./JobsTable";

const jobsRoute = getRouteApi("/");
const LIVE_AT_MOST = 50; // of the hundred jobs that one WebSocket may follow
const NO_JOBS: Job[] = [];

export function JobsPage() {
  const filters = jobsRoute.useSearch();
  const navigate = jobsRoute.useNavigate();
  const change = (next: Filters) => void navigate({ search: next, replace: true });
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [minute, setMinute] = useState(() => Date.now());
  const now = useNow();
  useEffect(() => {
    if (now - minute > 60_000) setMinute(now);
  }, [now, minute]);

  const list = useInfiniteQuery({
    ...jobsQuery(filters.status),
    // A list of many pages is read as a whole, so the more there are the less often.
    refetchInterval: ({ state }) => 4_000 * Math.max(1, state.data?.pages.length ?? 1),
  });
  const jobs = useMemo(() => list.data?.pages.flatMap((page) => page.jobs) ?? NO_JOBS, [list.data]);
  const shown = useMemo(() => jobs.filter((job) => matches(job, filters, minute)), [jobs, filters, minute]);
  useLiveJobs(jobs, LIVE_AT_MOST);
  useSearchOn({ enough: shown.length >= 20 || !isFiltered(filters), list });
  useEffect(() => {
    document.title = "Downloads \u00b7 Lorry";
  }, []);

  /** Reads all older pages, then selects whatever matches. */
  const selectAll = async () => {
    let read = await list.fetchNextPage();
    while (read.hasNextPage && !read.isError) read = await read.fetchNextPage();
    const found = read.data?.pages.flatMap((page) => page.jobs).filter((job) => matches(job, filters, minute)) ?? [];
    setSelected(new Set(found.map((job) => job.jobId)));
  };

  const loading = list.isPending;
  return (
    <div className="flex flex-col gap-4">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <h1 className="text-xl font-semibold tracking-tight">Downloads</h1>
      </div>
      <FilterBar filters={filters} onChange={change} />
      {list.isError && <Problem error={list.error} retry={() => void list.refetch()} />}
      <BatchBar
        jobs={shown}
        selected={selected}
        onSelect={setSelected}
        onSelectAll={list.hasNextPage ? () => void selectAll() : undefined}
        busy={list.isFetchingNextPage}
      />
      <div className="card overflow-hidden">
        {loading && !list.isError && <ListSkeleton />}
        {!loading && shown.length === 0 && (
          <Nothing filters={filters} busy={list.isFetchingNextPage} onClear={() => change({})} />
        )}
        {shown.length > 0 && <JobsTable jobs={shown} selected={selected} onSelect={setSelected} />}
      </div>
      {list.hasNextPage && (
        <div className="flex items-center justify-center gap-3 text-muted">
          <Button onClick={() => void list.fetchNextPage()} disabled={list.isFetchingNextPage}>
            {list.isFetchingNextPage ? "Loading\u2026" : "Load older"}
          </Button>
          {isFiltered(filters) && <span className="tabular">{formatCount(jobs.length)} searched</span>}
        </div>
      )}
    </div>
  );
}

/** A filter that the API does not know may leave little of a page: then the next pages are read by themselves. */
function useSearchOn({
  enough,
  list,
}: {
  enough: boolean;
  list: {
    hasNextPage: boolean;
    isFetching: boolean;
    fetchNextPage: () => unknown;
    data: { pages: unknown[] } | undefined;
  };
}) {
  const { hasNextPage, isFetching, fetchNextPage } = list;
  const pages = list.data?.pages.length ?? 0;
  useEffect(() => {
    if (!enough && hasNextPage && !isFetching && pages < 20) fetchNextPage();
  }, [enough, hasNextPage, isFetching, fetchNextPage, pages]);
}

function Nothing({ filters, busy, onClear }: { filters: Filters; busy: boolean; onClear: () => void }) {
  if (busy) return <Empty title={"Searching older downloads\u2026"} />;
  if (isFiltered(filters)) {
    return (
      <Empty title="Nothing matches these filters">
        <Button className="mt-2" onClick={onClear}>
          Clear the filters
        </Button>
      </Empty>
    );
  }
  return (
    <Empty title="No downloads yet">
      <p>Name up to 100,000 stored files, get one ZIP of them, single files, or both.</p>
      <Link to="/new" className={buttonClass("primary", "mt-4")}>
        Start a download
      </Link>
    </Empty>
  );
}

function ListSkeleton() {
  return (
    <div aria-label="Loading" role="status" className="flex flex-col">
      {Array.from({ length: 6 }, (_, index) => (
        <div key={index} className="flex h-14 items-center gap-6 border-b border-line px-4 last:border-0">
          <Skeleton className="h-5 w-24" />
          <Skeleton className="h-4 w-56 max-sm:w-24" />
          <Skeleton className="ml-auto h-4 w-32 max-sm:w-16" />
        </div>
      ))}
    </div>
  );
}
