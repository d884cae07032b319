import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { apiUrl, hasEnded, type Job } from "../api/client";
import { readJob } from "../api/queries";
import { config } from "../config";
import { mergeJob } from "./cache";
import { Channel, type Way } from "./channel";
import { noteEnd, wantsNotifications } from "./notifications";
import { Socket } from "./socket";
import { useVisible } from "./useVisible";

const needsTickets = config.authMode !== "none";
const socket = config.websocket ? new Socket(config.websocket, { tickets: needsTickets }) : null;

/**
 * Keeps a job in the cache up to date until it ends, and says by which way. Pauses while the page is hidden, unless
 * the reader wants to be notified.
 */
export function useLiveJob(jobId: string, job: Job | undefined): { way: Way; failure: unknown } {
  const queries = useQueryClient();
  const visible = useVisible();
  const [way, setWay] = useState<Way>("connecting");
  const [failure, setFailure] = useState<unknown>(null);
  const runs = job !== undefined && !hasEnded(job);
  const follows = runs && (visible || wantsNotifications());

  useEffect(() => {
    if (!follows) return;
    const channel = new Channel(
      jobId,
      {
        socket,
        read: async () => {
          const found = await readJob(jobId);
          queries.setQueryData(["job", jobId], found);
          return { job: found, ticket: needsTickets ? found.ticket : null };
        },
        openEvents: (ticket) =>
          new EventSource(
            `${apiUrl}/v1/download/stream/${jobId}${ticket ? `?ticket=${encodeURIComponent(ticket)}` : ""}`,
          ),
        setTimer: (act, ms) => window.setTimeout(act, ms),
        clearTimer: (timer) => window.clearTimeout(timer),
      },
      {
        onChange: ({ job: changed }) => {
          setFailure(null);
          mergeJob(queries, changed);
          if (!hasEnded(changed)) return;
          noteEnd(changed);
          void queries.invalidateQueries({ queryKey: ["job", jobId] }); // for archives and a fresh ticket
          void queries.invalidateQueries({ queryKey: ["events", jobId] });
        },
        onWay: setWay,
        onError: setFailure,
      },
    );
    channel.start();
    const again = () => channel.restart();
    window.addEventListener("online", again);
    return () => {
      window.removeEventListener("online", again);
      channel.close();
    };
  }, [jobId, follows, queries]);

  return { way: runs ? way : "ended", failure };
}

/** Keeps the running jobs of a list up to date through the one WebSocket. Without it, the list is read again and again. */
export function useLiveJobs(jobs: readonly Job[], limit: number): boolean {
  const queries = useQueryClient();
  const visible = useVisible();
  const [connected, setConnected] = useState(false);
  const usable = socket !== null && !needsTickets; // a list has no tickets
  const running = jobs
    .filter((job) => !hasEnded(job))
    .slice(0, limit)
    .map((job) => job.jobId)
    .join(" ");

  useEffect(() => {
    if (!usable || running === "" || !(visible || wantsNotifications())) return setConnected(false);
    const leave = running.split(" ").map((jobId) =>
      socket.subscribe(jobId, {
        onChange: ({ job }) => {
          setConnected(true);
          mergeJob(queries, job);
          if (hasEnded(job)) noteEnd(job);
        },
        onDown: () => setConnected(false),
        ticket: async () => null,
      }),
    );
    return () => leave.forEach((act) => act());
  }, [usable, running, visible, queries]);

  return connected;
}
