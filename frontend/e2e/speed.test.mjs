// 100,000 files, scrolled from end to end; what the first load weighs; how far the layout shifts. Figures are printed.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { openBrowser, until } from "./browser.mjs";
import { startStack } from "./stack.mjs";

const FILES = 100_000;
const BUDGET = 200 * 1000; // bytes of JavaScript on first load, gzipped
const DIST = new URL("../dist/", import.meta.url);
const JOB = "6f6b0f9e-0000-4000-8000-000000000001";

/** The answer of the API for a job of 100,000 files, of which each hundredth is missing. */
function status(url) {
  const query = new URL(url).searchParams;
  const [first, limit] = [Number(query.get("cursor") ?? 0), Number(query.get("limit") ?? 1000)];
  const files = Array.from({ length: Math.min(limit, FILES - first) }, (_, n) => {
    const index = first + n;
    const missing = index % 100 === 99;
    return {
      index,
      id: null,
      key: `downloads/plots/2026/plot-${String(index).padStart(6, "0")}/measurements.parquet`,
      state: missing ? "missing" : "available",
      size: missing ? null : 1000 + index,
      reason: missing ? "not_found" : null,
      address: `${new URL(url).origin}/lorry/v1/download/${JOB}/files/${index}`,
    };
  });
  const at = "2026-01-01T00:00:00.000Z";
  const job = { jobId: JOB, status: "ready", stage: null, progress: 100, duplicates: 0, archive: null, error: null };
  const numbers = { processed: FILES, total: FILES, totalFileIds: FILES, bytes: { total: 1, done: 1 } };
  const counts = { available: 99_000, missing: 1_000, failed: 0, folders: 0 };
  const asked = { label: null, request: { by: "keys", count: FILES, prefix: null } };
  const times = { createdAt: at, updatedAt: at, finishedAt: at, expiresAt: "2099-01-01T00:00:00.000Z" };
  const rest = {
    links: { status: "" },
    resultUrls: null,
    linksExpireAt: null,
    nextCursor: null,
    archives: [],
    ticket: null,
  };
  return { ...job, ...asked, ...numbers, counts, ...times, ...rest, files };
}

describe("speed", () => {
  let stack, browser, page;
  before(async () => {
    stack = await startStack();
    browser = await openBrowser();
    page = browser.page;
  });
  after(async () => {
    await browser?.close();
    await stack?.stop();
  });

  test("the first load has less than 200 KB of JavaScript", async () => {
    const loaded = [];
    page.on("response", (response) => loaded.push(new URL(response.url()).pathname.split("/").at(-1)));
    await page.goto(stack.dashboard);
    await page.getByText("No downloads yet").waitFor();
    const size = (name) => gzipSync(readFileSync(new URL(name, DIST)), { level: 9 }).length;
    const scripts = readdirSync(DIST).filter((name) => name.endsWith(".js") && loaded.includes(name));
    const total = scripts.reduce((sum, name) => sum + size(name), 0);
    console.log(`figures: ${total} bytes of JavaScript on first load, gzipped, in ${scripts.length} files`);
    assert.ok(scripts.length > 0 && total < BUDGET, `${total} bytes`);
  });

  test("100,000 files are scrolled end to end, and few rows exist at a time", async () => {
    await page.route(`**/v1/download/status/${JOB}**`, (route) =>
      route.fulfill({ json: status(route.request().url()) }),
    );
    await page.goto(`${stack.dashboard}/jobs/${JOB}`);
    const row = (number) => page.getByText(`plot-${String(number - 1).padStart(6, "0")}/`, { exact: false });
    await row(1).waitFor();
    const frames = await page.evaluate(async () => {
      const scroller = document.querySelector('[role="rowgroup"][tabindex="0"]');
      const end = scroller.scrollHeight - scroller.clientHeight;
      const times = [];
      let most = 0;
      const STEPS = 600;
      let last = performance.now();
      for (let step = 1; step <= STEPS; step++) {
        scroller.scrollTop = (end * step) / STEPS;
        const now = await new Promise((resolve) => requestAnimationFrame(resolve));
        times.push(now - last);
        last = now;
        most = Math.max(most, scroller.querySelectorAll('[role="row"]').length);
      }
      return { times: times.toSorted((a, b) => a - b), most };
    });
    await row(FILES).waitFor();
    const at = (share) => frames.times[Math.floor((frames.times.length - 1) * share)].toFixed(1);
    console.log(`figures: frames of ${FILES} files: median ${at(0.5)} ms, 95% ${at(0.95)} ms, longest ${at(1)} ms`);
    assert.ok(frames.most < 100, `${frames.most} rows exist`);
  });

  test("those of 100,000 that are missing are found", async () => {
    await page.getByRole("button", { name: /^Missing/ }).click();
    await page.getByText("1,000 found", { exact: true }).waitFor();
    await page.getByLabel("Id, key or reason").fill("plot-099");
    await page.getByText("10 found", { exact: true }).waitFor();
  });

  test("nothing shifts while a job runs", async () => {
    const jobId = await stack.initiate({
      file_ids: Array.from({ length: 3_000 }, (_, n) => 70_000 + n),
      archive: true,
    });
    await page.addInitScript(() => {
      globalThis.shifts = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) globalThis.shifts += entry.value;
      }).observe({ type: "layout-shift", buffered: true });
    });
    await page.goto(`${stack.dashboard}/jobs/${jobId}`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.evaluate(() => (globalThis.shifts = 0));
    const running = () => page.getByRole("button", { name: "Cancel" }).isVisible();
    let shifts = 0;
    await until("the end of the job", async () => {
      const found = await page.evaluate(() => globalThis.shifts);
      if (!(await running())) return true;
      shifts = found;
      return false;
    });
    console.log(`figures: layout shift while a job ran: ${shifts.toFixed(4)}`);
    assert.ok(shifts < 0.01, String(shifts));
  });
});
