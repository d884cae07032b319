import { clsx } from "clsx";
import { useMemo, type KeyboardEvent } from "react";
import { formatBytes, formatCount, formatDay, formatMoment } from "../lib/format";
import { plainName } from "../lib/names";
import { nameBelow, takeFolder, tick, type Picked, type Row, type StoredFile } from "../lib/picks";
import { Button, Name } from "../ui/basics";
import { Clock, Folder } from "../ui/icons";
import { Badge } from "../ui/status";

interface Props {
  rows: readonly Row[];
  prefix: string;
  picked: Picked;
  onOpen: (prefix: string) => void;
  onPick: (picked: Picked) => void;
}

export function BrowseRows({ rows, prefix, picked, onOpen, onPick }: Props) {
  const ticked = useMemo(() => new Set(picked.files.map((file) => file.key)), [picked.files]);
  const readable = useMemo(
    () => rows.flatMap((row) => (row.kind === "file" && !row.file.archived ? [row.file] : [])),
    [rows],
  );
  const taken = (key: string) => picked.folder !== null && key.startsWith(picked.folder);
  const isOn = (file: StoredFile) => (picked.folder === null ? ticked.has(file.key) : taken(file.key));
  return (
    <table className="w-full table-fixed">
      <caption className="sr-only">Folders and files</caption>
      <thead className="border-b border-line bg-sunken text-left text-muted">
        <tr>
          <th scope="col" className="w-9 py-2 pl-3">
            <Tick
              label={`Tick the ${formatCount(readable.length)} files that are shown`}
              disabled={readable.length === 0 || picked.folder !== null}
              on={readable.length > 0 && readable.every(isOn)}
              onTick={(on) => onPick(tick(picked, readable, on))}
            />
          </th>
          <th scope="col" className="px-2 py-2 font-medium">
            Name
          </th>
          <th scope="col" className="w-24 px-2 py-2 text-right font-medium max-sm:hidden">
            Size
          </th>
          <th scope="col" className="w-32 px-2 py-2 font-medium max-sm:hidden">
            Changed
          </th>
          <th scope="col" className="w-27">
            <span className="sr-only">State or action</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) =>
          row.kind === "folder" ? (
            <FolderRow
              key={row.prefix}
              folder={row.prefix}
              name={nameBelow(row.prefix, prefix)}
              on={taken(row.prefix)}
              onOpen={() => onOpen(row.prefix)}
              onTake={() => onPick(takeFolder(picked, picked.folder === row.prefix ? null : row.prefix))}
            />
          ) : (
            <FileRow
              key={row.file.key}
              file={row.file}
              name={nameBelow(row.file.key, prefix)}
              on={isOn(row.file)}
              fixed={picked.folder !== null}
              onTick={(on) => onPick(tick(picked, [row.file], on))}
            />
          ),
        )}
      </tbody>
    </table>
  );
}

interface TickProps {
  label: string;
  on: boolean;
  disabled: boolean;
  onTick: (on: boolean) => void;
}

/** In a form, Enter on a checkbox would send it: here it ticks. */
function Tick({ label, on, disabled, onTick }: TickProps) {
  const byEnter = (event: KeyboardEvent) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    onTick(!on);
  };
  return (
    <input
      type="checkbox"
      className="block"
      aria-label={label}
      disabled={disabled}
      checked={on}
      onKeyDown={byEnter}
      onChange={(event) => onTick(event.target.checked)}
    />
  );
}

export const PRESSED = "border-accent! bg-accent-soft!";
const ROW = "border-b border-line last:border-0 hover:bg-sunken";

function FolderRow({
  folder,
  name,
  on,
  onOpen,
  onTake,
}: {
  folder: string;
  name: string;
  on: boolean;
  onOpen: () => void;
  onTake: () => void;
}) {
  return (
    <tr className={clsx(ROW, on && "bg-accent-soft")}>
      <td className="h-11 pl-3">
        <Folder className="size-4 text-muted" />
      </td>
      <td className="px-2">
        <button
          type="button"
          className="clip block max-w-full py-1 text-left font-medium hover:text-accent hover:underline"
          onClick={onOpen}
        >
          <span className="sr-only">Open </span>
          <Name value={name} />
        </button>
      </td>
      <td className="max-sm:hidden" />
      <td className="max-sm:hidden" />
      <td className="pr-2 text-right">
        <Button
          aria-label={`Take all below ${plainName(folder)}`}
          aria-pressed={on}
          title="Take everything below this folder"
          className={on ? PRESSED : ""}
          onClick={onTake}
        >
          Take all
        </Button>
      </td>
    </tr>
  );
}

function FileRow({
  file,
  name,
  on,
  fixed,
  onTick,
}: {
  file: StoredFile;
  name: string;
  on: boolean;
  fixed: boolean;
  onTick: (on: boolean) => void;
}) {
  const changed = (
    <time dateTime={file.lastModified} title={formatMoment(file.lastModified)}>
      {formatDay(file.lastModified)}
    </time>
  );
  return (
    <tr className={clsx(ROW, on && !file.archived && "bg-accent-soft")}>
      <td className="h-11 pl-3">
        {!file.archived && <Tick label={`Tick ${plainName(name)}`} on={on} disabled={fixed} onTick={onTick} />}
      </td>
      <td className="px-2 py-1">
        <span className="clip block">
          <Name value={name} className={file.archived ? "text-muted" : ""} />
        </span>
        <span className="tabular block text-[0.93em] text-muted sm:hidden">
          {formatBytes(file.size)}, {changed}
        </span>
      </td>
      <td className="tabular px-2 text-right max-sm:hidden">{formatBytes(file.size)}</td>
      <td className="tabular px-2 text-muted max-sm:hidden">{changed}</td>
      <td className="pr-2 text-right">
        {file.archived && (
          <span title="In cold storage: it cannot be read before it is restored">
            <Badge tone="warn" icon={<Clock className="size-3.5" />} text="Archived" />
          </span>
        )}
      </td>
    </tr>
  );
}
