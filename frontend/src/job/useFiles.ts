import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useReducer, useRef, useState } from "react";
import { hasEnded, type FileDocument, type JobDocument } from "../api/client";
import { FILES_PER_PAGE, filesQuery } from "../api/queries";
import { useVisible } from "../live/useVisible";

export type FileFilter = "all" | "problems" | "missing" | "failed" | "available";

export const isProblem = (file: FileDocument): boolean => file.state === "missing" || file.state === "failed";

const REFRESH_MS = 2_000; // of the pages in sight while the job checks files
const SEARCHES_AT_ONCE = 3;

/**
 * The files of a job, a page of 1,000 at a time as they come in sight. A filter or a text needs all pages, which are
 * then read one after the other.
 */
export function useFiles(job: JobDocument) {
  const queries = useQueryClient();
  // The map is changed in place; a new `version` says that it was, so that what is derived from it is computed again.
  const [store] = useState(() => new Map<number, FileDocument[]>());
  const reading = useRef(new Set<number>());
  const [version, changed] = useReducer((count: number) => count + 1, 0);
  const [failure, setFailure] = useState<unknown>(null);
  const inSight = useRef<number[]>([0]);
  const visible = useVisible();
  const { jobId, total, processed, updatedAt } = job;
  const ended = hasEnded(job);

  const load = useCallback(
    async (page: number, again = false) => {
      if (reading.current.has(page) || (!again && store.has(page))) return;
      reading.current.add(page);
      try {
        const query = filesQuery(jobId, page);
        if (again) await queries.invalidateQueries({ queryKey: query.queryKey, refetchType: "none" });
        store.set(page, await queries.fetchQuery({ ...query, staleTime: again ? 0 : Number.POSITIVE_INFINITY }));
        setFailure(null);
        changed();
      } catch (reason) {
        setFailure(reason);
      } finally {
        reading.current.delete(page);
      }
    },
    [jobId, queries, store],
  );

  /** The table shows these rows now. */
  const show = useCallback(
    (first: number, last: number) => {
      const wanted: number[] = [];
      for (let page = Math.floor(first / FILES_PER_PAGE); page * FILES_PER_PAGE <= last; page++) wanted.push(page);
      inSight.current = wanted;
      for (const page of wanted) void load(page);
    },
    [load],
  );

  // What was read before the job ended, or moved on, is old: what is in sight is read again, the rest when it comes.
  const state = ended ? `${updatedAt}` : "running";
  useEffect(() => {
    for (const page of store.keys()) if (!inSight.current.includes(page)) store.delete(page);
    for (const page of inSight.current) void load(page, true);
  }, [state, total, load, store]);
  const stale = useRef(false);
  useEffect(() => {
    stale.current = true;
  }, [processed]);
  useEffect(() => {
    if (ended || !visible) return;
    const timer = setInterval(() => {
      if (!stale.current) return;
      stale.current = false;
      for (const page of inSight.current) void load(page, true);
    }, REFRESH_MS);
    return () => clearInterval(timer);
  }, [ended, visible, load]);

  // The array is the same as long as no page has come: what is derived from it is computed once.
  const known = useMemo(() => ({ version, pages: store }), [version, store]);
  return { pages: known, load, show, failure, count: total ?? 0 };
}

/** Reads all pages while `active`; says how many files were looked at. */
export function useSearch(
  files: ReturnType<typeof useFiles>,
  { active, matches }: { active: boolean; matches: (file: FileDocument) => boolean },
): { found: FileDocument[]; searched: number; complete: boolean } {
  const { pages, load, count } = files;
  const pageCount = Math.max(1, Math.ceil(count / FILES_PER_PAGE));
  useEffect(() => {
    if (!active) return;
    let asked = 0;
    for (let page = 0; page < pageCount && asked < SEARCHES_AT_ONCE; page++) {
      if (pages.pages.has(page)) continue;
      asked += 1;
      void load(page);
    }
  }, [active, pages, pageCount, load]);
  const found = useMemo(() => {
    if (!active) return [];
    const ordered = [...pages.pages].toSorted(([one], [other]) => one - other);
    const all = ordered.flatMap(([, page]) => page.filter(matches));
    return [...all.filter(isProblem), ...all.filter((file) => !isProblem(file))];
  }, [active, pages, matches]);
  const searched = [...pages.pages.values()].reduce((sum, page) => sum + page.length, 0);
  return { found, searched, complete: pages.pages.size >= pageCount };
}
