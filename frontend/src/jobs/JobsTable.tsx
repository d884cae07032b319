import * as Menu from "@radix-ui/react-dropdown-menu";
import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { createColumnHelper, tableFeatures, useTable } from "@tanstack/react-table";
import { useMemo, useState } from "react";
import { hasEnded, type Job } from "../api/client";
import { formatBytes, formatCount } from "../lib/format";
import { mergeJob } from "../live/cache";
import { Button, Dialog, Name, Progress } from "../ui/basics";
import { Dots, Retry, Stop, Trash } from "../ui/icons";
import { Problem } from "../ui/problem";
import { StatusBadge } from "../ui/status";
import { Age } from "../ui/time";
import { ACTIONS, act, actionsFor, type Action } from "./actions";
import { titleOf } from "./filters";

interface Props {
  jobs: Job[];
  selected: ReadonlySet<string>;
  onSelect: (selected: ReadonlySet<string>) => void;
}

const features = tableFeatures({});
const helper = createColumnHelper<typeof features, Job>();
const columns = helper.columns([
  helper.display({ id: "job", header: "Download", cell: ({ row }) => <Title job={row.original} /> }),
  helper.display({ id: "status", header: "Status", cell: ({ row }) => <State job={row.original} /> }),
  helper.display({ id: "files", header: "Files", cell: ({ row }) => <Files job={row.original} /> }),
  helper.accessor("bytes.total", {
    id: "size",
    header: "Size",
    cell: ({ getValue }) => (getValue() > 0 ? formatBytes(getValue()) : "\u2013"),
  }),
  helper.accessor("createdAt", { id: "created", header: "Started", cell: ({ getValue }) => <Age at={getValue()} /> }),
  helper.accessor("expiresAt", {
    id: "expires",
    header: "Expires",
    cell: ({ row, getValue }) => (hasEnded(row.original) ? <Age at={getValue()} /> : "\u2013"),
  }),
]);

// What is left out where there is no room for it; on a phone a row is a card of the first three.
const COLUMN_CLASS: Record<string, string> = {
  job: "max-md:basis-full max-md:pl-10 md:w-[32%]",
  status: "max-md:basis-full max-md:pl-10 md:w-[22%]",
  files: "max-md:basis-full max-md:pl-10 md:w-[15%]",
  size: "text-right max-md:hidden md:w-[9%]",
  created: "max-lg:hidden lg:w-[11%] text-muted",
  expires: "max-xl:hidden xl:w-[9%] text-muted",
};

