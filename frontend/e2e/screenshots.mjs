// The pictures of README and docs: `npm run screenshots` writes docs/images/*.png from a stack of its own.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { openBrowser } from "./browser.mjs";
import { ROOT, startStack } from "./stack.mjs";

const FOLDER = join(ROOT, "docs", "images");
mkdirSync(FOLDER, { recursive: true });

const stack = await startStack();
const { page, close } = await openBrowser({ viewport: { width: 1200, height: 800 }, deviceScaleFactor: 1 });
const range = (from, count) => Array.from({ length: count }, (_, n) => from + n);
const zip = (filename, ids, more = {}) => stack.initiate({ file_ids: ids, archive: { filename, ...more } });

async function take(name, scheme = "light") {
  await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
  await page.evaluate(() => document.activeElement?.blur?.());
  await page.waitForLoadState("networkidle");
  await page.screenshot({ path: join(FOLDER, `${name}.png`) });
}

try {
  await stack.ended(await zip("Field photos, June.zip", range(70_000, 40)));
  await stack.ended(await zip("Survey 2026, plots 1 to 20.zip", [...range(70_000, 20), 79_999, 79_998]));
  await stack.ended(await stack.initiate({ file_ids: range(70_010, 8) }));
  await stack.ended(await zip("Complete or not at all.zip", [70_000, 79_999], { onMissing: "fail" }));
  const ready = await zip("Sentinel tiles.zip", [...range(70_000, 59), 79_999]);
  await stack.ended(ready);
  const running = await zip("Archive of a year.zip", range(70_000, 20_000));

  await page.goto(`${stack.dashboard}/jobs/${running}`);
  await page.getByText("Live: ").waitFor();
  await page.getByText(/files\/s/).waitFor();
  await take("dashboard-running");
  await page.goto(stack.dashboard);
  await page.getByRole("row", { name: /Archive of a year/ }).waitFor();
  await take("dashboard-list");
  await take("dashboard-list-dark", "dark");
  await fetch(`${stack.url}/v1/download/${running}`, { method: "DELETE" });

  await page.goto(`${stack.dashboard}/jobs/${ready}`);
  await page.getByText("79999").first().waitFor();
  await take("dashboard-job");
  await page.getByRole("tab", { name: "History" }).click();
  await page.getByRole("list", { name: "Audit trail" }).waitFor();
  await take("dashboard-history", "dark");
  await page.goto(`${stack.dashboard}/new`);
  await page.getByLabel("Ids, ranges or keys").fill("70000-70058\n79999");
  await page.getByLabel("Name of the ZIP").fill("Sentinel tiles");
  await take("dashboard-new");
  await page.setViewportSize({ width: 360, height: 740 });
  await page.goto(`${stack.dashboard}/jobs/${ready}`);
  await page.getByText("Download", { exact: true }).first().waitFor();
  await take("dashboard-phone");
  console.log(`written to ${FOLDER}`);
} finally {
  await close();
  await stack.stop();
}
