// Debian's Chromium under playwright-core, which downloads no browser of its own.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";

const PATIENCE_MS = 180_000; // of a loaded machine; what takes so long has failed
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", // what is not on this machine cannot be loaded
];

/** A browser with a profile of its own. `complaints` are what it wrote into its console. */
export async function openBrowser(options = {}) {
  const profile = mkdtempSync(join(tmpdir(), "lorry-chromium-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: chromiumOnPath(),
    headless: true,
    args: ARGUMENTS,
    viewport: { width: 1280, height: 900 },
    acceptDownloads: true,
    ...options,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  context.setDefaultNavigationTimeout(PATIENCE_MS);
  const complaints = [];
  const listen = (page) => {
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
  };
  context.pages().forEach(listen);
  context.on("page", listen);
  const page = context.pages()[0] ?? (await context.newPage());
  return {
    context,
    page,
    complaints,
    async close() {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

function chromiumOnPath() {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const places = ["chromium", "chromium-browser", "google-chrome"].flatMap((name) =>
    folders.map((one) => join(one, name)),
  );
  const found = places.find(existsSync);
  if (!found) throw new Error("Chromium is not installed: apt-get install chromium");
  return found;
}

/** Fails with what axe finds in the page as it stands. */
export async function assertAccessible(page, where) {
  await page.evaluate(() => {
    const ending = document.getAnimations().filter((one) => one.effect?.getComputedTiming().iterations !== Infinity);
    return Promise.all(ending.map((one) => one.finished.catch(() => {}))); // what fades in has less contrast meanwhile
  });
  // By the debugger's protocol: the policy of the page runs no script that is not its own.
  await page.evaluate(AXE);
  const found = await page.evaluate(() =>
    globalThis.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }),
  );
  const lines = found.violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.html.slice(0, 160)} ${node.failureSummary}`),
  );
  assert.deepEqual(lines, [], where);
}

/** Waits until the condition holds; its value. */
export async function until(what, condition) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`${what}: not within ${PATIENCE_MS / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
