import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { bodyOf, client, type JobStatus } from "./client";
import { ApiError } from "./problems";

export const JOBS_PER_PAGE = 50;
export const FILES_PER_PAGE = 1000;
export const OBJECTS_PER_PAGE = 200;

export const limitsQuery = queryOptions({
  queryKey: ["limits"],
  queryFn: ({ signal }) => bodyOf(client.GET("/v1/limits", { signal })),
  staleTime: 60_000,
});

export const healthQuery = queryOptions({
  queryKey: ["health"],
  queryFn: async ({ signal }) => {
    const { data, error, response } = await client.GET("/health", { signal });
    const found = data ?? (response.status === 503 ? (error as unknown as { status: string; checks: object }) : null);
    if (!found || !("checks" in found)) throw new ApiError({}, { status: response.status });
    return found as { status: "healthy" | "unhealthy"; checks: Record<string, "ok" | "error"> };
  },
  refetchInterval: 60_000,
});

export function jobsQuery(status: JobStatus | undefined) {
  return infiniteQueryOptions({
    queryKey: ["jobs", status ?? "all"],
    queryFn: ({ pageParam, signal }) =>
      bodyOf(
        client.GET("/v1/download/jobs", {
          params: {
            query: { limit: JOBS_PER_PAGE, ...(status && { status }), ...(pageParam && { cursor: pageParam }) },
          },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
}

/** A job with its first files. Links are minted by each such read, so as few files as possible are asked for. */
export function jobQuery(jobId: string) {
  return queryOptions({
    queryKey: ["job", jobId],
    queryFn: ({ signal }) => readJob(jobId, { signal }),
  });
}

export function readJob(jobId: string, { signal }: { signal?: AbortSignal } = {}) {
  return bodyOf(
    client.GET("/v1/download/status/{jobId}", {
      params: { path: { jobId }, query: { limit: 1 } },
      ...(signal && { signal }),
    }),
  );
}

export function filesQuery(jobId: string, page: number) {
  return queryOptions({
    queryKey: ["files", jobId, page],
    queryFn: async ({ signal }) => {
      const found = await bodyOf(
        client.GET("/v1/download/status/{jobId}", {
          params: { path: { jobId }, query: { cursor: page * FILES_PER_PAGE, limit: FILES_PER_PAGE } },
          signal,
        }),
      );
      return found.files; // without the links, which expire: each is minted when it is clicked
    },
    gcTime: Number.POSITIVE_INFINITY,
  });
}

export function eventsQuery(jobId: string) {
  return infiniteQueryOptions({
    queryKey: ["events", jobId],
    queryFn: ({ pageParam, signal }) =>
      bodyOf(
        client.GET("/v1/download/{jobId}/events", {
          params: { path: { jobId }, query: { limit: 200, ...(pageParam && { cursor: pageParam }) } },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
}

/** What the store has directly below a prefix. */
export function objectsQuery(prefix: string) {
  return infiniteQueryOptions({
    queryKey: ["objects", prefix],
    queryFn: ({ pageParam, signal }) =>
      bodyOf(
        client.GET("/v1/objects", {
          params: {
            query: {
              delimiter: "/",
              limit: OBJECTS_PER_PAGE,
              ...(prefix && { prefix }),
              ...(pageParam && { cursor: pageParam }),
            },
          },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    staleTime: 30_000,
  });
}
