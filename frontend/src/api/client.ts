import createClient from "openapi-fetch";
import { session } from "../auth/session";
import { config } from "../config";
import { ApiError, errorOf, noConnection } from "./problems";
import type { components, paths } from "./schema";
import { newTraceparent } from "./trace";

export type Job = components["schemas"]["JobSummary"];
export type JobDocument = components["schemas"]["JobDocument"];
export type JobStatus = components["schemas"]["JobStatus"];
export type FileDocument = components["schemas"]["FileDocument"];
export type FileState = components["schemas"]["FileState"];
export type ArchiveDocument = components["schemas"]["ArchiveDocument"];
export type EventDocument = components["schemas"]["EventDocument"];
export type Limits = components["schemas"]["LimitsDocument"];
export type InitiateRequest = components["schemas"]["InitiateRequest"];
export type JobStarted = components["schemas"]["JobStarted"];

export const apiUrl = new URL(config.api || "/", location.href).href.replace(/\/$/, "");

async function send(request: Request): Promise<Response> {
  const token = await session.token();
  if (token) request.headers.set("Authorization", `Bearer ${token}`);
  request.headers.set("traceparent", newTraceparent());
  let response: Response;
  try {
    response = await fetch(request);
  } catch (reason) {
    if (reason instanceof DOMException && reason.name === "AbortError") throw reason;
    throw noConnection();
  }
  if (response.status === 401) session.refused();
  return response;
}

export const client = createClient<paths>({ baseUrl: apiUrl, fetch: send });

interface Fetched<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The body of an answer; throws ApiError for one that is an error. */
export async function bodyOf<T>(answer: Promise<Fetched<T>>): Promise<T> {
  const { data, error, response } = await answer;
  if (!response.ok) throw error === undefined ? await errorOf(response) : problemOf(error, response);
  return data as T;
}

function problemOf(error: unknown, response: Response): ApiError {
  const body = typeof error === "object" && error !== null ? error : {};
  const retryAfter = Number(response.headers.get("retry-after") ?? Number.NaN);
  return new ApiError(body, {
    status: response.status,
    retryAfter: Number.isFinite(retryAfter) ? retryAfter : null,
    requestId: response.headers.get("x-request-id") ?? "",
  });
}

export const hasEnded = (job: { status: JobStatus }): boolean => job.status !== "queued" && job.status !== "processing";
