import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { useEffect } from "react";
import { ApiError } from "./api/problems";
import { config } from "./config";
import { reportFault } from "./faults";
import { filtersOf } from "./jobs/filters";
import { JobsPage } from "./jobs/JobsPage";
import { Empty } from "./ui/basics";
import { Layout } from "./ui/Layout";
import { Problem } from "./ui/problem";

function Fault({ error }: { error: unknown }) {
  useEffect(() => {
    if (!(error instanceof ApiError)) reportFault(error);
  }, [error]);
  return <Problem error={error} />;
}

const root = createRootRoute({
  component: Layout,
  notFoundComponent: () => <Empty title="There is no such page">Look for your job in the list of downloads.</Empty>,
  errorComponent: ({ error }) => <Fault error={error} />,
});

export const jobsRoute = createRoute({
  getParentRoute: () => root,
  path: "/",
  validateSearch: filtersOf,
  component: JobsPage,
});

export const newRoute = createRoute({
  getParentRoute: () => root,
  path: "/new",
  component: lazyRouteComponent(() => import("./start/NewPage"), "NewPage"),
});

export const jobRoute = createRoute({
  getParentRoute: () => root,
  path: "/jobs/$jobId",
  component: lazyRouteComponent(() => import("./job/JobPage"), "JobPage"),
});

export const router = createRouter({
  routeTree: root.addChildren([jobsRoute, newRoute, jobRoute]),
  basepath: config.root,
  defaultPreload: "intent",
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
