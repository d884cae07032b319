// @vitest-environment jsdom
import { expect, it, vi } from "vitest";
import { ApiError } from "../api/problems";
import { actOnAll } from "./actions";

const never = () => false;

it("every job is acted on once, and what failed is named", async () => {
  const acted: string[] = [];
  const one = vi.fn((_: string, jobId: string) => {
    acted.push(jobId);
    return jobId === "b" ? Promise.reject(new ApiError({ detail: "ended" }, { status: 409 })) : Promise.resolve(null);
  });
  const state = await actOnAll("cancel", ["a", "b", "c", "d", "e", "f"], {
    report: () => {},
    stopped: never,
    one: one as never,
  });
  expect(acted.toSorted()).toEqual(["a", "b", "c", "d", "e", "f"]);
  expect(state).toEqual({ done: 6, failed: [{ jobId: "b", why: "ended" }] });
});

it("a rate limit is waited for", async () => {
  vi.useFakeTimers();
  const one = vi
    .fn()
    .mockRejectedValueOnce(new ApiError({}, { status: 429, retryAfter: 30 }))
    .mockResolvedValue(null);
  const running = actOnAll("cancel", ["a"], { report: () => {}, stopped: never, one });
  await vi.advanceTimersByTimeAsync(29_000);
  expect(one).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await running).toEqual({ done: 1, failed: [] });
  vi.useRealTimers();
});

it("what was stopped stays as it is", async () => {
  const one = vi.fn().mockResolvedValue(null);
  let stop = false;
  await actOnAll(
    "cancel",
    Array.from({ length: 100 }, (_, n) => String(n)),
    {
      report: ({ done }) => (stop = done >= 8),
      stopped: () => stop,
      one,
    },
  );
  expect(one.mock.calls.length).toBeLessThan(20);
});
