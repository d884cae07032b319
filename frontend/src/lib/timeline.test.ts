import { expect, it } from "vitest";
import { spansOf } from "./timeline";

const event = (kind: string, second: number) => ({
  kind,
  at: new Date(second * 1000).toISOString(),
  by: "worker",
  requestId: "",
  traceId: "",
  details: {},
});

it("the steps of a job lie one after the other", () => {
  const events = [
    event("created", 0),
    event("started", 2),
    event("checked", 5),
    event("assembling", 6),
    event("links_issued", 8),
    event("ready", 9),
  ];
  expect(spansOf(events, 99_000).map(({ name, from, to, outcome }) => [name, from / 1000, to / 1000, outcome])).toEqual(
    [
      ["Waiting", 0, 2, "done"],
      ["Checking files", 2, 5, "done"],
      ["Planning the ZIP", 5, 6, "done"],
      ["Assembling the ZIP", 6, 9, "done"],
    ],
  );
});

it("a step that runs goes up to now, one that failed says so", () => {
  expect(spansOf([event("created", 0), event("started", 1)], 4_000).at(-1)).toMatchObject({ to: 4_000, open: true });
  const failed = [
    event("created", 0),
    event("started", 1),
    event("failed", 3),
    event("retried", 10),
    event("started", 11),
  ];
  expect(spansOf(failed, 12_000).map(({ outcome }) => outcome)).toEqual(["done", "failed", "done", "running"]);
});
