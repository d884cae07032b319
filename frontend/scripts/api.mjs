// Writes the types of the API from docs/openapi.json; --check fails if they are stale.
import { readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const source = new URL("../../docs/openapi.json", import.meta.url);
const document = JSON.parse(readFileSync(source, "utf8"));
const PROSE = ["description", "summary", "title"];
const notice = "// Generated from docs/openapi.json by `npm run api`.\n";

/** Without sentences, so that a reworded one makes no type stale. A property of such a name is an object, and stays. */
function withoutProse(value) {
  if (Array.isArray(value)) return value.map(withoutProse);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([name, one]) => !(PROSE.includes(name) && typeof one === "string"));
  return Object.fromEntries(kept.map(([name, one]) => [name, withoutProse(one)]));
}

const target = new URL("../src/api/schema.d.ts", import.meta.url);
const content = notice + astToString(await openapiTS(withoutProse(document)));
if (!process.argv.includes("--check")) writeFileSync(target, content);
else if (readFileSync(target, "utf8") !== content) {
  console.error("src/api/schema.d.ts is stale: run `npm run api` and commit the result");
  process.exitCode = 1;
}
