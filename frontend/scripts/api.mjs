// Writes the types of the API and the list of its operations from docs/openapi.json; --check fails if they are stale.
import { readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const source = new URL("../../docs/openapi.json", import.meta.url);
const document = JSON.parse(readFileSync(source, "utf8"));
const PROSE = ["description", "summary", "title"];
const notice = "// Generated from docs/openapi.json by `npm run api`.\n";

/** "GET /v1/download/jobs": the names of its query parameters. */
function operations() {
  const found = {};
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      if (!("responses" in operation)) continue;
      const query = (operation.parameters ?? []).filter((one) => one.in === "query").map((one) => one.name);
      found[`${method.toUpperCase()} ${path}`] = query;
    }
  }
  return `${notice}export const OPERATIONS: Record<string, string[] | undefined> = ${JSON.stringify(found, null, 2)};\n`;
}

/** Without sentences, so that a reworded one makes no type stale. A property of such a name is an object, and stays. */
function withoutProse(value) {
  if (Array.isArray(value)) return value.map(withoutProse);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([name, one]) => !(PROSE.includes(name) && typeof one === "string"));
  return Object.fromEntries(kept.map(([name, one]) => [name, withoutProse(one)]));
}

const files = {
  "schema.d.ts": notice + astToString(await openapiTS(withoutProse(document))),
  "operations.ts": operations(),
};
let stale = 0;
for (const [name, content] of Object.entries(files)) {
  const target = new URL(`../src/api/${name}`, import.meta.url);
  if (!process.argv.includes("--check")) writeFileSync(target, content);
  else if (readFileSync(target, "utf8") !== content) {
    console.error(`src/api/${name} is stale: run \`npm run api\` and commit the result`);
    stale = 1;
  }
}
process.exitCode = stale;
