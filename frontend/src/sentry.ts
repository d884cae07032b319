// Named here, so that the build leaves out the rest of Sentry's client: replays, profiles, feedback forms.
export { captureException, dedupeIntegration, globalHandlersIntegration, init } from "@sentry/browser";
