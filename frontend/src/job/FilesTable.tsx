import { useVirtualizer } from "@tanstack/react-virtual";
import { clsx } from "clsx";
import { useCallback, useDeferredValue, useEffect, useRef, useState } from "react";
import { hasEnded, type FileDocument, type JobDocument } from "../api/client";
import { FILES_PER_PAGE } from "../api/queries";
import { formatBytes, formatCount } from "../lib/format";
import { lastSegment, plainName } from "../lib/names";
import { Button, CopyButton, Empty, Name, Skeleton } from "../ui/basics";
import { Download, Search } from "../ui/icons";
import { Problem } from "../ui/problem";
import { FileBadge } from "../ui/status";
import { useDownload } from "./download";
import { isProblem, useFiles, useSearch, type FileFilter } from "./useFiles";

const ROW_PX = 44;
const SMALL = 5 * FILES_PER_PAGE; // so many files are put in order: those with problems first

/** All files of a job. Only the rows in sight exist. */
export function FilesTable({ job }: { job: JobDocument }) {
  const files = useFiles(job);
  const { missing, failed } = job.counts;
  const problems = missing + failed;
  const [filter, setFilter] = useState<FileFilter>("all");
  const [text, setText] = useState("");
  const wanted = useDeferredValue(text.trim().toLowerCase());
  const ended = hasEnded(job);
  const narrowed = filter !== "all" || wanted !== "";
  // Missing and failed files come first. Of a large job they are looked for only when a reader asks.
  const sorted = ended && problems > 0 && files.count <= SMALL;
  const active = narrowed || sorted;
  const matches = useCallback(
    (file: FileDocument) =>
      passes(file, filter) &&
      (wanted === "" || `${file.id ?? ""} ${file.key} ${file.reason ?? ""}`.toLowerCase().includes(wanted)),
    [filter, wanted],
  );
  const search = useSearch(files, { active, matches });
  const count = active ? search.found.length : files.count;
  const rowAt = (index: number): FileDocument | undefined =>
    active ? search.found[index] : files.pages.pages.get(Math.floor(index / FILES_PER_PAGE))?.[index % FILES_PER_PAGE];

  return (
    <section aria-label="Files" className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center gap-2">
        <div role="group" aria-label="State" className="flex max-w-full flex-wrap gap-1 rounded-lg bg-idle-soft p-0.5">
          <Choice on={filter === "all"} onClick={() => setFilter("all")} text="All" count={files.count} />
          <Choice on={filter === "problems"} onClick={() => setFilter("problems")} text="Problems" count={problems} />
          <Choice on={filter === "missing"} onClick={() => setFilter("missing")} text="Missing" count={missing} />
          <Choice on={filter === "failed"} onClick={() => setFilter("failed")} text="Failed" count={failed} />
          <Choice
            on={filter === "available"}
            onClick={() => setFilter("available")}
            text="Available"
            count={job.counts.available}
          />
        </div>
        <div className="relative min-w-40 flex-1 sm:max-w-72">
          <Search className="pointer-events-none absolute top-1/2 left-2.5 size-4 -translate-y-1/2 text-muted" />
          <input
            type="search"
            aria-label="Id, key or reason"
            placeholder="Id, key or reason"
            className="field pl-8"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </div>
        {narrowed && (
          <span role="status" className="tabular text-muted">
            {formatCount(search.found.length)} found
            {!search.complete && `, ${formatCount(search.searched)} of ${formatCount(files.count)} searched`}
          </span>
        )}
      </div>
      {files.failure !== null && <Problem error={files.failure} />}
      <Rows
        key={active ? `${filter} ${wanted}` : "all"}
        job={job}
        count={count}
        rowAt={rowAt}
        onShow={active ? undefined : files.show}
      >
        {count === 0 && <Nothing busy={active ? !search.complete : !ended} />}
      </Rows>
    </section>
  );
}

function passes(file: FileDocument, filter: FileFilter): boolean {
  if (filter === "all") return true;
  if (filter === "problems") return isProblem(file);
  return file.state === filter;
}

function Nothing({ busy }: { busy: boolean }) {
  return <Empty title={busy ? "Looking\u2026" : "No such files"} />;
}

function Choice({ on, onClick, text, count }: { on: boolean; onClick: () => void; text: string; count: number }) {
  return (
    <button
      type="button"
      aria-pressed={on}
      onClick={onClick}
      className={clsx(
        "rounded-md px-2.5 py-1 font-medium",
        on ? "bg-raised text-ink shadow-sm" : "text-idle hover:text-ink",
      )}
    >
      {text} <span className="tabular font-normal text-muted">{formatCount(count)}</span>
    </button>
  );
}

