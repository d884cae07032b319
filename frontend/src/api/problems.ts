import type { components } from "./schema";

type ProblemDocument = components["schemas"]["ProblemDocument"];

/** An answer of the API that is an error, or no answer at all (`status` 0). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly requestId: string;
  /** Seconds to wait before trying again, if the server named them. */
  readonly retryAfter: number | null;
  readonly fields: readonly { pointer: string; detail: string }[];

  constructor(
    problem: Partial<ProblemDocument>,
    more: { status: number; retryAfter?: number | null; requestId?: string },
  ) {
    super(problem.detail ?? problem.title ?? `the server answered ${more.status}`);
    this.name = "ApiError";
    this.status = more.status;
    this.code = problem.error ?? "unknown";
    this.title = problem.title ?? "Request failed";
    this.requestId = problem.requestId ?? more.requestId ?? "";
    this.retryAfter = more.retryAfter ?? null;
    this.fields = problem.errors ?? [];
  }

  /** Whether the same request may succeed later without a change. */
  get temporary(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export function noConnection(): ApiError {
  return new ApiError(
    { title: "Cannot reach the service", detail: "The service did not answer.", error: "unreachable" },
    { status: 0 },
  );
}

export async function errorOf(response: Response): Promise<ApiError> {
  const type = response.headers.get("content-type") ?? "";
  const problem: Partial<ProblemDocument> = type.includes("json") ? await response.json().catch(() => ({})) : {};
  return new ApiError(problem, {
    status: response.status,
    retryAfter: secondsOf(response.headers.get("retry-after")),
    requestId: response.headers.get("x-request-id") ?? "",
  });
}

export function secondsOf(header: string | null): number | null {
  if (header === null || header.trim() === "") return null;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds);
  const until = Date.parse(header);
  return Number.isNaN(until) ? null : Math.max(0, Math.ceil((until - Date.now()) / 1000));
}

export interface Advice {
  title: string;
  /** What the reader can do, or what happens by itself. */
  todo: string;
}

/** What to say about an error, in place of its bare status. */
export function adviceFor(error: ApiError): Advice {
  switch (error.status) {
    case 0:
      return {
        title: "Cannot reach the service",
        todo: "Jobs continue on the server. This page tries again by itself; check your connection if it lasts.",
      };
    case 401:
      return {
        title: "Sign in to continue",
        todo: "Your session has ended or there was none. Jobs continue meanwhile.",
      };
    case 403:
      return {
        title: "Access refused",
        todo: "Your account may not do this. Give the request id below to the operator of this service.",
      };
    case 404:
      return {
        title: error.code === "job_not_found" ? "No such job" : "Not found",
        todo: "It was removed, or it belongs to another account. Look for it in your list of downloads.",
      };
    case 409:
      return { title: error.title, todo: "Its state has changed meanwhile. What you see here is up to date now." };
    case 410:
      return {
        title: "This job has expired",
        todo: "Its files and archives are no longer kept. Start a new download of the same files.",
      };
    case 413:
      return { title: error.title, todo: "Split the request, or remove files from it." };
    case 429:
      return {
        title: "Too many requests",
        todo: "The limit of requests was reached. This page waits and tries again.",
      };
    case 503:
    case 502:
    case 504:
      return {
        title: "Service temporarily unavailable",
        todo: "Nothing is lost: jobs that were accepted continue. This page tries again by itself.",
      };
    default:
      return error.status >= 500
        ? { title: "Something went wrong", todo: "Try again; if it stays, report the request id below." }
        : { title: error.title, todo: "Change the request and send it again." };
  }
}
