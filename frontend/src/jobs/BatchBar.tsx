import { useQueryClient } from "@tanstack/react-query";
import { useMemo, useRef, useState } from "react";
import type { Job } from "../api/client";
import { formatCount } from "../lib/format";
import { Button, Dialog, Progress } from "../ui/basics";
import { ACTIONS, actOnAll, actionsFor, type Action, type BatchState } from "./actions";
import { ACTION_ICONS } from "./JobsTable";

interface Props {
  jobs: readonly Job[];
  selected: ReadonlySet<string>;
  onSelect: (selected: ReadonlySet<string>) => void;
  /** Loads older jobs too, and selects all that match; where there are older ones. */
  onSelectAll: (() => void) | undefined;
  busy: boolean;
}

/** Actions on every selected job. Takes no room while nothing is selected. */
export function BatchBar({ jobs, selected, onSelect, onSelectAll, busy }: Props) {
  const [asked, setAsked] = useState<{ action: Action; jobIds: string[] } | null>(null);
  const chosen = useMemo(() => jobs.filter((job) => selected.has(job.jobId)), [jobs, selected]);
  const possible = useMemo(() => {
    const found = new Map<Action, string[]>();
    for (const job of chosen)
      for (const action of actionsFor(job)) found.set(action, [...(found.get(action) ?? []), job.jobId]);
    return found;
  }, [chosen]);
  if (chosen.length === 0 && asked === null) return null;
  return (
    <div
      role="region"
      aria-label="Actions on selected downloads"
      className="card flex flex-wrap items-center gap-2 px-4 py-2"
    >
      <span className="font-medium" role="status">
        {formatCount(chosen.length)} selected
      </span>
      {chosen.length < jobs.length && !onSelectAll && (
        <button
          type="button"
          className="text-accent hover:underline"
          onClick={() => onSelect(new Set(jobs.map((job) => job.jobId)))}
        >
          Select all {formatCount(jobs.length)} that match
        </button>
      )}
      {onSelectAll && (
        <button
          type="button"
          className="text-accent hover:underline disabled:opacity-60"
          disabled={busy}
          onClick={onSelectAll}
        >
          {busy ? `Loading\u2026 ${formatCount(jobs.length)}` : "Select all that match, older ones too"}
        </button>
      )}
      <span className="ml-auto flex flex-wrap gap-2">
        {[...possible].map(([action, jobIds]) => (
          <Button
            key={action}
            look={action === "retry" ? "plain" : "danger"}
            onClick={() => setAsked({ action, jobIds })}
          >
            {ACTION_ICONS[action]}
            {ACTIONS[action].verb} {formatCount(jobIds.length)}
          </Button>
        ))}
        <Button look="quiet" onClick={() => onSelect(new Set())}>
          Clear
        </Button>
      </span>
      {asked && (
        <Run
          {...asked}
          onClose={(done) => {
            setAsked(null);
            if (done) onSelect(new Set());
          }}
        />
      )}
    </div>
  );
}

function Run({ action, jobIds, onClose }: { action: Action; jobIds: string[]; onClose: (done: boolean) => void }) {
  const queries = useQueryClient();
  const [state, setState] = useState<BatchState | null>(null);
  const [over, setOver] = useState(false);
  const stopped = useRef(false);
  const { verb, past, explain } = ACTIONS[action];
  const start = async () => {
    setState({ done: 0, failed: [] });
    setState(await actOnAll(action, jobIds, { report: setState, stopped: () => stopped.current }));
    setOver(true);
    await queries.invalidateQueries({ queryKey: ["jobs"] });
  };
  const close = () => {
    stopped.current = true;
    onClose(state !== null);
  };
  const succeeded = state ? state.done - state.failed.length : 0;
  return (
    <Dialog
      open
      onClose={close}
      title={`${verb} ${formatCount(jobIds.length)} ${jobIds.length === 1 ? "download" : "downloads"}?`}
      footer={
        <>
          <Button onClick={close}>{over ? "Close" : state ? "Stop" : "Keep them as they are"}</Button>
          {!state && (
            <Button look={action === "retry" ? "primary" : "danger"} onClick={() => void start()}>
              {verb}
            </Button>
          )}
        </>
      }
    >
      <p className="text-muted">{explain}</p>
      {state && (
        <>
          <Progress value={Math.round((state.done / jobIds.length) * 100)} label={`${verb} downloads`} />
          <p role="status" className="tabular">
            {formatCount(succeeded)} {past}
            {state.failed.length > 0 && `, ${formatCount(state.failed.length)} not`}
          </p>
        </>
      )}
      {state && state.failed.length > 0 && (
        <ul className="max-h-40 overflow-auto text-bad">
          {state.failed.map(({ jobId, why }) => (
            <li key={jobId}>
              <code className="font-mono">{jobId.slice(0, 8)}</code> {why}
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  );
}
