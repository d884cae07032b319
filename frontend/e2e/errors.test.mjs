// What a reader sees when something is wrong, and what they can do about it.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { assertAccessible, openBrowser, until } from "./browser.mjs";
import { AUDIENCE, CLIENT, startIssuer } from "./issuer.mjs";
import { startSentry } from "./sentry.mjs";
import { startStack } from "./stack.mjs";

const problem = (status, error, more = {}) => ({
  status,
  contentType: "application/problem+json",
  headers: more,
  body: JSON.stringify({ title: "T", status, detail: `detail of ${status}`, error, requestId: `request-${status}` }),
});

describe("with sign-in", () => {
  let stack, issuer, sentry, browser, page;
  before(async () => {
    issuer = await startIssuer();
    sentry = await startSentry();
    stack = await startStack({
      AuthMode: "jwt",
      AllowAnonymous: "false",
      AuthIssuer: issuer.url,
      AuthAudience: AUDIENCE,
      AuthClientId: CLIENT,
      DashboardSentryDsn: sentry.dsn,
    });
    browser = await openBrowser();
    page = browser.page;
  });
  after(async () => {
    await browser?.close();
    await stack?.stop();
    await issuer?.stop();
    await sentry?.stop();
  });

  const signIn = async (user, path = "") => {
    issuer.user = user;
    await page.goto(stack.dashboard + path);
    const exchanged = page.waitForResponse((response) => response.url().endsWith("/token"));
    await page.getByRole("button", { name: "Sign in" }).click();
    await exchanged;
    await page.getByRole("region", { name: "Sign in" }).waitFor({ state: "hidden" });
  };

  test("a caller signs in by PKCE, comes back to the page, and the token is stored nowhere", async () => {
    await page.goto(`${stack.dashboard}/new`);
    await page.getByRole("button", { name: "Sign in" }).waitFor();
    await assertAccessible(page, "signing in");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByLabel("Ids, ranges or keys").waitFor();
    assert.ok(page.url().endsWith("/dashboard/new"), page.url());
    assert.equal(issuer.exchanges.length, 1);
    const stored = await page.evaluate(() =>
      JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]),
    );
    assert.doesNotMatch(stored, /eyJ/);
  });

  test("a job is followed and its ZIP fetched with tickets", async () => {
    await page.getByLabel("Ids, ranges or keys").fill("70000-70002");
    await page.getByLabel("Name of the ZIP").fill("of alice");
    await page.getByRole("button", { name: "Start download" }).click();
    await page.getByRole("region", { name: "Archives" }).waitFor();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("region", { name: "Archives" }).getByRole("button", { name: "Download" }).click(),
    ]);
    assert.equal(download.suggestedFilename(), "of alice.zip");
  });

  test("two callers see nothing of each other", async () => {
    const job = page.url();
    await signIn("bob");
    await page.getByText("No downloads yet").waitFor();
    await signIn("bob", job.slice(stack.dashboard.length));
    await page.getByText("No such job").waitFor();
    await signIn("alice");
    await page.getByRole("link", { name: "of alice.zip" }).waitFor();
  });

  for (const [status, error, says] of [
    [401, "unauthenticated", "Sign in to continue"],
    [403, "forbidden", "Access refused"],
    [410, "job_expired", "This job has expired"],
    [429, "too_many_requests", "Too many requests"],
    [503, "table_unavailable", "Service temporarily unavailable"],
  ]) {
    test(`${status} is explained, with what to do`, async () => {
      await signIn("alice");
      const path = status === 410 ? "**/v1/download/status/**" : "**/v1/download/jobs**";
      await page.route(path, (route) => route.fulfill(problem(status, error, { "Retry-After": "1" })));
      await page.getByRole("link", { name: status === 410 ? "of alice.zip" : "New download" }).click();
      if (status !== 410) await page.getByRole("link", { name: "Downloads", exact: true }).click();
      await page.getByRole("heading", { name: says }).first().waitFor();
      await assertAccessible(page, `an answer ${status}`);
      await page.unroute(path);
      if (status === 429 || status === 503) await page.getByRole("link", { name: "of alice.zip" }).waitFor();
    });
  }

  test("a service that is not there is explained, and found again", async () => {
    await signIn("alice");
    await page.route("**/v1/**", (route) => route.abort());
    await page.getByRole("link", { name: "New download" }).click();
    await page.getByRole("heading", { name: "Cannot reach the service" }).waitFor();
    await page.unroute("**/v1/**");
    await page.getByLabel("Ids, ranges or keys").waitFor();
  });

  test("a fault of the page goes to Sentry with the trace id, and without queries; an answer of the API does not", async () => {
    await signIn("alice", "?q=secret-query");
    await page.evaluate(() => void setTimeout(() => globalThis.throwOnPurpose(), 0));
    const [event] = await until("an event", () => sentry.events.length > 0 && sentry.events);
    assert.match(event.tags.trace_id, /^[0-9a-f]{32}$/);
    assert.match(event.release, /^lorry@/);
    assert.match(event.exception.values[0].value, /throwOnPurpose/);
    assert.doesNotMatch(JSON.stringify(sentry.events), /secret-query|eyJ|ticket/);
    assert.equal(sentry.events.length, 1);
  });
});
