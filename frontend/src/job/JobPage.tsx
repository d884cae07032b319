import * as Tabs from "@radix-ui/react-tabs";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, getRouteApi } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { hasEnded, type JobDocument } from "../api/client";
import { jobQuery } from "../api/queries";
import { ACTIONS, act, actionsFor, type Action } from "../jobs/actions";
import { titleOf } from "../jobs/filters";
import { ACTION_ICONS, Confirm } from "../jobs/JobsTable";
import { formatMoment } from "../lib/format";
import { plainName } from "../lib/names";
import { mergeJob } from "../live/cache";
import { useLiveJob } from "../live/useLive";
import { Button, CopyButton, Name, Skeleton } from "../ui/basics";
import { Back } from "../ui/icons";
import { Problem } from "../ui/problem";
import { StatusBadge } from "../ui/status";
import { Age } from "../ui/time";
import { Archives } from "./Archives";
import { FilesTable } from "./FilesTable";
import { LiveMark } from "./LiveMark";
import { Progressing } from "./Progressing";
import { Trail } from "./Trail";

const route = getRouteApi("/jobs/$jobId");

export function JobPage() {
  const { jobId } = route.useParams();
  const { data: job, error, refetch, isPending } = useQuery(jobQuery(jobId));
  const live = useLiveJob(jobId, job);
  useEffect(() => {
    if (job)
      document.title = `${hasEnded(job) ? STATUS_TITLE[job.status] : `${job.progress}%`} \u00b7 ${plainName(titleOf(job))} \u00b7 Lorry`;
  }, [job]);
  return (
    <div className="flex flex-col gap-4">
      <Link to="/" className="inline-flex w-fit items-center gap-1 text-muted hover:text-ink">
        <Back /> Downloads
      </Link>
      {!job && <h1 className="sr-only">Download</h1>}
      {error && <Problem error={error} retry={() => void refetch()} />}
      {isPending && !error && <JobSkeleton />}
      {job && <JobView key={jobId} job={job} live={live} />}
    </div>
  );
}

const STATUS_TITLE: Record<string, string> = { ready: "Ready", failed: "Failed", cancelled: "Cancelled" };

function JobView({ job, live }: { job: JobDocument; live: ReturnType<typeof useLiveJob> }) {
  return (
    <>
      <header className="flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
        <div className="flex min-w-0 flex-1 basis-80 flex-col gap-1.5">
          <h1 className="line-clamp-2 text-xl font-semibold tracking-tight wrap-anywhere">
            <Name value={titleOf(job)} />
          </h1>
          <div className="flex flex-wrap items-center gap-x-3 gap-y-1 text-muted">
            <StatusBadge status={job.status} stage={job.stage} />
            <span className="inline-flex max-w-full items-center">
              <code className="clip font-mono">{job.jobId}</code>
              <CopyButton text={job.jobId} label="Copy the job id" />
            </span>
            <LiveMark way={live.way} />
          </div>
        </div>
        <Actions job={job} />
      </header>
      {job.error && <JobFailed job={job} />}
      <Progressing job={job} />
      <Facts job={job} />
      {job.status === "ready" && <Archives job={job} />}
      <Tabs.Root defaultValue="files" className="flex flex-col gap-3">
        <Tabs.List aria-label="Of this download" className="flex gap-1 border-b border-line">
          <Tab value="files" text="Files" />
          <Tab value="trail" text="History" />
        </Tabs.List>
        <Tabs.Content value="files" tabIndex={-1}>
          <FilesTable job={job} />
        </Tabs.Content>
        <Tabs.Content value="trail" tabIndex={-1}>
          <Trail job={job} />
        </Tabs.Content>
      </Tabs.Root>
    </>
  );
}

function Tab({ value, text }: { value: string; text: string }) {
  return (
    <Tabs.Trigger
      value={value}
      className="-mb-px border-b-2 border-transparent px-3 py-2 font-medium text-muted hover:text-ink data-[state=active]:border-accent data-[state=active]:text-ink"
    >
      {text}
    </Tabs.Trigger>
  );
}

function Actions({ job }: { job: JobDocument }) {
  const queries = useQueryClient();
  const [asked, setAsked] = useState<Action | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const navigate = route.useNavigate();
  const go = async (action: Action) => {
    try {
      const changed = await act(action, job.jobId);
      if (!changed) return void navigate({ to: "/" });
      mergeJob(queries, changed);
      setAsked(null);
    } catch (reason) {
      setFailure(reason);
    }
    await queries.invalidateQueries({ queryKey: ["job", job.jobId] });
    await queries.invalidateQueries({ queryKey: ["events", job.jobId] });
  };
  return (
    <div className="flex flex-wrap gap-2">
      {actionsFor(job).map((action) => (
        <Button key={action} look={action === "retry" ? "plain" : "danger"} onClick={() => setAsked(action)}>
          {ACTION_ICONS[action]}
          {ACTIONS[action].verb}
        </Button>
      ))}
      <Confirm
        action={asked}
        name={titleOf(job)}
        failure={failure}
        onClose={() => (setAsked(null), setFailure(null))}
        onGo={go}
      />
    </div>
  );
}

function JobFailed({ job }: { job: JobDocument }) {
  return (
    <section role="alert" className="card border-l-4 border-l-bad-fill p-4">
      <h2 className="font-semibold text-bad">{job.error?.code}</h2>
      <p className="wrap-anywhere">{job.error?.message}</p>
      {job.links.retry && <p className="text-muted">A retry runs only what failed; what is done is kept.</p>}
    </section>
  );
}

function Facts({ job }: { job: JobDocument }) {
  const { archive } = job;
  const facts: [string, React.ReactNode][] = [
    [
      "Requested",
      archive ? `one ZIP, ${archive.layout === "tree" ? "with folders" : "without folders"}` : "single files",
    ],
    ...(archive
      ? [["A missing file", archive.onMissing === "fail" ? "fails the job" : "is left out"] as [string, string]]
      : []),
    ["Started", <Age key="started" at={job.createdAt} />],
    ...(job.finishedAt ? [["Ended", <Age key="ended" at={job.finishedAt} />] as [string, React.ReactNode]] : []),
    [
      hasEnded(job) ? "Kept until" : "Changed",
      hasEnded(job) ? (
        <time dateTime={job.expiresAt}>{formatMoment(job.expiresAt)}</time>
      ) : (
        <Age key="changed" at={job.updatedAt} />
      ),
    ],
  ];
  return (
    <dl className="flex flex-wrap gap-x-8 gap-y-2">
      {facts.map(([name, value]) => (
        <div key={name} className="flex flex-col">
          <dt className="text-[0.93em] text-muted">{name}</dt>
          <dd className="tabular">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function JobSkeleton() {
  return (
    <div role="status" aria-label="Loading" className="flex flex-col gap-4">
      <Skeleton className="h-8 w-72" />
      <Skeleton className="h-28 w-full" />
      <Skeleton className="h-96 w-full" />
    </div>
  );
}
