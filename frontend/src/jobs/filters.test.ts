import { expect, it } from "vitest";
import type { Job } from "../api/client";
import { filtersOf, matches } from "./filters";

const job = {
  jobId: "6e058335-fa06-4b42-9468-0819c9c4435e",
  status: "ready",
  createdAt: "2026-11-26T02:00:00.000Z",
  counts: { available: 4, missing: 1, failed: 0 },
  label: "Trip",
  request: { by: "prefix", count: null, prefix: "downloads/2026/" },
  archive: { filename: "Photos.zip" },
  error: null,
} as unknown as Job;
const NOW = Date.parse("2026-11-26T02:30:00.000Z");

it("a query string of strangers becomes filters, or nothing", () => {
  expect(filtersOf({ status: "ready", q: 70000, problems: "true", since: "24h" })).toEqual({
    status: "ready",
    q: "70000",
    problems: true,
    since: "24h",
  });
  expect(filtersOf({ status: "<b>", since: "toString", problems: "no", other: 1 })).toEqual({});
});

it.each([
  [{}, true],
  [{ status: "ready" as const, q: "photos", problems: true as const, since: "1h" as const }, true],
  [{ status: "failed" as const }, false],
  [{ q: "6E058335" }, true],
  [{ q: "trip" }, true],
  [{ q: "2026/" }, true],
  [{ q: "videos" }, false],
])("%j", (filters, expected) => expect(matches(job, filters, NOW)).toBe(expected));

it("a period ends where it says", () => {
  expect(matches(job, { since: "1h" }, NOW + 3_600_000)).toBe(false);
});