export function JobsTable({ jobs, selected, onSelect }: Props) {
  const table = useTable({ features, columns, data: jobs, getRowId: (job) => job.jobId });
  const all = jobs.length > 0 && jobs.every((job) => selected.has(job.jobId));
  const toggle = (jobId: string, on: boolean) => {
    const next = new Set(selected);
    if (on) next.add(jobId);
    else next.delete(jobId);
    onSelect(next);
  };
  return (
    <table className="w-full table-fixed max-md:block">
      <caption className="sr-only">Downloads, newest first</caption>
      <thead className="border-b border-line bg-sunken text-left text-muted max-md:sr-only">
        {table.getHeaderGroups().map((group) => (
          <tr key={group.id}>
            <th scope="col" className="w-10 py-2 pl-4">
              <input
                type="checkbox"
                className="block"
                aria-label="Select all that are shown"
                checked={all}
                onChange={(event) => onSelect(new Set(event.target.checked ? jobs.map((job) => job.jobId) : []))}
              />
            </th>
            {group.headers.map((header) => (
              <th key={header.id} scope="col" className={`px-3 py-2 font-medium ${COLUMN_CLASS[header.id]}`}>
                <table.FlexRender header={header} />
              </th>
            ))}
            <th scope="col" className="w-12">
              <span className="sr-only">Actions</span>
            </th>
          </tr>
        ))}
      </thead>
      <tbody className="max-md:block">
        {table.getRowModel().rows.map((row) => (
          <tr
            key={row.id}
            className="relative border-b border-line last:border-0 hover:bg-sunken max-md:flex max-md:flex-wrap max-md:items-center max-md:py-2"
          >
            <td className="py-3 pl-4 align-middle max-md:absolute max-md:top-1 max-md:left-0">
              <input
                type="checkbox"
                className="block"
                aria-label={`Select ${titleOf(row.original)}`}
                checked={selected.has(row.id)}
                onChange={(event) => toggle(row.id, event.target.checked)}
              />
            </td>
            {row.getAllCells().map((cell) => (
              <td
                key={cell.id}
                className={`h-14 px-3 py-2 align-middle tabular max-md:h-auto max-md:py-1 ${COLUMN_CLASS[cell.column.id]}`}
              >
                <table.FlexRender cell={cell} />
              </td>
            ))}
            <td className="pr-2 text-right align-middle max-md:absolute max-md:top-1 max-md:right-0">
              <RowMenu job={row.original} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Title({ job }: { job: Job }) {
  return (
    <div className="flex min-w-0 flex-col max-md:pr-8">
      <Link
        to="/jobs/$jobId"
        params={{ jobId: job.jobId }}
        className="clip font-medium hover:text-accent hover:underline"
      >
        <Name value={titleOf(job)} />
      </Link>
      <code className="clip font-mono text-[0.9em] text-muted">{job.jobId}</code>
    </div>
  );
}

function State({ job }: { job: Job }) {
  const ended = hasEnded(job);
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5">
      <StatusBadge status={job.status} stage={job.stage} />
      {!ended && (
        <span className="flex min-w-28 flex-1 items-center gap-2">
          <Progress value={job.progress} label={`Progress of ${titleOf(job)}`} active={job.status === "processing"} />
          <span className="tabular w-9 text-right text-muted">{job.progress}%</span>
        </span>
      )}
      {job.error && <span className="clip text-bad">{job.error.code}</span>}
    </div>
  );
}

function Files({ job }: { job: Job }) {
  const { available, missing, failed } = job.counts;
  const total = job.total === null ? "\u2026" : formatCount(job.total);
  return (
    <div className="flex flex-wrap gap-x-3 md:flex-col">
      <span>
        {hasEnded(job) ? formatCount(available) : formatCount(job.processed)}{" "}
        <span className="text-muted">of {total}</span>
      </span>
      {missing + failed > 0 && (
        <span className="text-[0.93em] text-warn">
          {[missing > 0 && `${formatCount(missing)} missing`, failed > 0 && `${formatCount(failed)} failed`]
            .filter(Boolean)
            .join(", ")}
        </span>
      )}
    </div>
  );
}

export const ACTION_ICONS: Record<Action, React.ReactNode> = { cancel: <Stop />, retry: <Retry />, purge: <Trash /> };

function RowMenu({ job }: { job: Job }) {
  const queries = useQueryClient();
  const [asked, setAsked] = useState<Action | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const actions = useMemo(() => actionsFor(job), [job]);
  const go = async (action: Action) => {
    try {
      const changed = await act(action, job.jobId);
      if (changed) mergeJob(queries, changed);
      else await queries.invalidateQueries({ queryKey: ["jobs"] });
      setAsked(null);
    } catch (reason) {
      setFailure(reason);
      void queries.invalidateQueries({ queryKey: ["jobs"] });
    }
  };
  return (
    <>
      <Menu.Root modal={false}>
        <Menu.Trigger asChild>
          <Button look="quiet" className="px-1.5" aria-label={`Actions for ${titleOf(job)}`}>
            <Dots />
          </Button>
        </Menu.Trigger>
        <Menu.Portal>
          <Menu.Content
            align="end"
            className="animate-arrive z-40 min-w-44 rounded-lg border border-line bg-raised p-1 shadow-lg"
          >
            <Menu.Item asChild>
              <Link to="/jobs/$jobId" params={{ jobId: job.jobId }} className={ITEM}>
                Open
              </Link>
            </Menu.Item>
            <Menu.Item className={ITEM} onSelect={() => void navigator.clipboard.writeText(job.jobId)}>
              Copy the job id
            </Menu.Item>
            {actions.map((action) => (
              <Menu.Item key={action} className={ITEM} onSelect={() => setAsked(action)}>
                {ACTION_ICONS[action]}
                {ACTIONS[action].verb}
              </Menu.Item>
            ))}
          </Menu.Content>
        </Menu.Portal>
      </Menu.Root>
      <Confirm
        action={asked}
        name={titleOf(job)}
        failure={failure}
        onClose={() => (setAsked(null), setFailure(null))}
        onGo={go}
      />
    </>
  );
}

const ITEM = "flex w-full items-center gap-2 rounded-md px-2 py-1.5 outline-none data-[highlighted]:bg-idle-soft";

/** Asks before an action on one job. */
export function Confirm({
  action,
  name,
  failure,
  onClose,
  onGo,
}: {
  action: Action | null;
  name: string;
  failure: unknown;
  onClose: () => void;
  onGo: (action: Action) => Promise<void>;
}) {
  const [busy, setBusy] = useState(false);
  const known = action ? ACTIONS[action] : null;
  return (
    <Dialog
      open={action !== null}
      onClose={onClose}
      title={known ? `${known.verb} this download?` : ""}
      footer={
        <>
          <Button onClick={onClose}>Keep it as it is</Button>
          <Button
            look={action === "retry" ? "primary" : "danger"}
            disabled={busy}
            onClick={() => {
              if (!action) return;
              setBusy(true);
              void onGo(action).finally(() => setBusy(false));
            }}
          >
            {known?.verb}
          </Button>
        </>
      }
    >
      <p className="wrap-anywhere">
        <Name value={name} />
      </p>
      <p className="text-muted">{known?.explain}</p>
      {failure !== null && <Problem error={failure} />}
    </Dialog>
  );
}
