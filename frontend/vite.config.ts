import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vitest/config";

/** In development, the stack whose API the pages call: LORRY_API=http://127.0.0.1:4566/lorry npm run dev */
const api = new URL(process.env.LORRY_API ?? "http://127.0.0.1:4566/lorry");

/** Paths of the page are the server's to decide: it puts the path of the API in place of BASE. */
function addressesForTheServer(): Plugin {
  return {
    name: "addresses-for-the-server",
    apply: "build",
    transformIndexHtml: { order: "post", handler: (html) => html.replaceAll('="./', '="BASE/dashboard/') },
  };
}

export default defineConfig({
  base: "./",
  plugins: [react(), tailwindcss(), addressesForTheServer()],
  build: {
    assetsDir: "",
    assetsInlineLimit: 0, // the policy of the page allows no data: but images
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    target: "es2022",
  },
  server: { proxy: { "/v1": { target: api.origin, rewrite: (path) => api.pathname.replace(/\/$/, "") + path } } },
  test: { include: ["src/**/*.test.{ts,tsx}"] },
});
