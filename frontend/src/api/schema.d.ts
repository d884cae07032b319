// Generated from docs/openapi.json by `npm run api`.
export interface paths {
    "/v1/download/initiate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Start a job
         * @description Answers as soon as the job is durable; from then on it ends in `ready`, `failed` or `cancelled`. Name the files by exactly one of `file_ids`, `keys` and `prefix`.
         */
        post: operations["initiate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/download/status/{jobId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read a job
         * @description Once the job is ready, each read returns fresh links. More than 1,000 files come in pages.
         */
        get: operations["status"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/download/stream/{jobId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Follow a job
         * @description Server-sent events: `progress`, `ready`, `failed`, `cancelled`, each with a job as `data`. The response ends at the first change or after some seconds; an EventSource reconnects by itself.
         */
        get: operations["stream"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/download/{jobId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Download the result of a job */
        get: operations["download"];
        put?: never;
        post?: never;
        /**
         * Cancel a job
         * @description Workers stop within seconds. Cancelling twice is not an error.
         */
        delete: operations["cancel"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/download/{jobId}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Retry what failed */
        post: operations["retry"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/download/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List your jobs, newest first */
        get: operations["jobs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/download/{jobId}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read the audit trail of a job
         * @description Every transition, every retry and every read that returned links: what, when, who, which request.
         */
        get: operations["events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/download/{jobId}/files/{number}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Download one file of a job */
        get: operations["downloadFile"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/download/{jobId}/archives/{number}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Download one archive of a job */
        get: operations["downloadArchive"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/download/check": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Check whether a file exists */
        post: operations["check"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/download/start": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Wait for one file
         * @deprecated
         * @description Use `POST /v1/download/initiate` instead, which does not wait.
         */
        post: operations["start"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/limits": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read the limits */
        get: operations["limits"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Name, version and links of the service */
        get: operations["index"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Check whether the service works
         * @description Answers within 3 seconds.
         */
        get: operations["health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read this document */
        get: operations["openapi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read and try this document in a browser */
        get: operations["docs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs/{asset}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Load a file of the page */
        get: operations["docsAsset"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/dashboard": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Use the service in a browser
         * @description Start downloads, follow them, fetch their results.
         */
        get: operations["dashboard"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/dashboard/{part}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Open a page of the dashboard, or load a file of it */
        get: operations["dashboardPart"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/dashboard/jobs/{page}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Open a job in the dashboard */
        get: operations["dashboardJob"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export interface webhooks {
    jobEnded: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A job with a callback URL has ended
         * @description Signed by Standard Webhooks 1.0.0 and sent at least once; repeated with backoff for a day, until you answer 2xx, or 410 to unsubscribe. The payload is small: read the job for more.
         */
        post: operations["jobEnded"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export interface components {
    schemas: {
        /**
         * JobStarted
         * @description The answer to a new job.
         */
        JobStarted: {
            /** Format: uuid */
            jobId: string;
            status: components["schemas"]["JobStatus"];
            /** @description null for a prefix, which has not been listed yet */
            totalFileIds: number | null;
            /** @description repetitions in the request, which are dropped */
            duplicates: number;
            links: components["schemas"]["JobLinks"];
            ticket: string | null;
        };
        /**
         * JobStatus
         * @description Ready, failed and cancelled are ends; only a failed job can be retried.
         * @enum {unknown}
         */
        JobStatus: "cancelled" | "failed" | "processing" | "queued" | "ready";
        /**
         * JobLinks
         * @description What is possible in the job's status.
         */
        JobLinks: {
            /**
             * Format: uri-reference
             * @description URL of this API, valid as long as the job is kept
             */
            status: string;
            /**
             * Format: uri-reference
             * @description URL of this API, valid as long as the job is kept
             */
            download?: string;
            /**
             * Format: uri-reference
             * @description URL of this API, valid as long as the job is kept
             */
            retry?: string;
            /**
             * Format: uri-reference
             * @description URL of this API, valid as long as the job is kept
             */
            cancel?: string;
        };
        /**
         * InitiateRequest
         * @description Body of POST /v1/download/initiate: exactly one of file_ids, keys and prefix.
         */
        InitiateRequest: {
            file_ids?: number[];
            keys?: string[];
            /** @description everything below it */
            prefix?: string;
            /** @default false */
            archive: boolean | components["schemas"]["ArchiveOptions"];
            /** @description lifetime of the links, in seconds */
            linkTtlSeconds?: number;
            /**
             * Format: uri
             * @description receives a webhook when the job ends: https, at a public address
             */
            callbackUrl?: string;
        };
        /**
         * ArchiveOptions
         * @description The ZIP that a job makes.
         */
        ArchiveOptions: {
            filename?: string;
            /**
             * @description without folders, or with those below the prefix
             * @default flat
             * @enum {unknown}
             */
            layout: "flat" | "tree";
            /**
             * @default skip
             * @enum {unknown}
             */
            onMissing: "fail" | "skip";
        };
        /**
         * JobDocument
         * @description A job with one page of its files.
         */
        JobDocument: {
            /** Format: uuid */
            jobId: string;
            status: components["schemas"]["JobStatus"];
            /** @description what a processing job is doing */
            stage: components["schemas"]["Step"] | null;
            /** @description never goes back; 100 only when ready */
            progress: number;
            processed: number;
            /** @description files; null until a prefix is listed */
            total: number | null;
            /** @description the same as `total` */
            totalFileIds: number | null;
            /** @description files that the request names more than once; each is kept once */
            duplicates: number;
            counts: components["schemas"]["Counts"];
            archive: components["schemas"]["WantedArchive"] | null;
            bytes: components["schemas"]["Bytes"];
            error: components["schemas"]["JobFailure"] | null;
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            updatedAt: string;
            finishedAt: string | null;
            /** Format: date-time */
            expiresAt: string;
            links: components["schemas"]["JobLinks"];
            files: components["schemas"]["FileDocument"][];
            /** @description a link for each of `files`, null if not available; null as a whole until the job is ready */
            resultUrls: (string | null)[] | null;
            linksExpireAt: string | null;
            nextCursor: string | null;
            archives: components["schemas"]["ArchiveDocument"][];
            ticket: string | null;
        };
        /**
         * Step
         * @description What a processing job is busy with.
         * @enum {unknown}
         */
        Step: "assembling" | "checking" | "checksumming";
        /**
         * Counts
         * @description Files by result.
         */
        Counts: {
            available: number;
            missing: number;
            failed: number;
        };
        /**
         * WantedArchive
         * @description The archive that was requested.
         */
        WantedArchive: {
            filename: string | null;
            /** @enum {string} */
            layout: "flat" | "tree";
            /** @enum {string} */
            onMissing: "skip" | "fail";
        };
        /**
         * Bytes
         * @description Of the archive while it is assembled, else of the available files.
         */
        Bytes: {
            /** @description in bytes */
            total: number;
            /** @description in bytes */
            done: number;
        };
        /**
         * JobFailure
         * @description Why a job failed.
         */
        JobFailure: {
            code: string;
            message: string;
        };
        /**
         * FileDocument
         * @description One file of a job.
         */
        FileDocument: {
            /** @description counted from 0 in the order of the request */
            index: number;
            /** @description null if the request named the file by its key */
            id: number | null;
            key: string;
            state: components["schemas"]["FileState"];
            size: number | null;
            /** @description why it is not available */
            reason: string | null;
            /**
             * Format: uri-reference
             * @description URL of this API, valid as long as the job is kept
             */
            address: string;
        };
        /**
         * FileState
         * @description What is known of a file: an unchecked one was never looked at, because its job ended first.
         * @enum {unknown}
         */
        FileState: "available" | "failed" | "missing" | "pending" | "unchecked";
        /**
         * ArchiveDocument
         * @description One archive of a job.
         */
        ArchiveDocument: {
            /** @description counted from 0 in the order of the request */
            index: number;
            filename: string;
            /** @description in bytes */
            size: number;
            entries: number;
            parts: number;
            /** @description where the CRC-32s came from: copies, the store's metadata, or reading the files */
            crcSource: components["schemas"]["CrcSource"];
            /** @description the store verifies the CRC-32 of the whole archive */
            verified: boolean;
            /** @description planned: bytes, requests, dollars */
            cost: {
                [key: string]: number | string;
            };
            /** @description null until the job is ready */
            url: string | null;
            /**
             * Format: uri-reference
             * @description URL of this API, valid as long as the job is kept
             */
            address: string;
        };
        /**
         * CrcSource
         * @description Where the CRC-32s of copied bodies come from.
         * @enum {unknown}
         */
        CrcSource: "copy" | "head" | "read";
        /**
         * StreamedEvent
         * @description One server-sent event; `data` is a job without its files, as JSON.
         */
        StreamedEvent: {
            /** @enum {unknown} */
            event: "cancelled" | "failed" | "progress" | "ready";
            /** @description version of the job; `Last-Event-ID` of the next request */
            id: string;
            data: string;
        };
        /**
         * JobSummary
         * @description A job without its files.
         */
        JobSummary: {
            /** Format: uuid */
            jobId: string;
            status: components["schemas"]["JobStatus"];
            /** @description what a processing job is doing */
            stage: components["schemas"]["Step"] | null;
            /** @description never goes back; 100 only when ready */
            progress: number;
            processed: number;
            /** @description files; null until a prefix is listed */
            total: number | null;
            /** @description the same as `total` */
            totalFileIds: number | null;
            /** @description files that the request names more than once; each is kept once */
            duplicates: number;
            counts: components["schemas"]["Counts"];
            archive: components["schemas"]["WantedArchive"] | null;
            bytes: components["schemas"]["Bytes"];
            error: components["schemas"]["JobFailure"] | null;
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            updatedAt: string;
            finishedAt: string | null;
            /** Format: date-time */
            expiresAt: string;
            links: components["schemas"]["JobLinks"];
        };
        /**
         * JobsPage
         * @description Jobs, newest first.
         */
        JobsPage: {
            jobs: components["schemas"]["JobSummary"][];
            nextCursor: string | null;
        };
        /**
         * EventsPage
         * @description A job's audit trail, oldest first.
         */
        EventsPage: {
            events: components["schemas"]["EventDocument"][];
            nextCursor: string | null;
        };
        /**
         * EventDocument
         * @description One event of a job's audit trail.
         */
        EventDocument: {
            kind: string;
            /** Format: date-time */
            at: string;
            /** @description the principal, or the part of the service */
            by: string;
            /** @description empty if no request caused it */
            requestId: string;
            /** @description trace id of the request's `traceparent`, or empty */
            traceId: string;
            details: Record<string, never>;
        };
        /**
         * CheckAnswer
         * @description Whether one file exists; if not, `s3Key` and `size` are null.
         */
        CheckAnswer: {
            file_id: number;
            available: boolean;
            s3Key: string | null;
            size: number | null;
        };
        /**
         * CheckRequest
         * @description Body of POST /v1/download/check.
         */
        CheckRequest: {
            file_id: number;
        };
        /**
         * StartAnswer
         * @description The outcome for one file.
         */
        StartAnswer: {
            file_id: number;
            /** @enum {unknown} */
            status: "completed" | "failed";
            downloadUrl: string | null;
            size: number | null;
            processingTimeMs: number;
            message: string;
        };
        /**
         * LimitsDocument
         * @description Every limit that the service enforces.
         */
        LimitsDocument: {
            files: components["schemas"]["FileLimits"];
            body: components["schemas"]["BodyLimits"];
            keys: components["schemas"]["KeyLimits"];
            pages: components["schemas"]["PageLimits"];
            links: components["schemas"]["LinkLimits"];
            jobs: components["schemas"]["JobLimits"];
            archive: components["schemas"]["ArchiveLimits"];
            callbackUrl: components["schemas"]["CallbackUrlLimits"];
            idempotencyKey: components["schemas"]["IdempotencyKeyLimits"];
            rate: components["schemas"]["RateLimits"];
            websocket: components["schemas"]["WebsocketLimits"];
        };
        /**
         * FileLimits
         * @description `idMin` to `idMax` are the numbers that a file may have.
         */
        FileLimits: {
            perJob: number;
            idMin: number;
            idMax: number;
        };
        /** BodyLimits */
        BodyLimits: {
            /** @description in bytes */
            maxBytes: number;
        };
        /** KeyLimits */
        KeyLimits: {
            /** @description in bytes */
            maxBytes: number;
            allowedPrefix: string;
        };
        /**
         * PageLimits
         * @description Maximum number of entries in a page.
         */
        PageLimits: {
            files: number;
            jobs: number;
            events: number;
        };
        /**
         * LinkLimits
         * @description The range of `linkTtlSeconds`.
         */
        LinkLimits: {
            ttlMinSeconds: number;
            ttlMaxSeconds: number;
        };
        /**
         * JobLimits
         * @description How long a job is kept after its end.
         */
        JobLimits: {
            ttlSeconds: number;
        };
        /**
         * ArchiveLimits
         * @description A larger archive is split into several.
         */
        ArchiveLimits: {
            /** @description in bytes */
            maxBytes: number;
        };
        /** CallbackUrlLimits */
        CallbackUrlLimits: {
            maxCharacters: number;
        };
        /**
         * IdempotencyKeyLimits
         * @description A key belongs to its job; `ttlSeconds` is how long both are kept after its end.
         */
        IdempotencyKeyLimits: {
            maxCharacters: number;
            ttlSeconds: number;
        };
        /**
         * RateLimits
         * @description Requests of one caller in a window; those for event streams are counted separately.
         */
        RateLimits: {
            requests: number;
            windowSeconds: number;
            streamRequests: number;
        };
        /**
         * WebsocketLimits
         * @description Jobs that one connection may watch.
         */
        WebsocketLimits: {
            subscriptions: number;
        };
        /**
         * IndexDocument
         * @description Name and version of the service, and its main links.
         */
        IndexDocument: {
            name: string;
            version: string;
            links: {
                [key: string]: string;
            };
        };
        /**
         * HealthDocument
         * @description Whether the services that this one depends on answer.
         */
        HealthDocument: {
            /** @enum {unknown} */
            status: "healthy" | "unhealthy";
            checks: {
                [key: string]: "ok" | "error";
            };
        };
        /**
         * ProblemDocument
         * @description An error (RFC 9457). `error` is a stable code; `message` repeats `detail`.
         */
        ProblemDocument: {
            /** Format: uri */
            type: string;
            title: string;
            status: number;
            detail: string;
            instance: string;
            error: string;
            message: string;
            requestId: string;
            errors?: components["schemas"]["OffendingField"][];
        };
        /**
         * OffendingField
         * @description One invalid place of a request.
         */
        OffendingField: {
            /** @description JSON pointer (RFC 6901) into the body, or the parameter's name */
            pointer: string;
            detail: string;
        };
        /**
         * JobEnded
         * @description The webhook that a job's `callbackUrl` receives when the job ends.
         */
        JobEnded: {
            /** @enum {unknown} */
            type: "job.cancelled" | "job.failed" | "job.ready";
            /** Format: date-time */
            timestamp: string;
            data: components["schemas"]["EndedJob"];
        };
        /**
         * EndedJob
         * @description The job that ended, and where to read it.
         */
        EndedJob: {
            /** Format: uuid */
            jobId: string;
            /** @enum {unknown} */
            status: "cancelled" | "failed" | "ready";
            links?: components["schemas"]["JobLinks"];
        };
    };
    responses: {
        /** @description `not_found`: Not found. */
        "404.not_found": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Frame-Options": components["headers"]["X-Frame-Options"];
                "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                "Referrer-Policy": components["headers"]["Referrer-Policy"];
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                RateLimit: components["headers"]["RateLimit"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                Vary: components["headers"]["Vary"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["ProblemDocument"] & {
                    /** @constant */
                    status?: 404;
                    /** @enum {unknown} */
                    error?: "not_found";
                };
            };
        };
        /** @description `method_not_allowed`: Method not allowed. */
        "405.method_not_allowed": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Frame-Options": components["headers"]["X-Frame-Options"];
                "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                "Referrer-Policy": components["headers"]["Referrer-Policy"];
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                RateLimit: components["headers"]["RateLimit"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                Vary: components["headers"]["Vary"];
                Allow: components["headers"]["Allow"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["ProblemDocument"] & {
                    /** @constant */
                    status?: 405;
                    /** @enum {unknown} */
                    error?: "method_not_allowed";
                };
            };
        };
        /** @description `invalid_request`: Invalid request. */
        "400.invalid_request": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Frame-Options": components["headers"]["X-Frame-Options"];
                "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                "Referrer-Policy": components["headers"]["Referrer-Policy"];
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                RateLimit: components["headers"]["RateLimit"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                Vary: components["headers"]["Vary"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["ProblemDocument"] & {
                    /** @constant */
                    status?: 400;
                    /** @enum {unknown} */
                    error?: "invalid_request";
                };
            };
        };
        /** @description `unsupported_media_type`: Unsupported media type. */
        "415.unsupported_media_type": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Frame-Options": components["headers"]["X-Frame-Options"];
                "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                "Referrer-Policy": components["headers"]["Referrer-Policy"];
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                RateLimit: components["headers"]["RateLimit"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                Vary: components["headers"]["Vary"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["ProblemDocument"] & {
                    /** @constant */
                    status?: 415;
                    /** @enum {unknown} */
                    error?: "unsupported_media_type";
                };
            };
        };
        /** @description `request_too_large`: Request body too large. `too_many_files`: Too many files. */
        "413.request_too_large.too_many_files": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Frame-Options": components["headers"]["X-Frame-Options"];
                "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                "Referrer-Policy": components["headers"]["Referrer-Policy"];
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                RateLimit: components["headers"]["RateLimit"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                Vary: components["headers"]["Vary"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["ProblemDocument"] & {
                    /** @constant */
                    status?: 413;
                    /** @enum {unknown} */
                    error?: "request_too_large" | "too_many_files";
                };
            };
        };
        /** @description `idempotency_key_reused`: Idempotency-Key already used. */
        "422.idempotency_key_reused": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Frame-Options": components["headers"]["X-Frame-Options"];
                "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                "Referrer-Policy": components["headers"]["Referrer-Policy"];
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                RateLimit: components["headers"]["RateLimit"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                Vary: components["headers"]["Vary"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["ProblemDocument"] & {
                    /** @constant */
                    status?: 422;
                    /** @enum {unknown} */
                    error?: "idempotency_key_reused";
                };
            };
        };
        /** @description `job_expired`: Job expired. */
        "410.job_expired": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Frame-Options": components["headers"]["X-Frame-Options"];
                "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                "Referrer-Policy": components["headers"]["Referrer-Policy"];
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                RateLimit: components["headers"]["RateLimit"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                Vary: components["headers"]["Vary"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["ProblemDocument"] & {
                    /** @constant */
                    status?: 410;
                    /** @enum {unknown} */
                    error?: "job_expired";
                };
            };
        };
        /** @description `table_unavailable`: Job table unavailable. `queue_unavailable`: Work queue unavailable. `keys_unavailable`: Token issuer unavailable. `unavailable`: Service unavailable. */
        "503.table_unavailable.queue_unavailable.keys_unavailable.unavailable": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Frame-Options": components["headers"]["X-Frame-Options"];
                "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                "Referrer-Policy": components["headers"]["Referrer-Policy"];
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                RateLimit: components["headers"]["RateLimit"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                Vary: components["headers"]["Vary"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["ProblemDocument"] & {
                    /** @constant */
                    status?: 503;
                    /** @enum {unknown} */
                    error?: "table_unavailable" | "queue_unavailable" | "keys_unavailable" | "unavailable";
                };
            };
        };
        /** @description `unauthenticated`: Authentication required. */
        "401.unauthenticated": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Frame-Options": components["headers"]["X-Frame-Options"];
                "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                "Referrer-Policy": components["headers"]["Referrer-Policy"];
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                RateLimit: components["headers"]["RateLimit"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                Vary: components["headers"]["Vary"];
                "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["ProblemDocument"] & {
                    /** @constant */
                    status?: 401;
                    /** @enum {unknown} */
                    error?: "unauthenticated";
                };
            };
        };
        /** @description `too_many_requests`: Too many requests. */
        "429.too_many_requests": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Frame-Options": components["headers"]["X-Frame-Options"];
                "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                "Referrer-Policy": components["headers"]["Referrer-Policy"];
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                RateLimit: components["headers"]["RateLimit"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                Vary: components["headers"]["Vary"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["ProblemDocument"] & {
                    /** @constant */
                    status?: 429;
                    /** @enum {unknown} */
                    error?: "too_many_requests";
                };
            };
        };
        /** @description `internal_error`: Internal server error. */
        "500.internal_error": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Frame-Options": components["headers"]["X-Frame-Options"];
                "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                "Referrer-Policy": components["headers"]["Referrer-Policy"];
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                RateLimit: components["headers"]["RateLimit"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                Vary: components["headers"]["Vary"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["ProblemDocument"] & {
                    /** @constant */
                    status?: 500;
                    /** @enum {unknown} */
                    error?: "internal_error";
                };
            };
        };
        /** @description `forbidden`: Forbidden. */
        "403.forbidden": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Frame-Options": components["headers"]["X-Frame-Options"];
                "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                "Referrer-Policy": components["headers"]["Referrer-Policy"];
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                RateLimit: components["headers"]["RateLimit"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                Vary: components["headers"]["Vary"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["ProblemDocument"] & {
                    /** @constant */
                    status?: 403;
                    /** @enum {unknown} */
                    error?: "forbidden";
                };
            };
        };
        /** @description `timeout`: Timed out. */
        "504.timeout": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Frame-Options": components["headers"]["X-Frame-Options"];
                "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                "Referrer-Policy": components["headers"]["Referrer-Policy"];
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                RateLimit: components["headers"]["RateLimit"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                Vary: components["headers"]["Vary"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["ProblemDocument"] & {
                    /** @constant */
                    status?: 504;
                    /** @enum {unknown} */
                    error?: "timeout";
                };
            };
        };
        /** @description `job_not_found`: Job not found. `not_found`: Not found. */
        "404.job_not_found.not_found": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Frame-Options": components["headers"]["X-Frame-Options"];
                "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                "Referrer-Policy": components["headers"]["Referrer-Policy"];
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                RateLimit: components["headers"]["RateLimit"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                Vary: components["headers"]["Vary"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["ProblemDocument"] & {
                    /** @constant */
                    status?: 404;
                    /** @enum {unknown} */
                    error?: "job_not_found" | "not_found";
                };
            };
        };
        /** @description `table_unavailable`: Job table unavailable. `links_unavailable`: Links unavailable. `keys_unavailable`: Token issuer unavailable. `unavailable`: Service unavailable. */
        "503.table_unavailable.links_unavailable.keys_unavailable.unavailable": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Frame-Options": components["headers"]["X-Frame-Options"];
                "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                "Referrer-Policy": components["headers"]["Referrer-Policy"];
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                RateLimit: components["headers"]["RateLimit"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                Vary: components["headers"]["Vary"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["ProblemDocument"] & {
                    /** @constant */
                    status?: 503;
                    /** @enum {unknown} */
                    error?: "table_unavailable" | "links_unavailable" | "keys_unavailable" | "unavailable";
                };
            };
        };
        /** @description `table_unavailable`: Job table unavailable. `keys_unavailable`: Token issuer unavailable. `secret_unavailable`: Secret store unavailable. `unavailable`: Service unavailable. */
        "503.table_unavailable.keys_unavailable.secret_unavailable.unavailable": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Frame-Options": components["headers"]["X-Frame-Options"];
                "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                "Referrer-Policy": components["headers"]["Referrer-Policy"];
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                RateLimit: components["headers"]["RateLimit"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                Vary: components["headers"]["Vary"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["ProblemDocument"] & {
                    /** @constant */
                    status?: 503;
                    /** @enum {unknown} */
                    error?: "table_unavailable" | "keys_unavailable" | "secret_unavailable" | "unavailable";
                };
            };
        };
        /** @description `job_already_ended`: Job already ended. */
        "409.job_already_ended": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Frame-Options": components["headers"]["X-Frame-Options"];
                "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                "Referrer-Policy": components["headers"]["Referrer-Policy"];
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                RateLimit: components["headers"]["RateLimit"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                Vary: components["headers"]["Vary"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["ProblemDocument"] & {
                    /** @constant */
                    status?: 409;
                    /** @enum {unknown} */
                    error?: "job_already_ended";
                };
            };
        };
        /** @description `nothing_to_retry`: Nothing to retry. */
        "409.nothing_to_retry": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Frame-Options": components["headers"]["X-Frame-Options"];
                "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                "Referrer-Policy": components["headers"]["Referrer-Policy"];
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                RateLimit: components["headers"]["RateLimit"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                Vary: components["headers"]["Vary"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["ProblemDocument"] & {
                    /** @constant */
                    status?: 409;
                    /** @enum {unknown} */
                    error?: "nothing_to_retry";
                };
            };
        };
        /** @description `table_unavailable`: Job table unavailable. `keys_unavailable`: Token issuer unavailable. `unavailable`: Service unavailable. */
        "503.table_unavailable.keys_unavailable.unavailable": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Frame-Options": components["headers"]["X-Frame-Options"];
                "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                "Referrer-Policy": components["headers"]["Referrer-Policy"];
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                RateLimit: components["headers"]["RateLimit"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                Vary: components["headers"]["Vary"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["ProblemDocument"] & {
                    /** @constant */
                    status?: 503;
                    /** @enum {unknown} */
                    error?: "table_unavailable" | "keys_unavailable" | "unavailable";
                };
            };
        };
        /** @description `table_unavailable`: Job table unavailable. `links_unavailable`: Links unavailable. `keys_unavailable`: Token issuer unavailable. `secret_unavailable`: Secret store unavailable. `unavailable`: Service unavailable. */
        "503.table_unavailable.links_unavailable.keys_unavailable.secret_unavailable.unavailable": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Frame-Options": components["headers"]["X-Frame-Options"];
                "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                "Referrer-Policy": components["headers"]["Referrer-Policy"];
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                RateLimit: components["headers"]["RateLimit"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                Vary: components["headers"]["Vary"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["ProblemDocument"] & {
                    /** @constant */
                    status?: 503;
                    /** @enum {unknown} */
                    error?: "table_unavailable" | "links_unavailable" | "keys_unavailable" | "secret_unavailable" | "unavailable";
                };
            };
        };
        /** @description `job_not_ready`: Job not ready. */
        "409.job_not_ready": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Frame-Options": components["headers"]["X-Frame-Options"];
                "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                "Referrer-Policy": components["headers"]["Referrer-Policy"];
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                RateLimit: components["headers"]["RateLimit"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                Vary: components["headers"]["Vary"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["ProblemDocument"] & {
                    /** @constant */
                    status?: 409;
                    /** @enum {unknown} */
                    error?: "job_not_ready";
                };
            };
        };
        /** @description `job_not_found`: Job not found. `not_found`: Not found. `no_such_result`: Result not found. */
        "404.job_not_found.not_found.no_such_result": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Frame-Options": components["headers"]["X-Frame-Options"];
                "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                "Referrer-Policy": components["headers"]["Referrer-Policy"];
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                RateLimit: components["headers"]["RateLimit"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                Vary: components["headers"]["Vary"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["ProblemDocument"] & {
                    /** @constant */
                    status?: 404;
                    /** @enum {unknown} */
                    error?: "job_not_found" | "not_found" | "no_such_result";
                };
            };
        };
        /** @description `request_too_large`: Request body too large. */
        "413.request_too_large": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Frame-Options": components["headers"]["X-Frame-Options"];
                "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                "Referrer-Policy": components["headers"]["Referrer-Policy"];
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                RateLimit: components["headers"]["RateLimit"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                Vary: components["headers"]["Vary"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["ProblemDocument"] & {
                    /** @constant */
                    status?: 413;
                    /** @enum {unknown} */
                    error?: "request_too_large";
                };
            };
        };
        /** @description `storage_unavailable`: Storage unavailable. `storage_throttled`: Storage unavailable. `storage_forbidden`: Storage unavailable. `source_changed`: Storage unavailable. `checksums_missing`: Storage unavailable. `upload_gone`: Storage unavailable. `keys_unavailable`: Token issuer unavailable. `unavailable`: Service unavailable. */
        "503.storage_unavailable.storage_throttled.storage_forbidden.source_changed.checksums_missing.upload_gone.keys_unavailable.unavailable": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Frame-Options": components["headers"]["X-Frame-Options"];
                "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                "Referrer-Policy": components["headers"]["Referrer-Policy"];
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                RateLimit: components["headers"]["RateLimit"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                Vary: components["headers"]["Vary"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["ProblemDocument"] & {
                    /** @constant */
                    status?: 503;
                    /** @enum {unknown} */
                    error?: "storage_unavailable" | "storage_throttled" | "storage_forbidden" | "source_changed" | "checksums_missing" | "upload_gone" | "keys_unavailable" | "unavailable";
                };
            };
        };
        /** @description `storage_unavailable`: Storage unavailable. `storage_throttled`: Storage unavailable. `storage_forbidden`: Storage unavailable. `source_changed`: Storage unavailable. `checksums_missing`: Storage unavailable. `upload_gone`: Storage unavailable. `links_unavailable`: Links unavailable. `keys_unavailable`: Token issuer unavailable. `unavailable`: Service unavailable. */
        "503.storage_unavailable.storage_throttled.storage_forbidden.source_changed.checksums_missing.upload_gone.links_unavailable.keys_unavailable.unavailable": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Frame-Options": components["headers"]["X-Frame-Options"];
                "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                "Referrer-Policy": components["headers"]["Referrer-Policy"];
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                RateLimit: components["headers"]["RateLimit"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                Vary: components["headers"]["Vary"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["ProblemDocument"] & {
                    /** @constant */
                    status?: 503;
                    /** @enum {unknown} */
                    error?: "storage_unavailable" | "storage_throttled" | "storage_forbidden" | "source_changed" | "checksums_missing" | "upload_gone" | "links_unavailable" | "keys_unavailable" | "unavailable";
                };
            };
        };
        /** @description `keys_unavailable`: Token issuer unavailable. `unavailable`: Service unavailable. */
        "503.keys_unavailable.unavailable": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Frame-Options": components["headers"]["X-Frame-Options"];
                "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                "Referrer-Policy": components["headers"]["Referrer-Policy"];
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                RateLimit: components["headers"]["RateLimit"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                Vary: components["headers"]["Vary"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["ProblemDocument"] & {
                    /** @constant */
                    status?: 503;
                    /** @enum {unknown} */
                    error?: "keys_unavailable" | "unavailable";
                };
            };
        };
        /** @description `unavailable`: Service unavailable. */
        "503.unavailable": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Frame-Options": components["headers"]["X-Frame-Options"];
                "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                "Referrer-Policy": components["headers"]["Referrer-Policy"];
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                RateLimit: components["headers"]["RateLimit"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                Vary: components["headers"]["Vary"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["ProblemDocument"] & {
                    /** @constant */
                    status?: 503;
                    /** @enum {unknown} */
                    error?: "unavailable";
                };
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: {
        /** @description Yours if it has 1 to 128 safe characters, else a new UUID; quote it in questions. */
        "X-Request-ID": string;
        /**
         * @description Requests that you may send in a window.
         * @example 2000
         */
        "RateLimit-Limit": number;
        /**
         * @description Requests left in this window.
         * @example 1999
         */
        "RateLimit-Remaining": number;
        /**
         * @description Time until the window ends.
         * @example 60
         */
        "RateLimit-Reset": number;
        /**
         * @description `RateLimit-Limit` with the length of the window.
         * @example "default";q=2000;w=60
         */
        "RateLimit-Policy": string;
        /**
         * @description `RateLimit-Remaining` and `RateLimit-Reset`.
         * @example "default";r=1999;t=60
         */
        RateLimit: string;
        /**
         * @description The same for nearly every answer.
         * @example nosniff
         */
        "X-Content-Type-Options": string;
        /**
         * @description The same for nearly every answer.
         * @example SAMEORIGIN
         */
        "X-Frame-Options": string;
        /**
         * @description The same for nearly every answer.
         * @example max-age=31536000; includeSubDomains
         */
        "Strict-Transport-Security": string;
        /**
         * @description The same for nearly every answer.
         * @example default-src 'none'; frame-ancestors 'none'
         */
        "Content-Security-Policy": string;
        /**
         * @description The same for nearly every answer.
         * @example no-referrer
         */
        "Referrer-Policy": string;
        /**
         * @description The same for nearly every answer.
         * @example no-store
         */
        "Cache-Control": string;
        /**
         * @description Origin whose scripts may read this.
         * @example *
         */
        "Access-Control-Allow-Origin": string;
        /** @description Headers that they may read. */
        "Access-Control-Expose-Headers": string;
        /**
         * @description The answer depends on the origin.
         * @example Origin
         */
        Vary: string;
        /** @description Where to continue. */
        Location: string;
        /**
         * @description How long to wait before the next request.
         * @example 1
         */
        "Retry-After": number;
        /** @description Version of the job; send it as `If-None-Match`. Absent once the answer has links. */
        ETag: string;
        /**
         * @description Methods of this path.
         * @example GET, OPTIONS
         */
        Allow: string;
        /**
         * @description How to authenticate.
         * @example Bearer error="invalid_token"
         */
        "WWW-Authenticate": string;
        /** @description This is the answer to an earlier request with the same key. */
        "Idempotency-Replayed": "true";
        /**
         * @description Deprecated since then (RFC 9745).
         * @example @1767225600
         */
        Deprecation: string;
        /**
         * @description What to use instead.
         * @example </v1/download/initiate>; rel="successor-version"
         */
        Link: string;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    initiate: {
        parameters: {
            query?: never;
            header?: {
                /** @description Any text of your own. Requests with the same key have the effect of one. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["InitiateRequest"];
            };
        };
        responses: {
            /** @description The job is durable. */
            202: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Frame-Options": components["headers"]["X-Frame-Options"];
                    "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                    "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                    "Referrer-Policy": components["headers"]["Referrer-Policy"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                    Vary: components["headers"]["Vary"];
                    Location: components["headers"]["Location"];
                    "Retry-After": components["headers"]["Retry-After"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobStarted"];
                };
            };
            400: components["responses"]["400.invalid_request"];
            401: components["responses"]["401.unauthenticated"];
            403: components["responses"]["403.forbidden"];
            410: components["responses"]["410.job_expired"];
            413: components["responses"]["413.request_too_large.too_many_files"];
            415: components["responses"]["415.unsupported_media_type"];
            422: components["responses"]["422.idempotency_key_reused"];
            429: components["responses"]["429.too_many_requests"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.table_unavailable.queue_unavailable.keys_unavailable.unavailable"];
            504: components["responses"]["504.timeout"];
        };
    };
    status: {
        parameters: {
            query?: {
                /** @description `nextCursor` of the previous page: the index of a file. */
                cursor?: number;
                /** @description Maximum number of files in the page. */
                limit?: number;
            };
            header?: {
                /** @description `ETag` of the answer you have. */
                "If-None-Match"?: string;
            };
            path: {
                /** @description `jobId` of the job, as in the answer that started it. */
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The job and a page of its files. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Frame-Options": components["headers"]["X-Frame-Options"];
                    "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                    "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                    "Referrer-Policy": components["headers"]["Referrer-Policy"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                    Vary: components["headers"]["Vary"];
                    "Retry-After": components["headers"]["Retry-After"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobDocument"];
                };
            };
            /** @description Nothing has changed. Never for a job that has ended. */
            304: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Frame-Options": components["headers"]["X-Frame-Options"];
                    "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                    "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                    "Referrer-Policy": components["headers"]["Referrer-Policy"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                    Vary: components["headers"]["Vary"];
                    "Retry-After": components["headers"]["Retry-After"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.invalid_request"];
            401: components["responses"]["401.unauthenticated"];
            403: components["responses"]["403.forbidden"];
            404: components["responses"]["404.job_not_found.not_found"];
            410: components["responses"]["410.job_expired"];
            429: components["responses"]["429.too_many_requests"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.table_unavailable.links_unavailable.keys_unavailable.unavailable"];
            504: components["responses"]["504.timeout"];
        };
    };
    stream: {
        parameters: {
            query?: never;
            header?: {
                /** @description `id` of the last event you have; browsers send it. */
                "Last-Event-ID"?: string;
            };
            path: {
                /** @description `jobId` of the job, as in the answer that started it. */
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Events as described by the schema. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Frame-Options": components["headers"]["X-Frame-Options"];
                    "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                    "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                    "Referrer-Policy": components["headers"]["Referrer-Policy"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                    Vary: components["headers"]["Vary"];
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": components["schemas"]["StreamedEvent"];
                };
            };
            /** @description The final event was sent before: do not reconnect. */
            204: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Frame-Options": components["headers"]["X-Frame-Options"];
                    "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                    "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                    "Referrer-Policy": components["headers"]["Referrer-Policy"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                    Vary: components["headers"]["Vary"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["401.unauthenticated"];
            403: components["responses"]["403.forbidden"];
            404: components["responses"]["404.job_not_found.not_found"];
            410: components["responses"]["410.job_expired"];
            429: components["responses"]["429.too_many_requests"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.table_unavailable.keys_unavailable.secret_unavailable.unavailable"];
            504: components["responses"]["504.timeout"];
        };
    };
    download: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `jobId` of the job, as in the answer that started it. */
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Several archives or files: the list of their links. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Frame-Options": components["headers"]["X-Frame-Options"];
                    "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                    "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                    "Referrer-Policy": components["headers"]["Referrer-Policy"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                    Vary: components["headers"]["Vary"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobDocument"];
                };
            };
            /** @description Redirect to the link, which needs no credentials and expires soon. */
            302: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Frame-Options": components["headers"]["X-Frame-Options"];
                    "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                    "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                    "Referrer-Policy": components["headers"]["Referrer-Policy"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                    Vary: components["headers"]["Vary"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["401.unauthenticated"];
            403: components["responses"]["403.forbidden"];
            404: components["responses"]["404.job_not_found.not_found"];
            409: components["responses"]["409.job_not_ready"];
            410: components["responses"]["410.job_expired"];
            429: components["responses"]["429.too_many_requests"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.table_unavailable.links_unavailable.keys_unavailable.secret_unavailable.unavailable"];
            504: components["responses"]["504.timeout"];
        };
    };
    cancel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `jobId` of the job, as in the answer that started it. */
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The job is cancelled. */
            202: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Frame-Options": components["headers"]["X-Frame-Options"];
                    "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                    "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                    "Referrer-Policy": components["headers"]["Referrer-Policy"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                    Vary: components["headers"]["Vary"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobSummary"];
                };
            };
            401: components["responses"]["401.unauthenticated"];
            403: components["responses"]["403.forbidden"];
            404: components["responses"]["404.job_not_found.not_found"];
            409: components["responses"]["409.job_already_ended"];
            410: components["responses"]["410.job_expired"];
            429: components["responses"]["429.too_many_requests"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.table_unavailable.queue_unavailable.keys_unavailable.unavailable"];
            504: components["responses"]["504.timeout"];
        };
    };
    retry: {
        parameters: {
            query?: never;
            header?: {
                /** @description Any text of your own. Requests with the same key have the effect of one. */
                "Idempotency-Key"?: string;
            };
            path: {
                /** @description `jobId` of the job, as in the answer that started it. */
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The job continues. */
            202: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Frame-Options": components["headers"]["X-Frame-Options"];
                    "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                    "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                    "Referrer-Policy": components["headers"]["Referrer-Policy"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                    Vary: components["headers"]["Vary"];
                    "Retry-After": components["headers"]["Retry-After"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobSummary"];
                };
            };
            400: components["responses"]["400.invalid_request"];
            401: components["responses"]["401.unauthenticated"];
            403: components["responses"]["403.forbidden"];
            404: components["responses"]["404.job_not_found.not_found"];
            409: components["responses"]["409.nothing_to_retry"];
            410: components["responses"]["410.job_expired"];
            429: components["responses"]["429.too_many_requests"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.table_unavailable.queue_unavailable.keys_unavailable.unavailable"];
            504: components["responses"]["504.timeout"];
        };
    };
    jobs: {
        parameters: {
            query?: {
                /** @description Only jobs with this status. */
                status?: components["schemas"]["JobStatus"];
                /** @description Maximum number of jobs in the page. */
                limit?: number;
                /** @description `nextCursor` of the previous page. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of jobs. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Frame-Options": components["headers"]["X-Frame-Options"];
                    "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                    "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                    "Referrer-Policy": components["headers"]["Referrer-Policy"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                    Vary: components["headers"]["Vary"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobsPage"];
                };
            };
            400: components["responses"]["400.invalid_request"];
            401: components["responses"]["401.unauthenticated"];
            403: components["responses"]["403.forbidden"];
            429: components["responses"]["429.too_many_requests"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.table_unavailable.keys_unavailable.unavailable"];
            504: components["responses"]["504.timeout"];
        };
    };
    events: {
        parameters: {
            query?: {
                /** @description Maximum number of events in the page. */
                limit?: number;
                /** @description `nextCursor` of the previous page. */
                cursor?: string;
            };
            header?: never;
            path: {
                /** @description `jobId` of the job, as in the answer that started it. */
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of events, oldest first. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Frame-Options": components["headers"]["X-Frame-Options"];
                    "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                    "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                    "Referrer-Policy": components["headers"]["Referrer-Policy"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                    Vary: components["headers"]["Vary"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventsPage"];
                };
            };
            400: components["responses"]["400.invalid_request"];
            401: components["responses"]["401.unauthenticated"];
            403: components["responses"]["403.forbidden"];
            404: components["responses"]["404.job_not_found.not_found"];
            410: components["responses"]["410.job_expired"];
            429: components["responses"]["429.too_many_requests"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.table_unavailable.keys_unavailable.unavailable"];
            504: components["responses"]["504.timeout"];
        };
    };
    downloadFile: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `jobId` of the job, as in the answer that started it. */
                jobId: string;
                /** @description `index` of the file or archive, counted from 0. */
                number: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Redirect to the link, which needs no credentials and expires soon. */
            302: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Frame-Options": components["headers"]["X-Frame-Options"];
                    "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                    "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                    "Referrer-Policy": components["headers"]["Referrer-Policy"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                    Vary: components["headers"]["Vary"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["401.unauthenticated"];
            403: components["responses"]["403.forbidden"];
            404: components["responses"]["404.job_not_found.not_found.no_such_result"];
            409: components["responses"]["409.job_not_ready"];
            410: components["responses"]["410.job_expired"];
            429: components["responses"]["429.too_many_requests"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.table_unavailable.links_unavailable.keys_unavailable.secret_unavailable.unavailable"];
            504: components["responses"]["504.timeout"];
        };
    };
    downloadArchive: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `jobId` of the job, as in the answer that started it. */
                jobId: string;
                /** @description `index` of the file or archive, counted from 0. */
                number: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Redirect to the link, which needs no credentials and expires soon. */
            302: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Frame-Options": components["headers"]["X-Frame-Options"];
                    "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                    "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                    "Referrer-Policy": components["headers"]["Referrer-Policy"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                    Vary: components["headers"]["Vary"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["401.unauthenticated"];
            403: components["responses"]["403.forbidden"];
            404: components["responses"]["404.job_not_found.not_found.no_such_result"];
            409: components["responses"]["409.job_not_ready"];
            410: components["responses"]["410.job_expired"];
            429: components["responses"]["429.too_many_requests"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.table_unavailable.links_unavailable.keys_unavailable.secret_unavailable.unavailable"];
            504: components["responses"]["504.timeout"];
        };
    };
    check: {
        parameters: {
            query?: {
                /** @description `true` raises an error on purpose, to test error tracking. */
                sentry_test?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CheckRequest"];
            };
        };
        responses: {
            /** @description Whether the file exists. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Frame-Options": components["headers"]["X-Frame-Options"];
                    "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                    "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                    "Referrer-Policy": components["headers"]["Referrer-Policy"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                    Vary: components["headers"]["Vary"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CheckAnswer"];
                };
            };
            400: components["responses"]["400.invalid_request"];
            401: components["responses"]["401.unauthenticated"];
            403: components["responses"]["403.forbidden"];
            413: components["responses"]["413.request_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            429: components["responses"]["429.too_many_requests"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.storage_unavailable.storage_throttled.storage_forbidden.source_changed.checksums_missing.upload_gone.keys_unavailable.unavailable"];
            504: components["responses"]["504.timeout"];
        };
    };
    start: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CheckRequest"];
            };
        };
        responses: {
            /** @description The outcome. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Frame-Options": components["headers"]["X-Frame-Options"];
                    "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                    "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                    "Referrer-Policy": components["headers"]["Referrer-Policy"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                    Vary: components["headers"]["Vary"];
                    Deprecation: components["headers"]["Deprecation"];
                    Link: components["headers"]["Link"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StartAnswer"];
                };
            };
            400: components["responses"]["400.invalid_request"];
            401: components["responses"]["401.unauthenticated"];
            403: components["responses"]["403.forbidden"];
            413: components["responses"]["413.request_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            429: components["responses"]["429.too_many_requests"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.storage_unavailable.storage_throttled.storage_forbidden.source_changed.checksums_missing.upload_gone.links_unavailable.keys_unavailable.unavailable"];
            504: components["responses"]["504.timeout"];
        };
    };
    limits: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Every limit that the service enforces. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Frame-Options": components["headers"]["X-Frame-Options"];
                    "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                    "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                    "Referrer-Policy": components["headers"]["Referrer-Policy"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                    Vary: components["headers"]["Vary"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LimitsDocument"];
                };
            };
            401: components["responses"]["401.unauthenticated"];
            403: components["responses"]["403.forbidden"];
            429: components["responses"]["429.too_many_requests"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.keys_unavailable.unavailable"];
            504: components["responses"]["504.timeout"];
        };
    };
    index: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Name, version, links. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Frame-Options": components["headers"]["X-Frame-Options"];
                    "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                    "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                    "Referrer-Policy": components["headers"]["Referrer-Policy"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                    Vary: components["headers"]["Vary"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IndexDocument"];
                };
            };
            429: components["responses"]["429.too_many_requests"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.unavailable"];
            504: components["responses"]["504.timeout"];
        };
    };
    health: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Every check passed. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Frame-Options": components["headers"]["X-Frame-Options"];
                    "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                    "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                    "Referrer-Policy": components["headers"]["Referrer-Policy"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                    Vary: components["headers"]["Vary"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HealthDocument"];
                };
            };
            429: components["responses"]["429.too_many_requests"];
            500: components["responses"]["500.internal_error"];
            /** @description A check failed: it says `error`. `unavailable`: Service unavailable. */
            503: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Frame-Options": components["headers"]["X-Frame-Options"];
                    "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                    "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                    "Referrer-Policy": components["headers"]["Referrer-Policy"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                    Vary: components["headers"]["Vary"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HealthDocument"];
                    "application/problem+json": components["schemas"]["ProblemDocument"] & {
                        /** @constant */
                        status?: 503;
                        /** @enum {unknown} */
                        error?: "unavailable";
                    };
                };
            };
            504: components["responses"]["504.timeout"];
        };
    };
    openapi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OpenAPI 3.1. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Frame-Options": components["headers"]["X-Frame-Options"];
                    "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                    "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                    "Referrer-Policy": components["headers"]["Referrer-Policy"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                    Vary: components["headers"]["Vary"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            429: components["responses"]["429.too_many_requests"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.unavailable"];
            504: components["responses"]["504.timeout"];
        };
    };
    docs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Frame-Options": components["headers"]["X-Frame-Options"];
                    "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                    "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                    "Referrer-Policy": components["headers"]["Referrer-Policy"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                    Vary: components["headers"]["Vary"];
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            429: components["responses"]["429.too_many_requests"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.unavailable"];
            504: components["responses"]["504.timeout"];
        };
    };
    docsAsset: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A file of the page. */
                asset: "start.js" | "swagger-ui-bundle.js" | "swagger-ui.css";
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A script or a style sheet. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Frame-Options": components["headers"]["X-Frame-Options"];
                    "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                    "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                    "Referrer-Policy": components["headers"]["Referrer-Policy"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                    Vary: components["headers"]["Vary"];
                    [name: string]: unknown;
                };
                content: {
                    "text/*": string;
                };
            };
            404: components["responses"]["404.not_found"];
            429: components["responses"]["429.too_many_requests"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.unavailable"];
            504: components["responses"]["504.timeout"];
        };
    };
    dashboard: {
        parameters: {
            query?: never;
            header?: {
                /** @description `ETag` of the answer you have. */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page, a script, a style sheet or an image. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Frame-Options": components["headers"]["X-Frame-Options"];
                    "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                    "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                    "Referrer-Policy": components["headers"]["Referrer-Policy"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                    Vary: components["headers"]["Vary"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "text/*": string;
                };
            };
            /** @description The page that you have is current. */
            304: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Frame-Options": components["headers"]["X-Frame-Options"];
                    "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                    "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                    "Referrer-Policy": components["headers"]["Referrer-Policy"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                    Vary: components["headers"]["Vary"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            429: components["responses"]["429.too_many_requests"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.unavailable"];
            504: components["responses"]["504.timeout"];
        };
    };
    dashboardPart: {
        parameters: {
            query?: never;
            header?: {
                /** @description `ETag` of the answer you have. */
                "If-None-Match"?: string;
            };
            path: {
                /** @description A page of the dashboard, or a file of its pages. */
                part: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page, a script, a style sheet or an image. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Frame-Options": components["headers"]["X-Frame-Options"];
                    "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                    "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                    "Referrer-Policy": components["headers"]["Referrer-Policy"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                    Vary: components["headers"]["Vary"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "text/*": string;
                };
            };
            /** @description The page that you have is current. */
            304: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Frame-Options": components["headers"]["X-Frame-Options"];
                    "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                    "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                    "Referrer-Policy": components["headers"]["Referrer-Policy"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                    Vary: components["headers"]["Vary"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            404: components["responses"]["404.not_found"];
            429: components["responses"]["429.too_many_requests"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.unavailable"];
            504: components["responses"]["504.timeout"];
        };
    };
    dashboardJob: {
        parameters: {
            query?: never;
            header?: {
                /** @description `ETag` of the answer you have. */
                "If-None-Match"?: string;
            };
            path: {
                /** @description `jobId` of the job to show. */
                page: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page, a script, a style sheet or an image. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Frame-Options": components["headers"]["X-Frame-Options"];
                    "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                    "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                    "Referrer-Policy": components["headers"]["Referrer-Policy"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                    Vary: components["headers"]["Vary"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "text/*": string;
                };
            };
            /** @description The page that you have is current. */
            304: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Frame-Options": components["headers"]["X-Frame-Options"];
                    "Strict-Transport-Security": components["headers"]["Strict-Transport-Security"];
                    "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                    "Referrer-Policy": components["headers"]["Referrer-Policy"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Access-Control-Expose-Headers": components["headers"]["Access-Control-Expose-Headers"];
                    Vary: components["headers"]["Vary"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            429: components["responses"]["429.too_many_requests"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.unavailable"];
            504: components["responses"]["504.timeout"];
        };
    };
    jobEnded: {
        parameters: {
            query?: never;
            header: {
                /** @description The same for every attempt, so that a receiver can drop what it has seen. */
                "webhook-id": string;
                /** @description Time of this attempt, in seconds since 1970. */
                "webhook-timestamp": string;
                /** @description `v1,` and the base64 of an HMAC-SHA-256; several, separated by spaces, while secrets rotate. */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["JobEnded"];
            };
        };
        responses: {
            /** @description Send no more of this job. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Received. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Send it again later. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
}
