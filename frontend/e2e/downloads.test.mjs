// A person at work: starts downloads, watches them, fetches the results, cancels, retries.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { assertAccessible, openBrowser, until } from "./browser.mjs";
import { PYTHON, run, startStack } from "./stack.mjs";

const HOSTILE = [
  '<img src=x onerror="window.hacked=1">.txt',
  "invoice\u202egnp.exe",
  "line\u2028break\u200b.txt",
  `${"\u00e4".repeat(480)}.tif`,
];

describe("downloads", () => {
  let stack, browser, page;
  before(async () => {
    stack = await startStack({ MaxReceiveCount: 2, ParkReceiveCount: 4, RetryBaseSeconds: 0.2, RetryCapSeconds: 0.5 });
    browser = await openBrowser();
    page = browser.page;
  });
  after(async () => {
    await browser?.close();
    await stack?.stop();
  });
  beforeEach(() => browser.complaints.splice(0));

  const newDownload = async (names, { zip = "" } = {}) => {
    await page.goto(`${stack.dashboard}/new`);
    await page.getByLabel("Ids, ranges or keys").fill(names);
    if (zip) await page.getByLabel("Name of the ZIP").fill(zip);
    await page.getByRole("button", { name: "Start download" }).click();
    await page.waitForURL(/\/jobs\//);
    return page.url().split("/").at(-1);
  };
  const row = (text) => page.getByRole("row", { name: new RegExp(text) });
  const status = (text) => page.locator("header", { has: page.locator("h1") }).getByText(text, { exact: true });

  test("an empty list says how to begin", async () => {
    await page.goto(stack.dashboard);
    await page.getByText("No downloads yet").waitFor();
    await assertAccessible(page, "the empty list");
    assert.deepEqual(browser.complaints, []);
  });

  test("ids become a ZIP that opens, with what is missing named first", async () => {
    await newDownload("70000-70004\n79999", { zip: "photos" });
    await status("Ready").waitFor();
    assert.match(await page.title(), /^Ready . photos\.zip/);
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("region", { name: "Archives" }).getByRole("button", { name: "Download" }).click(),
    ]);
    assert.equal(download.suggestedFilename(), "photos.zip");
    const listed = await run(PYTHON, ["-m", "zipfile", "-t", await download.path()]);
    assert.match(listed, /Done testing/);
    const first = page.getByRole("table", { name: "Files of this download" }).getByRole("row").nth(1);
    await first.getByText("Missing").waitFor();
    assert.match(await first.innerText(), /79999/);
    await assertAccessible(page, "a job that is ready");
    assert.deepEqual(browser.complaints, []);
  });

  test("a single file is fetched by a link made when it is clicked", async () => {
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Download file 70001" }).click(),
    ]);
    assert.ok((await download.path()).length > 0);
  });

  test("the history shows the steps to scale and every event", async () => {
    await page.getByRole("tab", { name: "History" }).click();
    const trail = page.getByRole("list", { name: "Audit trail" });
    for (const event of ["Accepted", "A worker began", "Ready"])
      await trail.getByText(event, { exact: true }).waitFor();
    await page.getByRole("region", { name: "Steps to scale" }).getByText("Checking files").waitFor();
    await assertAccessible(page, "the history");
  });

  test("a file of names is read, and lines that are wrong are named", async () => {
    const folder = mkdtempSync(join(tmpdir(), "lorry-names-"));
    writeFileSync(join(folder, "ids.txt"), "70000\r\n# a comment\r\n12\r\n70000-70002\r\n");
    await page.goto(`${stack.dashboard}/new`);
    await page.getByLabel("Ids, ranges or keys").fill("");
    await page.getByLabel("File with ids or keys").setInputFiles(join(folder, "ids.txt"));
    await page.getByRole("alert", { name: "Lines to correct" }).getByText("Line 3").waitFor();
    rmSync(folder, { recursive: true });
    assert.equal(await page.getByRole("button", { name: "Start download" }).getAttribute("aria-disabled"), "true");
    await page.getByLabel("Ids, ranges or keys").fill("70000\n70000-70002");
    await page.getByText("1, kept once").waitFor();
    for (const [tab, text] of [
      ["curl", '"file_ids":[70000,70001,70002]'],
      ["Python", "lorry.start(file_ids=[70000, 70001, 70002]"],
      ["Command line", "70000-70002"],
    ]) {
      await page.getByRole("tab", { name: tab, exact: true }).click();
      await page.getByLabel(`Request with ${tab}`, { exact: true }).getByText(text).waitFor();
    }
    await page.reload();
    assert.equal(await page.getByLabel("Ids, ranges or keys").inputValue(), "70000\n70000-70002");
    await assertAccessible(page, "the form");
    assert.deepEqual(browser.complaints, []);
  });

  test("hostile names are shown, do nothing, and break no layout", async () => {
    const keys = HOSTILE.map((name) => `downloads/hostile/${name}`);
    for (const key of keys) await stack.put(key, "content");
    const jobId = await stack.initiate({ prefix: "downloads/hostile/", archive: { filename: "a<b>&amp;.zip" } });
    await stack.ended(jobId);
    for (const width of [1280, 360]) {
      await page.setViewportSize({ width, height: 800 });
      await page.goto(`${stack.dashboard}/jobs/${jobId}`);
      await page.getByText("U+202E").first().waitFor();
      await page.getByText('<img src=x onerror="window.hacked=1">.txt').first().waitFor();
      assert.equal(await page.evaluate(() => globalThis.hacked), undefined);
      const wide = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      assert.ok(wide <= 0, `${wide} px too wide at ${width}`);
      await assertAccessible(page, `hostile names at ${width} px`);
      await page.goto(stack.dashboard);
      await page.getByText("a<b>&amp;.zip").first().waitFor();
      const list = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      assert.ok(list <= 0, `the list is ${list} px too wide at ${width}`);
    }
    await page.setViewportSize({ width: 1280, height: 900 });
  });

  test("a running job is followed live, survives a reload and a lost connection, and is cancelled by keyboard", async () => {
    const jobId = await newDownload("80000-99999");
    const live = page.locator("button[data-way]");
    await until("a live connection", async () =>
      ["websocket", "events"].includes((await live.getAttribute("data-way").catch(() => null)) ?? ""),
    );
    await page.reload();
    await page.getByRole("button", { name: "Cancel" }).waitFor();
    await browser.context.setOffline(true);
    await page.getByText("You are offline").waitFor();
    await browser.context.setOffline(false);
    await page.getByText("You are offline").waitFor({ state: "detached" });
    await assertAccessible(page, "a running job");
    await page.getByRole("button", { name: "Cancel" }).focus();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "Cancel this download?" });
    await dialog.waitFor();
    await assertAccessible(page, "the question");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    await page.keyboard.press("Enter");
    await dialog.getByRole("button", { name: "Cancel", exact: true }).focus();
    await page.keyboard.press("Enter");
    await status("Cancelled").waitFor();
    assert.equal((await stack.ended(jobId)).status, "cancelled");
  });

  test("without WebSockets events are streamed, and without streams the job is polled", async () => {
    const jobId = await stack.initiate({ file_ids: Array.from({ length: 20_000 }, (_, n) => 100_000 + n) });
    const way = (name) => page.locator(`button[data-way="${name}"]`);
    await page.addInitScript(() => {
      globalThis.WebSocket = class extends EventTarget {
        constructor() {
          super();
          setTimeout(() => this.dispatchEvent(new Event("close")), 0);
        }
        close() {}
      };
    });
    await page.goto(`${stack.dashboard}/jobs/${jobId}`);
    await way("events").waitFor();
    await page.route("**/v1/download/stream/**", (route) => route.fulfill({ status: 429, body: "" }));
    await page.reload();
    await way("polling").waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel", exact: true }).click();
    await status("Cancelled").waitFor();
  });

  test("several jobs are found by a filter and cancelled at once", async () => {
    await page.close();
    page = await browser.context.newPage(); // one that has WebSockets
    const ids = (from) => Array.from({ length: 5_000 }, (_, n) => from + n);
    for (const from of [300_000, 310_000, 320_000]) await stack.initiate({ file_ids: ids(from) });
    await page.goto(`${stack.dashboard}?q=single`);
    await page.getByLabel("Select all that are shown").check();
    const bar = page.getByRole("region", { name: "Actions on selected downloads" });
    await bar.getByRole("button", { name: /^Cancel/ }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Cancel", exact: true }).click();
    await dialog.getByText(/cancelled/).waitFor();
    await assertAccessible(page, "a batch");
    await dialog.getByRole("button", { name: "Close" }).click();
    await dialog.waitFor({ state: "hidden" });
  });

  test("a job that the store failed is retried once the store is back", async () => {
    await stack.removeStore();
    const jobId = await stack.initiate({ file_ids: [70_000], archive: { filename: "retried.zip" } });
    await page.goto(`${stack.dashboard}/jobs/${jobId}`);
    await status("Failed").waitFor();
    await assertAccessible(page, "a job that failed");
    await stack.makeStore();
    await stack.put("downloads/70000.zip", "content");
    await page.getByRole("button", { name: "Retry" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Retry" }).click();
    await status("Ready").waitFor();
    await page.getByRole("region", { name: "Archives" }).getByText("retried.zip").waitFor();
  });

  test("the list follows its jobs, and its filters stay in the address", async () => {
    await page.goto(stack.dashboard);
    await stack.initiate({ file_ids: [70000], archive: { filename: "seen in the list.zip" } });
    await row("seen in the list").getByText("Ready").waitFor();
    await page.getByLabel("Name, id or error").fill("seen in");
    await page.waitForURL(/q=seen/);
    await page.reload();
    assert.equal(await page.getByLabel("Name, id or error").inputValue(), "seen in");
    await row("seen in the list").waitFor();
    assert.equal(await page.locator("tbody tr").count(), 1);
  });

  test("axe finds nothing on any page, in both themes, on a desk and on a phone", async () => {
    const jobId = await stack.initiate({ file_ids: [70000, 79999], archive: { filename: "checked.zip" } });
    await stack.ended(jobId);
    const PAGES = [
      ["", () => row("checked.zip")],
      [
        `/jobs/${jobId}`,
        () => page.getByRole("table", { name: "Files of this download" }).getByText("Missing").first(),
      ],
      ["/new", () => page.getByLabel("Ids, ranges or keys")],
    ];
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      for (const width of [1280, 360]) {
        await page.setViewportSize({ width, height: 800 });
        for (const [path, seen] of PAGES) {
          await page.goto(stack.dashboard + path);
          await seen().first().waitFor();
          await assertAccessible(page, `${path || "the list"}, ${colorScheme}, ${width} px`);
        }
      }
    }
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize({ width: 1280, height: 900 });
  });

  test("a restart of the stack is survived", async () => {
    await page.goto(stack.dashboard);
    await row("seen in the list").waitFor();
    await stack.restart(); // how an outage looks while it lasts: errors.test.mjs
    await stack.initiate({ file_ids: [70000], archive: { filename: "after the restart.zip" } });
    await row("after the restart").waitFor();
  });
});
