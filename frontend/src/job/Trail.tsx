import { useInfiniteQuery } from "@tanstack/react-query";
import { clsx } from "clsx";
import { useMemo } from "react";
import { hasEnded, type EventDocument, type JobDocument } from "../api/client";
import { eventsQuery } from "../api/queries";
import { config } from "../config";
import { formatClock, formatCount, formatDuration, formatMoment } from "../lib/format";
import { plainName } from "../lib/names";
import { spansOf, type Span } from "../lib/timeline";
import { Button, CopyButton, Empty, Name, Skeleton } from "../ui/basics";
import { External } from "../ui/icons";
import { Problem } from "../ui/problem";
import { useNow } from "../ui/time";

/** What happened to a job: its steps to scale, and every event of its audit trail. */
export function Trail({ job }: { job: JobDocument }) {
  const list = useInfiniteQuery({ ...eventsQuery(job.jobId), refetchInterval: hasEnded(job) ? false : 4_000 });
  const events = useMemo(() => list.data?.pages.flatMap((page) => page.events) ?? [], [list.data]);
  if (list.isPending && !list.isError) return <Skeleton className="h-64 w-full" />;
  return (
    <div className="flex flex-col gap-4">
      {list.isError && <Problem error={list.error} retry={() => void list.refetch()} />}
      <Waterfall events={events} />
      {events.length === 0 ? <Empty title="Nothing has happened yet" /> : <Events events={events} />}
      {list.hasNextPage && (
        <Button className="self-center" onClick={() => void list.fetchNextPage()} disabled={list.isFetchingNextPage}>
          Load more
        </Button>
      )}
    </div>
  );
}

const SPAN_FILL: Record<Span["outcome"], string> = {
  done: "bg-good-fill",
  running: "bg-busy-fill",
  failed: "bg-bad-fill",
  cancelled: "bg-idle-fill",
};

function Waterfall({ events }: { events: readonly EventDocument[] }) {
  const now = useNow();
  const spans = useMemo(() => spansOf(events, now), [events, now]);
  const [start, end] = [spans[0]?.from ?? 0, Math.max(...spans.map((span) => span.to), 0)];
  if (spans.length === 0 || end <= start) return null;
  const percent = (ms: number) => `${(ms / (end - start)) * 100}%`;
  return (
    <section aria-label="Steps to scale" className="card flex flex-col gap-1.5 p-4">
      {spans.map((span, index) => (
        <div
          key={index}
          className="grid grid-cols-[11rem_minmax(0,1fr)_5.500rem] items-center gap-3 max-sm:grid-cols-[8.500rem_minmax(0,1fr)_4.500rem]"
        >
          <span className="clip" title={span.name}>
            {span.name}
          </span>
          <span className="relative h-4 rounded bg-sunken">
            <span
              className={clsx(
                "absolute inset-y-0 min-w-0.5 rounded",
                SPAN_FILL[span.outcome],
                span.open && "animate-breathe",
              )}
              style={{ left: percent(span.from - start), width: percent(span.to - span.from) }}
            />
          </span>
          <span className="tabular text-right text-muted">{formatDuration((span.to - span.from) / 1000)}</span>
        </div>
      ))}
    </section>
  );
}

const KINDS: Record<string, { text: string; dot: string }> = {
  created: { text: "Accepted", dot: "bg-accent" },
  started: { text: "A worker began", dot: "bg-busy-fill" },
  checked: { text: "All files checked", dot: "bg-busy-fill" },
  checksumming: { text: "Computing checksums", dot: "bg-busy-fill" },
  assembling: { text: "Assembling the archive", dot: "bg-busy-fill" },
  ready: { text: "Ready", dot: "bg-good-fill" },
  failed: { text: "Failed", dot: "bg-bad-fill" },
  cancelled: { text: "Cancelled", dot: "bg-idle-fill" },
  retried: { text: "Retried", dot: "bg-accent" },
  links_issued: { text: "Links handed out", dot: "bg-idle-fill" },
  swept: { text: "Set going again by the sweeper", dot: "bg-warn-fill" },
  source_changed: { text: "A file changed while it was copied", dot: "bg-warn-fill" },
  upload_aborted: { text: "The archive's upload was aborted from outside", dot: "bg-warn-fill" },
  assembly_retried: { text: "A step of the assembly is tried again", dot: "bg-warn-fill" },
};

function Events({ events }: { events: readonly EventDocument[] }) {
  return (
    <ol className="card flex flex-col p-4" aria-label="Audit trail">
      {events.map((event, index) => {
        const known = KINDS[event.kind] ?? { text: event.kind.replaceAll("_", " "), dot: "bg-warn-fill" };
        return (
          <li key={index} className="relative flex gap-3 pb-4 pl-1 last:pb-0">
            {index < events.length - 1 && (
              <span aria-hidden="true" className="absolute top-4 bottom-0 left-[0.5rem] w-px bg-line" />
            )}
            <span aria-hidden="true" className={clsx("mt-1.5 size-2.5 shrink-0 rounded-full", known.dot)} />
            <div className="flex min-w-0 flex-1 flex-col gap-0.5">
              <div className="flex flex-wrap items-baseline justify-between gap-x-4">
                <span className="font-medium">{known.text}</span>
                <time className="tabular text-muted" dateTime={event.at} title={formatMoment(event.at)}>
                  {formatClock(event.at)}
                </time>
              </div>
              <div className="flex flex-wrap items-center gap-x-4 text-muted">
                <span>
                  by <Name value={event.by} />
                </span>
                <Details details={event.details} />
                {event.requestId && (
                  <span className="inline-flex max-w-full min-w-0 items-center">
                    request <code className="clip ml-1 max-w-40 font-mono">{event.requestId}</code>
                    <CopyButton text={event.requestId} label="Copy the request id" />
                  </span>
                )}
                {event.traceId && <Trace id={event.traceId} />}
              </div>
            </div>
          </li>
        );
      })}
    </ol>
  );
}

function Trace({ id }: { id: string }) {
  if (!config.jaeger) {
    return (
      <span className="inline-flex min-w-0 items-center">
        trace <code className="clip ml-1 max-w-24 font-mono">{id}</code>
        <CopyButton text={id} label="Copy the trace id" />
      </span>
    );
  }
  return (
    <a
      className="inline-flex items-center gap-1 text-accent hover:underline"
      href={`${config.jaeger.replace(/\/$/, "")}/trace/${id}`}
    >
      trace <External className="size-3.5" />
    </a>
  );
}

function Details({ details }: { details: Record<string, unknown> }) {
  const shown = Object.entries(details).filter(([, value]) => ["string", "number", "boolean"].includes(typeof value));
  return shown.map(([name, value]) => (
    <span key={name} className="wrap-anywhere">
      {name} {typeof value === "number" ? formatCount(value) : plainName(String(value)).slice(0, 300)}
    </span>
  ));
}
