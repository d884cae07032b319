import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider, type AnyRouter } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ApiError } from "./api/problems";
import { session } from "./auth/session";
import { watchFaults } from "./faults";
import "./styles.css";
import { readTheme, setTheme } from "./ui/theme";

/** Draws the pages of a router: what every entry (main.tsx, and others beside it) ends with. */
export async function mount(router: AnyRouter): Promise<void> {
  setTheme(readTheme());
  void watchFaults();
  const queries = queryClient();
  session.subscribe(() => {
    if (session.state === "signed-in") void queries.invalidateQueries();
    if (session.state === "signed-out") queries.clear(); // nothing of one account is shown to the next
  });
  await session.resume();
  const place = document.querySelector("#root");
  if (!place) throw new Error("the document has no element #root");
  createRoot(place).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  );
}

function queryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 2_000,
        // What is temporary is tried again; a request that was refused would be refused again.
        retry: (failures, error) =>
          error instanceof ApiError && error.temporary && error.status !== 429 && failures < 2,
        retryDelay: (failures, error) =>
          error instanceof ApiError && error.retryAfter !== null ? error.retryAfter * 1000 : 500 * 2 ** failures,
      },
    },
  });
}
