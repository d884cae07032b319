// @vitest-environment jsdom
import { beforeEach, expect, it, vi } from "vitest";
import type { Job } from "../api/client";
import { noteEnd, setNotifications, wantsNotifications } from "./notifications";

const sent: { title: string; body: string }[] = [];

class FakeNotification extends EventTarget {
  static permission = "default";
  static requestPermission = vi.fn(() => {
    FakeNotification.permission = "granted";
    return Promise.resolve("granted");
  });
  constructor(title: string, { body }: { body: string }) {
    super();
    sent.push({ title, body });
  }
  close() {}
}

const job = (jobId: string, status: string) =>
  ({
    jobId,
    status,
    finishedAt: "2026-01-01T00:00:00.000Z",
    archive: { filename: "a\u202eb.zip" },
    counts: { available: 3 },
    error: status === "failed" ? { code: "files_missing", message: "1 file is missing" } : null,
  }) as unknown as Job;

const hidden = (value: boolean) =>
  vi.spyOn(document, "visibilityState", "get").mockReturnValue(value ? "hidden" : "visible");

beforeEach(() => {
  sent.length = 0;
  localStorage.clear();
  FakeNotification.permission = "default";
  vi.stubGlobal("Notification", FakeNotification);
});

it("nothing is asked for or shown before the reader wants it", () => {
  hidden(true);
  noteEnd(job("one", "ready"));
  expect([sent, wantsNotifications()]).toEqual([[], false]);
  expect(FakeNotification.requestPermission).not.toHaveBeenCalled();
});

it("the end of a job is said once, while the page is out of sight", async () => {
  expect(await setNotifications(true)).toBe(true);
  hidden(true);
  noteEnd(job("two", "ready"));
  noteEnd(job("two", "ready"));
  noteEnd(job("three", "failed"));
  expect(sent).toEqual([
    { title: "Ready to download: a\u27e8U+202E\u27e9b.zip", body: "3 files" },
    { title: "Download failed: a\u27e8U+202E\u27e9b.zip", body: "1 file is missing" },
  ]);
});

it("nothing is said of what the reader sees", async () => {
  await setNotifications(true);
  hidden(false);
  noteEnd(job("four", "ready"));
  expect(sent).toEqual([]);
});

it("a browser that refuses is not asked again and again", async () => {
  FakeNotification.permission = "denied";
  expect(await setNotifications(true)).toBe(false);
});
