import { expect, it } from "vitest";
import { addSample, rateOf, secondsLeft, type Sample } from "./pace";

const after = (...steps: [number, number][]): Sample[] =>
  steps.reduce<Sample[]>((samples, [at, done]) => addSample(samples, { at, done }), []);

it("a rate is what was done over the window", () => {
  const samples = after([0, 0], [1_000, 100], [4_000, 400]);
  expect(rateOf(samples)).toBe(100);
  expect(secondsLeft({ unit: "files", done: 400, total: 1_000 }, 100)).toBe(6);
});

it("one moment, or none, is no basis", () => {
  expect(rateOf([])).toBeNull();
  expect(rateOf(after([0, 0], [500, 100]))).toBeNull();
  expect(secondsLeft({ unit: "files", done: 1, total: null }, 5)).toBeNull();
});

it("what is long ago does not count", () => {
  const samples = after([0, 0], [10_000, 10], [60_000, 20], [70_000, 1_020]);
  expect(samples[0]?.at).toBeGreaterThanOrEqual(10_000);
  expect(rateOf(samples)).toBeGreaterThan(15);
});

it("progress that starts over starts a new window", () => {
  expect(after([0, 500], [5_000, 3])).toEqual([{ at: 5_000, done: 3 }]);
});
