import { bodyOf, client, hasEnded, type Job } from "../api/client";
import { ApiError } from "../api/problems";

export type Action = "cancel" | "retry" | "purge";

/** What makes sense in the job's state. */
export function actionsFor(job: Job): Action[] {
  const found: Action[] = [];
  if (!hasEnded(job)) found.push("cancel");
  if (job.links.retry !== undefined) found.push("retry");
  found.push("purge");
  return found;
}

export const ACTIONS: Record<Action, { verb: string; past: string; explain: string }> = {
  cancel: {
    verb: "Cancel",
    past: "cancelled",
    explain: "Workers stop within seconds. Files in the store stay as they are.",
  },
  retry: { verb: "Retry", past: "set going again", explain: "Only what failed runs again; what is done is kept." },
  purge: {
    verb: "Remove",
    past: "removed",
    explain: "Its archives and links are deleted, and it no longer counts against your quota. Files in the store stay.",
  },
};

export async function act(action: Action, jobId: string): Promise<Job | null> {
  const path = { jobId };
  if (action === "retry") {
    return bodyOf(
      client.POST("/v1/download/{jobId}/retry", {
        params: { path, header: { "Idempotency-Key": crypto.randomUUID() } },
      }),
    );
  }
  const query = { purge: action === "purge" };
  return (await bodyOf(client.DELETE("/v1/download/{jobId}", { params: { path, query } }))) ?? null;
}

export interface BatchState {
  done: number;
  failed: { jobId: string; why: string }[];
}

const AT_ONCE = 4;

/** Applies an action to many jobs, a few at a time; waits where the service asks for it. Reports after each. */
export async function actOnAll(
  action: Action,
  jobIds: readonly string[],
  { report, stopped, one = act }: { report: (state: BatchState) => void; stopped: () => boolean; one?: typeof act },
): Promise<BatchState> {
  const state: BatchState = { done: 0, failed: [] };
  const left = [...jobIds];
  const work = async () => {
    for (let jobId = left.shift(); jobId !== undefined && !stopped(); jobId = left.shift()) {
      try {
        await patiently(() => one(action, jobId));
      } catch (reason) {
        state.failed.push({ jobId, why: reason instanceof Error ? reason.message : String(reason) });
      }
      state.done += 1;
      report({ ...state });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return state;
}

async function patiently<T>(send: () => Promise<T>, tries = 5): Promise<T> {
  try {
    return await send();
  } catch (reason) {
    if (!(reason instanceof ApiError) || !reason.temporary || tries <= 1) throw reason;
    await new Promise((resolve) => setTimeout(resolve, (reason.retryAfter ?? 2) * 1000));
    return patiently(send, tries - 1);
  }
}
