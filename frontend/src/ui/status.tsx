import { clsx } from "clsx";
import type { FileState, JobStatus } from "../api/client";
import { Alert, Check, Clock, Cross, Stop } from "./icons";

type Tone = "good" | "busy" | "warn" | "bad" | "idle";

const TONES: Record<Tone, string> = {
  good: "bg-good-soft text-good",
  busy: "bg-busy-soft text-busy",
  warn: "bg-warn-soft text-warn",
  bad: "bg-bad-soft text-bad",
  idle: "bg-idle-soft text-idle",
};

export const STATUSES: Record<JobStatus, { text: string; tone: Tone }> = {
  queued: { text: "Queued", tone: "idle" },
  processing: { text: "Processing", tone: "busy" },
  ready: { text: "Ready", tone: "good" },
  failed: { text: "Failed", tone: "bad" },
  cancelled: { text: "Cancelled", tone: "idle" },
};

const STAGES: Record<string, string> = {
  checking: "Checking",
  checksumming: "Checksums",
  assembling: "Assembling",
};

export function StatusBadge({ status, stage }: { status: JobStatus; stage?: string | null }) {
  const { text, tone } = STATUSES[status];
  return <Badge tone={tone} icon={<Mark status={status} />} text={(stage && STAGES[stage]) || text} />;
}

function Mark({ status }: { status: JobStatus }) {
  if (status === "ready") return <Check className="size-3.5" />;
  if (status === "failed") return <Cross className="size-3.5" />;
  if (status === "cancelled") return <Stop className="size-3.5" />;
  if (status === "queued") return <Clock className="size-3.5" />;
  return (
    <span aria-hidden="true" className="grid size-3.5 place-items-center">
      <span className="animate-breathe size-2 rounded-full bg-busy-fill" />
    </span>
  );
}

export const FILE_STATES: Record<FileState, { text: string; tone: Tone }> = {
  available: { text: "Available", tone: "good" },
  missing: { text: "Missing", tone: "warn" },
  failed: { text: "Failed", tone: "bad" },
  pending: { text: "Waiting", tone: "idle" },
  folder: { text: "Folder", tone: "idle" },
  unchecked: { text: "Not checked", tone: "idle" },
};

export function FileBadge({ state }: { state: FileState }) {
  const known = FILE_STATES[state] as { text: string; tone: Tone } | undefined;
  const { text, tone } = known ?? { text: state, tone: "idle" };
  return <Badge tone={tone} icon={FILE_MARKS[tone]} text={text} />;
}

const FILE_MARKS: Record<Tone, React.ReactNode> = {
  good: <Check className="size-3.5" />,
  warn: <Alert className="size-3.5" />,
  bad: <Cross className="size-3.5" />,
  idle: <Clock className="size-3.5" />,
  busy: <Clock className="size-3.5" />,
};

export function Badge({ tone, icon, text }: { tone: Tone; icon?: React.ReactNode; text: string }) {
  return (
    <span
      className={clsx(
        "inline-flex items-center gap-1 rounded-full px-2 py-0.5 text-[0.93em] font-medium whitespace-nowrap",
        TONES[tone],
      )}
    >
      {icon}
      {text}
    </span>
  );
}
