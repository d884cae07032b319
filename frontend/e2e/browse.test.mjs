// A person who does not know the names: opens folders, ticks files or takes a folder, and downloads that.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { assertAccessible, openBrowser } from "./browser.mjs";
import { startStack } from "./stack.mjs";

const HOSTILE = ['<img src=x onerror="window.hacked=1">.txt', "invoice\u202egnp.exe", `${"\u00e4".repeat(400)}.tif`];
const HOSTILE_FOLDER = "downloads/browse/2026/<b>\u202efolder/";
const LONG_FOLDER = "downloads/browse/2026/a-folder-whose-name-is-longer-than-what-a-phone-shows-in-one-line/";
const MANY = 205; // more than one page

describe("browsing", () => {
  let stack, browser, page;
  before(async () => {
    stack = await startStack();
    for (const name of ["a.txt", "b & c?.txt", "cold.txt", ...HOSTILE])
      await stack.put(`downloads/browse/2026/${name}`, "12345");
    for (const folder of [LONG_FOLDER, HOSTILE_FOLDER]) await stack.put(`${folder}d.txt`, "123");
    for (let n = 0; n < MANY; n++) await stack.put(`downloads/browse/many/${String(n).padStart(4, "0")}.txt`, "1");
    browser = await openBrowser();
    page = browser.page;
    await page.route("**/v1/objects?**", async (route) => {
      const answer = await route.fetch(); // the emulator has no cold storage
      const listed = await answer.json();
      for (const one of listed.objects ?? []) one.archived = one.key.endsWith("/cold.txt");
      await route.fulfill({ response: answer, json: listed });
    });
  });
  after(async () => {
    await browser?.close();
    await stack?.stop();
  });
  beforeEach(() => browser.complaints.splice(0));

  const store = () => page.getByRole("region", { name: "Browse the store" });
  const openFolder = async (...names) => {
    for (const name of names)
      await store()
        .getByRole("button", { name: `Open ${name}`, exact: true })
        .click();
  };
  const openStore = async () => {
    await page.goto(stack.dashboard); // leaving the form keeps what was in it
    await page.evaluate(() => sessionStorage.clear());
    await page.goto(`${stack.dashboard}/new`);
    await page.getByRole("tab", { name: "Browse" }).click();
    await store().getByRole("button", { name: /^Open/ }).first().waitFor();
  };
  const start = async () => {
    await page.getByRole("button", { name: "Start download" }).click();
    await page.waitForURL(/\/jobs\//);
    return stack.ended(page.url().split("/").at(-1));
  };
  const here = () => store().locator("[aria-current=location]");

  test("two folders down, by keyboard, two files are ticked and become a job that is ready", async () => {
    await openStore();
    await store().getByRole("button", { name: "Open browse/" }).focus();
    await page.keyboard.press("Enter");
    await store().getByRole("button", { name: "Open 2026/" }).waitFor();
    assert.equal(await here().innerText(), "browse/");
    assert.ok(await here().evaluate((element) => element === document.activeElement));
    await store().getByRole("button", { name: "Open 2026/" }).focus();
    await page.keyboard.press("Enter");
    await store().getByLabel("Tick a.txt").focus();
    await page.keyboard.press("Space");
    await store().getByLabel("Tick b & c?.txt").focus();
    await page.keyboard.press("Enter"); // ticks, and does not send the form
    await store().getByText("2 files ticked, 10\u00a0B").waitFor();
    await page.reload();
    await store().getByText("2 files ticked, 10\u00a0B").waitFor();
    assert.ok(await store().getByLabel("Tick a.txt").isChecked());
    const job = await start();
    assert.equal(job.status, "ready");
    assert.deepEqual(job.files.map((file) => file.key).toSorted(), [
      "downloads/browse/2026/a.txt",
      "downloads/browse/2026/b & c?.txt",
    ]);
    assert.deepEqual(browser.complaints, []);
  });

  test("a folder is taken with everything below it, in place of files that were ticked", async () => {
    await openStore();
    await openFolder("browse/");
    await store().getByRole("button", { name: "Open many/" }).waitFor();
    await openFolder("2026/");
    await store().getByLabel("Tick a.txt").check();
    await store().getByRole("button", { name: "browse/", exact: true }).click();
    await store().getByRole("button", { name: "Take all below downloads/browse/many/" }).click();
    await store().getByText("in place of the 1 file ticked, 5\u00a0B").waitFor();
    await assertAccessible(page, "a folder that is taken");
    await store().getByRole("button", { name: "Tick files instead" }).click();
    await store().getByText("1 file ticked").waitFor();
    await store().getByRole("button", { name: "Take all below downloads/browse/many/" }).click();
    const job = await start();
    assert.equal(job.status, "ready");
    assert.equal(job.total, MANY);
    assert.equal(job.request.prefix, "downloads/browse/many/");
  });

  test("a folder of more than one page is read on, and ticked at once", async () => {
    await openStore();
    await openFolder("browse/", "many/");
    await store().getByText("200 files so far").waitFor();
    await store().getByRole("button", { name: "Load more" }).click();
    await store().getByText(`0 folders, ${MANY} files`, { exact: true }).waitFor();
    assert.ok(
      await store()
        .getByLabel("Tick 0200.txt")
        .evaluate((element) => element === document.activeElement),
    );
    await store().getByLabel(`Tick the ${MANY} files that are shown`).check();
    await store().getByText(`${MANY} files ticked`).waitFor();
    await store().getByRole("button", { name: "Untick all" }).click();
    await page.getByText("Tick some files, or take a folder.").waitFor();
    assert.equal(await page.getByRole("button", { name: "Start download" }).isDisabled(), true);
  });

  test("archived files say why they cannot be ticked; hostile names do nothing; both fit a phone, in both themes", async () => {
    for (const [colorScheme, width] of [
      ["light", 1280],
      ["light", 360],
      ["dark", 1280],
      ["dark", 360],
    ]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 800 });
      await openStore();
      await openFolder("browse/", "2026/");
      await store().getByText("Archived", { exact: true }).waitFor();
      await store().getByText("Archived files are in cold storage").waitFor();
      assert.equal(await store().getByLabel("Tick cold.txt").count(), 0);
      await store().getByText("U+202E").first().waitFor();
      await store().getByText(HOSTILE[0]).waitFor();
      await store().getByLabel("Tick a.txt").check();
      assert.equal(await page.evaluate(() => globalThis.hacked), undefined);
      const wide = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      assert.ok(wide <= 0, `${wide} px too wide at ${width}`);
      await assertAccessible(page, `browsing, ${colorScheme}, ${width} px`);
      if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/${colorScheme}-${width}.png` });
      await store()
        .getByRole("button", { name: /Open <b>/ })
        .click();
      await here().getByText("U+202E").waitFor();
      await assertAccessible(page, `a hostile folder, ${colorScheme}, ${width} px`);
    }
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize({ width: 1280, height: 900 });
    assert.deepEqual(browser.complaints, []);
  });

  for (const [status, says] of [
    [401, "Sign in to continue"],
    [403, "Access refused"],
    [429, "Too many requests"],
    [503, "Service temporarily unavailable"],
    [0, "Cannot reach the service"],
  ]) {
    test(`${status || "no answer"} is explained, and folders are shown once it is over`, async () => {
      await openStore();
      const fail = (route) =>
        status === 0
          ? route.abort()
          : route.fulfill({
              status,
              contentType: "application/problem+json",
              headers: { "Retry-After": "1" },
              body: JSON.stringify({ title: "T", status, detail: "D", error: "e", requestId: "r" }),
            });
      await page.route("**/v1/objects?**", fail);
      await openFolder("browse/");
      await store().getByRole("heading", { name: says }).waitFor();
      await assertAccessible(page, `an answer ${status}`);
      await page.unroute("**/v1/objects?**", fail);
      if (status === 401) return;
      if (status === 403) await store().getByRole("button", { name: "Try again" }).click();
      await store().getByRole("button", { name: "Open 2026/" }).waitFor();
    });
  }

  test("without a connection the page says so, and continues once there is one", async () => {
    await openStore();
    await browser.context.setOffline(true);
    await openFolder("browse/");
    await store().getByRole("heading", { name: "Cannot reach the service" }).waitFor();
    await browser.context.setOffline(false);
    await store().getByRole("button", { name: "Open 2026/" }).waitFor();
  });
});
