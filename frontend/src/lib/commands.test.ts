import { expect, it } from "vitest";
import { asCommand, asCurl, asPython, ranges } from "./commands";

const API = "http://127.0.0.1:4566/lorry";

it("ids become ranges", () => {
  expect(ranges([70000, 70001, 70002, 70005, 70004])).toEqual(["70000-70002", "70005", "70004"]);
  expect(ranges([])).toEqual([]);
});

it("curl sends exactly the request, whatever quotes it holds", () => {
  const request = { keys: ['downloads/it\'s "x"'], archive: true as const };
  const command = asCurl(API, request, { token: false });
  expect(command).toContain(String.raw`-d '{"keys":["downloads/it'\''s \"x\""],"archive":true}'`);
  expect(asCurl(API, request, { token: true })).toContain('-H "Authorization: Bearer $TOKEN"');
});

it("the command names ids as ranges and quotes keys", () => {
  const request = {
    file_ids: [70000, 70001],
    archive: { filename: "my photos.zip", layout: "flat" as const, onMissing: "fail" as const, manifest: true },
  };
  expect(asCommand(API, request)).toBe(
    `lorry --api ${API} get \\\n    70000-70001 \\\n    --zip 'my photos.zip' \\\n    --on-missing fail`,
  );
  expect(asCommand(API, { keys: ["downloads/a b"] })).toContain("--key 'downloads/a b'");
  expect(asCommand(API, { keys: ["downloads/a"], label: "my trip" })).toContain("--label 'my trip'");
});

it("Python gets a range, a list, or a prefix", () => {
  expect(asPython(API, { file_ids: [70000, 70001, 70002, 70003] })).toContain("file_ids=range(70000, 70004)");
  expect(asPython(API, { prefix: "downloads/" })).toContain('prefix="downloads/"');
});
