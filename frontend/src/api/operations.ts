// Generated from docs/openapi.json by `npm run api`.
export const OPERATIONS: Record<string, string[] | undefined> = {
  "POST /v1/download/initiate": [],
  "GET /v1/download/status/{jobId}": [
    "cursor",
    "limit"
  ],
  "GET /v1/download/stream/{jobId}": [],
  "DELETE /v1/download/{jobId}": [],
  "GET /v1/download/{jobId}": [
    "inline"
  ],
  "POST /v1/download/{jobId}/retry": [],
  "GET /v1/download/jobs": [
    "status",
    "limit",
    "cursor"
  ],
  "GET /v1/download/{jobId}/events": [
    "limit",
    "cursor"
  ],
  "GET /v1/download/{jobId}/files/{number}": [
    "inline"
  ],
  "GET /v1/download/{jobId}/archives/{number}": [
    "inline"
  ],
  "POST /v1/download/check": [
    "sentry_test"
  ],
  "POST /v1/download/start": [],
  "GET /v1/limits": [],
  "GET /": [],
  "GET /health": [],
  "GET /openapi": [],
  "GET /docs": [],
  "GET /docs/{asset}": [],
  "GET /dashboard": [],
  "GET /dashboard/{part}": [],
  "GET /dashboard/jobs/{page}": []
};
