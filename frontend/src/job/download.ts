import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useState } from "react";
import type { JobDocument } from "../api/client";
import { readJob } from "../api/queries";
import { config } from "../config";

const FRESH_MS = 4 * 60_000; // at least half of a ticket's life is left when it is handed out: 7 minutes

/** The address to open for a file or archive. Where callers sign in, it carries a ticket, fetched again when it is old. */
export function useDownload(job: JobDocument) {
  const queries = useQueryClient();
  const [failure, setFailure] = useState<unknown>(null);
  const { jobId } = job;
  const open = useCallback(
    async (address: string) => {
      setFailure(null);
      try {
        location.assign(config.authMode === "none" ? address : withTicket(address, await ticket()));
      } catch (reason) {
        setFailure(reason);
      }
      async function ticket() {
        const known = queries.getQueryState<JobDocument>(["job", jobId]);
        if (known?.data?.ticket && Date.now() - known.dataUpdatedAt < FRESH_MS) return known.data.ticket;
        const found = await readJob(jobId);
        queries.setQueryData(["job", jobId], found);
        return found.ticket;
      }
    },
    [queries, jobId],
  );
  return { open, failure };
}

export function withTicket(address: string, ticket: string | null): string {
  return ticket ? `${address}${address.includes("?") ? "&" : "?"}ticket=${encodeURIComponent(ticket)}` : address;
}
