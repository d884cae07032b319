import type { Limits } from "../api/client";
import { formatBytes, formatCount, formatDuration } from "../lib/format";
import { bytesOf } from "../lib/picks";
import type { Named } from "../lib/request";
import type { Draft } from "./draft";

interface Props {
  draft: Draft;
  named: Named;
  size: number;
  limits: Limits;
}

/** What the form asks for, before it is sent. */
export function Summary({ draft, named, size, limits }: Props) {
  const { files, folder } = draft.picked;
  const repeated = named.kind === "nothing" ? 0 : named.repeated;
  const rows: [string, string][] = [
    ["Files", filesText(draft, { named, limits })],
    ...(draft.way === "browse" && folder === null ? [["Bytes", formatBytes(bytesOf(files))] as [string, string]] : []),
    ...(draft.way === "names" && repeated > 0
      ? [["Named twice", `${formatCount(repeated)}, kept once`] as [string, string]]
      : []),
    ["You get", draft.options.zip ? "one ZIP" : "single files"],
    ["Request", `${formatBytes(size)} of ${formatBytes(limits.body.maxBytes)} at most`],
    ["Kept for", formatDuration(limits.jobs.ttlSeconds)],
  ];
  return (
    <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1">
      {rows.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-muted">{name}</dt>
          <dd className="tabular text-right">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function filesText(draft: Draft, { named, limits }: { named: Named; limits: Limits }): string {
  if (draft.way === "prefix") return "all below the prefix";
  if (draft.way === "browse" && draft.picked.folder !== null) return "all below the folder";
  const typed = named.kind === "ids" ? named.ids.length : named.kind === "keys" ? named.keys.length : 0;
  const count = draft.way === "browse" ? draft.picked.files.length : typed;
  return `${formatCount(count)} of ${formatCount(limits.files.perJob)} at most`;
}
