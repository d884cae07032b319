import { expect, it } from "vitest";
import { ApiError, adviceFor, errorOf, secondsOf } from "./problems";

it.each([0, 400, 401, 403, 404, 409, 410, 413, 429, 500, 503, 504])("%d is explained, with what to do", (status) => {
  const { title, todo } = adviceFor(new ApiError({}, { status }));
  expect(title).not.toBe("");
  expect(todo).toMatch(/\.$/);
});

it("what may pass by itself is known", () => {
  const temporary = [0, 404, 410, 429, 500, 503].filter((status) => new ApiError({}, { status }).temporary);
  expect(temporary).toEqual([0, 429, 500, 503]);
});

it("a problem document is read whole, and anything else does no harm", async () => {
  const problem = { title: "Too many requests", detail: "wait", error: "too_many_requests", requestId: "r" };
  const headers = { "content-type": "application/problem+json", "retry-after": "7" };
  const known = await errorOf(new Response(JSON.stringify(problem), { status: 429, headers }));
  expect(known).toMatchObject({
    status: 429,
    code: "too_many_requests",
    message: "wait",
    retryAfter: 7,
    requestId: "r",
  });
  const page = await errorOf(new Response("<html>", { status: 502, headers: { "content-type": "text/html" } }));
  expect(page).toMatchObject({ status: 502, code: "unknown" });
  const broken = await errorOf(new Response("{", { status: 500, headers }));
  expect(broken.status).toBe(500);
});

it("Retry-After is seconds or a date", () => {
  expect(secondsOf("3")).toBe(3);
  expect(secondsOf(null)).toBeNull();
  expect(secondsOf("soon")).toBeNull();
  expect(secondsOf(new Date(Date.now() + 10_000).toUTCString())).toBeGreaterThan(7);
});