interface RowsProps {
  job: JobDocument;
  count: number;
  rowAt: (index: number) => FileDocument | undefined;
  onShow: ((first: number, last: number) => void) | undefined;
  children: React.ReactNode;
}

function Rows({ job, count, rowAt, onShow, children }: RowsProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const { open, failure } = useDownload(job);
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
  });
  const rows = virtual.getVirtualItems();
  const [first, last] = [rows[0]?.index ?? 0, rows.at(-1)?.index ?? 0];
  useEffect(() => {
    if (!onShow || count === 0) return;
    // While a reader scrolls quickly, nothing is loaded until it stays in sight for a moment.
    const timer = setTimeout(() => onShow(first, last), 80);
    return () => clearTimeout(timer);
  }, [onShow, count, first, last]);
  return (
    <>
      {failure !== null && <Problem error={failure} />}
      <div className="card overflow-hidden">
        <div role="table" aria-label="Files of this download" aria-rowcount={count + 1}>
          <div role="rowgroup">
            <div
              role="row"
              aria-rowindex={1}
              className={clsx(GRID, "border-b border-line bg-sunken py-2 font-medium text-muted")}
            >
              <span role="columnheader" className="text-right max-sm:hidden">
                #
              </span>
              <span role="columnheader">File</span>
              <span role="columnheader">State</span>
              <span role="columnheader" className="text-right max-sm:hidden">
                Size
              </span>
              <span role="columnheader">
                <span className="sr-only">Actions</span>
              </span>
            </div>
          </div>
          <div
            ref={scroller}
            role="rowgroup"
            tabIndex={0}
            aria-label="Rows"
            className="h-[min(60vh,36rem)] overflow-y-auto overscroll-contain focus-visible:-outline-offset-2"
            style={{ height: count === 0 ? "auto" : `min(60vh, 36rem, ${count * ROW_PX + 2}px)` }}
          >
            <div className="relative" role="presentation" style={{ height: virtual.getTotalSize() }}>
              {rows.map((item) => (
                <div
                  key={item.key}
                  role="row"
                  aria-rowindex={item.index + 2}
                  className={clsx(GRID, "absolute inset-x-0 top-0 items-center border-b border-line hover:bg-sunken")}
                  style={{ height: ROW_PX, transform: `translateY(${item.start}px)` }}
                >
                  <Row file={rowAt(item.index)} index={item.index} onOpen={open} ready={hasEnded(job)} />
                </div>
              ))}
            </div>
          </div>
        </div>
        {children}
      </div>
    </>
  );
}

const GRID =
  "grid grid-cols-[minmax(0,1fr)_auto_4.500rem] gap-x-3 px-3 sm:grid-cols-[4.500rem_minmax(0,1fr)_12rem_6rem_5rem] sm:px-4";

function Row({
  file,
  index,
  onOpen,
  ready,
}: {
  file: FileDocument | undefined;
  index: number;
  onOpen: (address: string) => Promise<void>;
  ready: boolean;
}) {
  const number = (
    <span role="cell" className="tabular text-right text-muted max-sm:hidden">
      {formatCount((file?.index ?? index) + 1)}
    </span>
  );
  if (!file) {
    return (
      <>
        {number}
        <span role="cell">
          <Skeleton className="h-3.5 w-3/5" />
        </span>
        <span role="cell">
          <Skeleton className="h-3.5 w-20" />
        </span>
        <span role="cell" className="max-sm:hidden" />
        <span role="cell" />
      </>
    );
  }
  const name = plainName(file.id === null ? lastSegment(file.key) : `file ${file.id}`);
  return (
    <>
      {number}
      <span role="cell" className="flex min-w-0 items-baseline gap-2">
        {file.id !== null && <span className="tabular font-medium">{file.id}</span>}
        <Name value={file.key} className={clsx("clip", file.id === null ? "" : "text-muted max-sm:hidden")} />
      </span>
      <span role="cell" className="flex min-w-0 items-center gap-2">
        <FileBadge state={file.state} />
        {file.reason && file.state !== "pending" && (
          <span className="clip text-muted max-sm:hidden" title={file.reason}>
            {file.reason}
          </span>
        )}
      </span>
      <span role="cell" className="tabular text-right max-sm:hidden">
        {file.size === null ? "\u2013" : formatBytes(file.size)}
      </span>
      <span role="cell" className="flex justify-end">
        {file.state === "available" && ready && (
          <>
            <Button
              look="quiet"
              className="px-1.5"
              aria-label={`Download ${name}`}
              title="Download"
              onClick={() => void onOpen(file.address)}
            >
              <Download />
            </Button>
            <CopyButton text={file.address} label={`Copy the stable address of ${name}`} />
          </>
        )}
      </span>
    </>
  );
}
