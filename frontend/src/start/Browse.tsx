import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef } from "react";
import type { Limits } from "../api/client";
import { noConnection } from "../api/problems";
import { objectsQuery } from "../api/queries";
import { formatBytes, formatCount } from "../lib/format";
import { bytesOf, crumbsOf, rowsOf, takeFolder, type Picked, type Row } from "../lib/picks";
import { Button, Empty, Name, Skeleton } from "../ui/basics";
import { Problem } from "../ui/problem";
import { BrowseRows, PRESSED } from "./BrowseRows";

const OFFLINE = noConnection();

interface Props {
  open: string;
  picked: Picked;
  limits: Limits;
  onOpen: (prefix: string) => void;
  onPick: (picked: Picked) => void;
}

/** The store, folder by folder: files are ticked, or a folder is taken with everything below it. */
export function Browse({ open, picked, limits, onOpen, onPick }: Props) {
  const { allowedPrefix } = limits.keys;
  const prefix = open.startsWith(allowedPrefix) ? open : allowedPrefix;
  const list = useInfiniteQuery(objectsQuery(prefix));
  const rows = useMemo(() => rowsOf(list.data?.pages ?? [], prefix), [list.data, prefix]);
  // Without a connection a query waits and is no error yet.
  const failure = list.error ?? (list.fetchStatus === "paused" ? OFFLINE : null);
  const again = () => void (list.isFetchNextPageError ? list.fetchNextPage() : list.refetch());
  const { region, goOnAfter } = useGoOn(rows, prefix);
  const more = () => {
    if (list.isFetching) return;
    goOnAfter(rows.length);
    void list.fetchNextPage();
  };
  return (
    <section ref={region} aria-label="Browse the store" className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <Crumbs prefix={prefix} allowedPrefix={allowedPrefix} onOpen={onOpen} />
        {prefix !== "" && (
          <Button
            aria-pressed={picked.folder === prefix}
            className={picked.folder === prefix ? PRESSED : ""}
            onClick={() => onPick(takeFolder(picked, picked.folder === prefix ? null : prefix))}
          >
            Take everything here
          </Button>
        )}
      </div>
      {failure && <Problem error={failure} retry={again} />}
      <div className="overflow-hidden rounded-lg border border-line">
        {list.isPending && !failure && <RowsSkeleton />}
        {list.data && rows.length === 0 && !list.hasNextPage && <Empty title="Nothing is stored here" />}
        {rows.length > 0 && <BrowseRows rows={rows} prefix={prefix} picked={picked} onOpen={onOpen} onPick={onPick} />}
      </div>
      <div className="flex flex-wrap items-center gap-3">
        {list.hasNextPage && (
          <Button onClick={more} aria-disabled={list.isFetching}>
            {list.isFetchingNextPage ? "Loading\u2026" : "Load more"}
          </Button>
        )}
        <span role="status" className="tabular text-muted">
          {list.data && countsText(rows, list.hasNextPage)}
        </span>
      </div>
      {rows.some((row) => row.kind === "file" && row.file.archived) && (
        <p className="text-muted">
          Archived files are in cold storage and cannot be read. Restore them in the store to tick them; below a folder
          that is taken they are listed as failed.
        </p>
      )}
      <PickedBar picked={picked} onPick={onPick} />
    </section>
  );
}

/** Moves the focus to the first row that a further page adds: the button that asked for it may be gone by then. */
function useGoOn(rows: readonly Row[], prefix: string) {
  const region = useRef<HTMLElement>(null);
  const from = useRef<{ prefix: string; count: number } | null>(null);
  useEffect(() => {
    if (from.current === null) return;
    if (from.current.prefix === prefix && rows.length <= from.current.count) return;
    if (from.current.prefix === prefix) {
      const added = region.current?.querySelectorAll("tbody tr")[from.current.count];
      added?.querySelector<HTMLElement>("button, input")?.focus();
    }
    from.current = null;
  }, [rows, prefix]);
  return { region, goOnAfter: (count: number) => (from.current = { prefix, count }) };
}

function Crumbs({
  prefix,
  allowedPrefix,
  onOpen,
}: {
  prefix: string;
  allowedPrefix: string;
  onOpen: (prefix: string) => void;
}) {
  const here = useRef<HTMLButtonElement>(null);
  const shown = useRef(prefix);
  useEffect(() => {
    // What opened the folder is gone; the keyboard continues from where the reader is now.
    if (shown.current !== prefix) here.current?.focus();
    shown.current = prefix;
  }, [prefix]);
  const crumbs = crumbsOf(prefix, allowedPrefix);
  return (
    <nav aria-label="Folder" className="min-w-0">
      <ol className="flex flex-wrap items-center gap-x-0.5 font-mono">
        {crumbs.map((crumb) => {
          const last = crumb.prefix === prefix;
          return (
            <li key={crumb.prefix} className="min-w-0">
              <button
                type="button"
                ref={last ? here : null}
                aria-current={last ? "location" : undefined}
                className={`min-h-7 rounded px-1 text-left wrap-anywhere ${last ? "font-medium" : "text-accent hover:underline"}`}
                onClick={() => onOpen(crumb.prefix)}
              >
                <Name value={crumb.name} />
              </button>
            </li>
          );
        })}
      </ol>
    </nav>
  );
}

function countsText(rows: readonly Row[], more: boolean): string {
  const files = rows.filter((row) => row.kind === "file").length;
  const text = `${named(rows.length - files, "folder")}, ${named(files, "file")}`;
  return more ? `${text} so far` : text;
}

const named = (count: number, noun: string): string => `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;

/** What is picked, wherever it lies. */
function PickedBar({ picked, onPick }: { picked: Picked; onPick: (picked: Picked) => void }) {
  const { files, folder } = picked;
  return (
    <div className="flex min-h-10 flex-wrap items-center gap-x-3 gap-y-1 rounded-md bg-idle-soft px-3 py-1.5">
      <p role="status" className="tabular min-w-0 flex-1 wrap-anywhere">
        {folder === null ? (
          tickedText(files)
        ) : (
          <>
            Everything below <Name value={folder} className="font-mono" />
            {files.length > 0 && `, in place of the ${tickedText(files)}`}
          </>
        )}
      </p>
      {folder !== null && <Button onClick={() => onPick(takeFolder(picked, null))}>Tick files instead</Button>}
      {folder === null && files.length > 0 && (
        <Button onClick={() => onPick({ ...picked, files: [] })}>Untick all</Button>
      )}
    </div>
  );
}

const tickedText = (files: Picked["files"]): string =>
  `${named(files.length, "file")} ticked, ${formatBytes(bytesOf(files))}`;

function RowsSkeleton() {
  return (
    <div aria-label="Loading" role="status" className="flex flex-col">
      {Array.from({ length: 6 }, (_, index) => (
        <div key={index} className="flex h-11 items-center gap-4 border-b border-line px-3 last:border-0">
          <Skeleton className="size-4" />
          <Skeleton className="h-4 w-40" />
          <Skeleton className="ml-auto h-4 w-16" />
        </div>
      ))}
    </div>
  );
}
