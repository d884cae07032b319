import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ApiError } from "./api/problems";
import { session } from "./auth/session";
import { router } from "./routes";
import "./styles.css";
import { readTheme, setTheme } from "./ui/theme";

setTheme(readTheme());

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      // What is temporary is tried again; a request that was refused would be refused again.
      retry: (failures, error) => error instanceof ApiError && error.temporary && error.status !== 429 && failures < 2,
      retryDelay: (failures, error) =>
        error instanceof ApiError && error.retryAfter !== null ? error.retryAfter * 1000 : 500 * 2 ** failures,
    },
  },
});
session.subscribe(() => {
  if (session.state === "signed-in") void queries.invalidateQueries();
  if (session.state === "signed-out") queries.clear(); // nothing of one account is shown to the next
});

const place = document.querySelector("#root");
if (place) {
  void session.resume().then(() =>
    createRoot(place).render(
      <StrictMode>
        <QueryClientProvider client={queries}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </StrictMode>,
    ),
  );
}
