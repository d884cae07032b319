import { useCallback, useEffect, useState } from "react";

export interface Job {
  jobId: string;
  status: "queued" | "processing" | "ready" | "failed" | "cancelled";
  stage: string | null;
  progress: number;
  counts: { available: number; missing: number; failed: number };
  error: { code: string; message: string } | null;
}

export interface Download {
  job: Job | null;
  links: string[]; // of the ZIP, or of its pieces where it was split; once the job is ready
  error: string | null;
  start: (fileIds: number[]) => Promise<void>;
}

interface Detailed extends Job {
  ticket: string;
  archives: { address: string }[];
}

const EVENTS = ["progress", "ready", "failed", "cancelled"];
const PAUSE_MS = 5_000;

const ended = (job: Job): boolean => job.status !== "queued" && job.status !== "processing";

/** `api` is the base URL; `token` gives the bearer token where the API wants one. Keep `token` the same function. */
export function useDownload(api: string, token?: () => Promise<string>): Download {
  const [jobId, setJobId] = useState<string | null>(null);
  const [job, setJob] = useState<Job | null>(null);
  const [links, setLinks] = useState<string[]>([]);
  const [error, setError] = useState<string | null>(null);

  const call = useCallback(
    async <T>(path: string, init: RequestInit = {}): Promise<T> => {
      const headers = new Headers(init.headers);
      if (token) headers.set("Authorization", `Bearer ${await token()}`);
      const answer = await fetch(api + path, { ...init, headers });
      const body = await answer.json();
      if (!answer.ok) throw new Error(body.detail ?? `HTTP ${answer.status}`);
      return body as T;
    },
    [api, token],
  );

  const start = useCallback(
    async (fileIds: number[]) => {
      setJobId(null), setJob(null), setLinks([]), setError(null);
      try {
        const started = await call<{ jobId: string }>("/v1/download/initiate", {
          method: "POST",
          headers: { "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() },
          body: JSON.stringify({ file_ids: fileIds, archive: { filename: "files.zip" } }),
        });
        setJobId(started.jobId);
      } catch (reason) {
        setError(String(reason));
      }
    },
    [call],
  );

  useEffect(() => {
    if (!jobId) return;
    let source: EventSource | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let left = false;

    /** Read the status, which has a fresh ticket and, at the end, the archives; then listen. */
    const look = async (): Promise<void> => {
      try {
        const found = await call<Detailed>(`/v1/download/status/${jobId}?limit=1`);
        if (left) return;
        setJob(found);
        setError(null);
        if (ended(found)) setLinks(found.archives.map(({ address }) => `${address}?ticket=${found.ticket}`));
        else listen(found.ticket);
      } catch (reason) {
        if (left) return;
        setError(String(reason));
        timer = setTimeout(look, PAUSE_MS);
      }
    };

    const listen = (ticket: string): void => {
      source = new EventSource(`${api}/v1/download/stream/${jobId}?ticket=${ticket}`);
      const heard = (event: MessageEvent<string>): void => {
        const now: Job = JSON.parse(event.data);
        setJob(now);
        if (!ended(now)) return;
        source?.close();
        void look();
      };
      for (const name of EVENTS) source.addEventListener(name, heard);
      source.onerror = () => {
        if (source?.readyState !== EventSource.CLOSED) return; // it comes again by itself
        timer = setTimeout(look, PAUSE_MS); // the ticket has run out, or there were too many requests
      };
    };

    void look();
    return () => {
      left = true;
      source?.close();
      clearTimeout(timer);
    };
  }, [api, call, jobId]);

  return { job, links, error, start };
}
