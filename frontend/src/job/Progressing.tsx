import { clsx } from "clsx";
import { useEffect, useState } from "react";
import { hasEnded, type Job } from "../api/client";
import { formatBytes, formatCount, formatDuration } from "../lib/format";
import { addSample, measureOf, rateOf, secondsLeft, type Measure, type Sample } from "../lib/pace";
import { Progress } from "../ui/basics";
import { Check, Cross, Stop } from "../ui/icons";
import { useNow } from "../ui/time";

type StepState = "done" | "current" | "waiting" | "failed" | "stopped";

interface StepView {
  name: string;
  state: StepState;
  detail: string;
}

/** The steps of a job with counts, rate and time left. Its height does not change while it runs. */
export function Progressing({ job }: { job: Job }) {
  const measure = measureOf(job);
  const { rate, left } = usePace(job, measure);
  const steps = stepsOf(job);
  const tone =
    job.status === "ready" ? "good" : job.status === "failed" ? "bad" : job.status === "cancelled" ? "idle" : "busy";
  return (
    <section aria-label="Progress" className="card flex flex-col gap-4 p-4">
      <div className="flex flex-col gap-2">
        <div className="flex flex-wrap items-baseline justify-between gap-x-4">
          <span className="tabular text-2xl font-semibold">{job.progress}%</span>
          <span className="tabular min-h-[1.45em] text-muted">{paceText(job, { measure, rate, left })}</span>
        </div>
        <Progress
          value={job.progress}
          tone={tone}
          label="Progress of this download"
          active={job.status === "processing"}
        />
      </div>
      <ol className="grid gap-x-6 gap-y-3 sm:grid-flow-col sm:auto-cols-fr">
        {steps.map((step) => (
          <li
            key={step.name}
            className="flex items-start gap-2.5"
            aria-current={step.state === "current" ? "step" : undefined}
          >
            <StepMark state={step.state} />
            <div className="min-w-0">
              <p className={clsx("font-medium", step.state === "waiting" && "text-muted")}>{step.name}</p>
              <p className="tabular min-h-[1.45em] text-muted">{step.detail}</p>
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}

function usePace(job: Job, measure: Measure) {
  const [samples, setSamples] = useState<{ stage: string | null; list: Sample[] }>({ stage: null, list: [] });
  const now = useNow();
  const { done } = measure;
  const { stage, updatedAt } = job;
  useEffect(() => {
    setSamples((known) => ({
      stage,
      list: addSample(known.stage === stage ? known.list : [], { at: Date.now(), done }),
    }));
  }, [stage, done, updatedAt]);
  if (hasEnded(job)) return { rate: null, left: null };
  const rate = rateOf(samples.list);
  const since = (now - (samples.list.at(-1)?.at ?? now)) / 1000;
  const left = secondsLeft(measure, rate);
  return { rate, left: left === null ? null : Math.max(0, left - Math.max(0, since)) };
}

function paceText(
  job: Job,
  { measure, rate, left }: { measure: Measure; rate: number | null; left: number | null },
): string {
  if (hasEnded(job)) {
    if (!job.finishedAt) return "";
    return `took ${formatDuration((Date.parse(job.finishedAt) - Date.parse(job.createdAt)) / 1000)}`;
  }
  if (job.status === "queued") return "waiting for a worker";
  const speed =
    rate === null
      ? ""
      : measure.unit === "bytes"
        ? `${formatBytes(rate)}/s`
        : `${formatCount(Math.round(rate))} files/s`;
  return [speed, left === null ? "" : `about ${formatDuration(Math.ceil(left))} left of this step`]
    .filter(Boolean)
    .join(" \u00b7 ");
}

const ORDER = ["checking", "checksumming", "assembling"];

function stepsOf(job: Job): StepView[] {
  const names = job.archive ? ["checking", "assembling"] : ["checking"];
  if (job.stage === "checksumming") names.splice(1, 0, "checksumming");
  const reached =
    job.status === "queued" ? -1 : job.stage ? ORDER.indexOf(job.stage) : job.status === "ready" ? 3 : reachedBy(job);
  const stateOf = (name: string): StepState => {
    const place = ORDER.indexOf(name);
    if (place < reached) return "done";
    if (place > reached) return "waiting";
    if (job.status === "failed") return "failed";
    return job.status === "cancelled" ? "stopped" : "current";
  };
  return [
    {
      name: "Queued",
      state: job.status === "queued" ? "current" : "done",
      detail: job.status === "queued" ? "waiting for a worker" : "accepted",
    },
    ...names.map((name) => ({ name: STEP_NAMES[name] ?? name, state: stateOf(name), detail: detailOf(job, name) })),
    {
      name: job.status === "failed" ? "Failed" : job.status === "cancelled" ? "Cancelled" : "Ready",
      state:
        job.status === "ready"
          ? "done"
          : job.status === "failed"
            ? "failed"
            : job.status === "cancelled"
              ? "stopped"
              : "waiting",
      detail: "",
    },
  ];
}

/** How far a job came that ended early: its step is not said any more. */
const reachedBy = (job: Job): number => (job.total !== null && job.processed >= job.total && job.archive ? 2 : 0);

const STEP_NAMES: Record<string, string> = {
  checking: "Checking files",
  checksumming: "Computing checksums",
  assembling: "Assembling the ZIP",
};

function detailOf(job: Job, name: string): string {
  if (name === "checking") {
    const { missing, failed } = job.counts;
    const total = job.total === null ? "listing\u2026" : formatCount(job.total);
    const lost = [missing && `${formatCount(missing)} missing`, failed && `${formatCount(failed)} failed`].filter(
      Boolean,
    );
    return [`${formatCount(job.processed)} of ${total}`, ...lost].join(", ");
  }
  if (name === "assembling" && (job.stage === "assembling" || job.status === "ready"))
    return `${formatBytes(job.bytes.done)} of ${formatBytes(job.bytes.total)}`;
  return "";
}

function StepMark({ state }: { state: StepState }) {
  const base = "mt-0.5 grid size-5 shrink-0 place-items-center rounded-full";
  if (state === "done")
    return (
      <span className={clsx(base, "bg-good-soft text-good")}>
        <Check className="size-3.5" />
        <Said text="done" />
      </span>
    );
  if (state === "failed")
    return (
      <span className={clsx(base, "bg-bad-soft text-bad")}>
        <Cross className="size-3.5" />
        <Said text="failed" />
      </span>
    );
  if (state === "stopped")
    return (
      <span className={clsx(base, "bg-idle-soft text-idle")}>
        <Stop className="size-3.5" />
        <Said text="stopped" />
      </span>
    );
  if (state === "current")
    return (
      <span className={clsx(base, "bg-busy-soft")}>
        <span className="animate-breathe size-2 rounded-full bg-busy-fill" aria-hidden="true" />
      </span>
    );
  return <span className={clsx(base, "border border-dashed border-line-strong")} />;
}

const Said = ({ text }: { text: string }) => <span className="sr-only">{text}: </span>;
