import { lastTraceId } from "./api/trace";
import { config } from "./config";

/** Where errors of this page itself go: to Sentry if the deployment names a project, and nowhere else. */
let report: ((error: unknown) => void) | null = null;

/** Errors that a page shows in place of its content. */
export function reportFault(error: unknown): void {
  report?.(error);
}

/** Loads Sentry's client where it is wanted; without a DSN it is not part of what is loaded. */
export async function watchFaults(): Promise<void> {
  if (!config.sentryDsn) return;
  const sentry = await import("./sentry");
  sentry.init({
    dsn: config.sentryDsn,
    release: `lorry@${config.version}`,
    defaultIntegrations: false,
    integrations: [sentry.globalHandlersIntegration(), sentry.dedupeIntegration()],
    sendClientReports: false,
    beforeSend: (event) => ({
      ...event,
      // Neither queries, which may hold a ticket, nor headers; the path says which page it was.
      request: { url: location.origin + location.pathname },
      tags: { ...event.tags, trace_id: lastTraceId() },
    }),
  });
  report = (error) => sentry.captureException(error);
}
