import type { Job } from "../api/client";
import { formatCount } from "../lib/format";
import { plainName } from "../lib/names";

const WANTED = "lorry.notifications";
const noted = new Set<string>();

export const canNotify = (): boolean => "Notification" in window && Notification.permission !== "denied";

export function wantsNotifications(): boolean {
  return "Notification" in window && Notification.permission === "granted" && localStorage.getItem(WANTED) === "yes";
}

/** Asks the browser if need be; returns what holds afterwards. */
export async function setNotifications(wanted: boolean): Promise<boolean> {
  localStorage.setItem(WANTED, wanted ? "yes" : "no");
  if (wanted && "Notification" in window && Notification.permission === "default")
    await Notification.requestPermission();
  return wantsNotifications();
}

/** A job ended while this page watched it. Says so once, and only where the page itself is not in sight. */
export function noteEnd(job: Job): void {
  const mark = `${job.jobId} ${job.finishedAt}`;
  if (noted.has(mark)) return;
  noted.add(mark);
  if (!wantsNotifications() || document.visibilityState === "visible") return;
  const name = plainName(job.archive?.filename ?? `${formatCount(job.total ?? job.processed)} files`);
  const notice = new Notification(`${TITLES[job.status] ?? job.status}: ${name}`, {
    body: job.error?.message ?? `${formatCount(job.counts.available)} files`,
    tag: job.jobId,
  });
  notice.addEventListener("click", () => {
    window.focus();
    notice.close();
  });
}

const TITLES: Partial<Record<Job["status"], string>> = {
  ready: "Ready to download",
  failed: "Download failed",
  cancelled: "Download cancelled",
};
