import { describe, expect, it } from "vitest";
import { DEFAULT_OPTIONS, parseNames, requestOf } from "./request";

const limits = {
  files: { perJob: 1000, idMin: 10_000, idMax: 100_000_000 },
  keys: { maxBytes: 1024, allowedPrefix: "downloads/" },
};
const parse = (text: string) => parseNames(text, limits);

describe("ids", () => {
  it("are read from lines, lists and ranges, in the order of their first mention", () => {
    expect(parse("70002, 70000;70001\n70000-70003\t70009")).toEqual({
      kind: "ids",
      ids: [70002, 70000, 70001, 70003, 70009],
      repeated: 3,
      troubles: [],
    });
  });
  it.each(["70000-70002", "70000 - 70002", "70000\u201370002", "70000..70002", "70000:70002"])(
    "of %s are three",
    (text) => {
      expect(parse(text)).toMatchObject({ ids: [70000, 70001, 70002], troubles: [] });
    },
  );
  it("may be quoted, and have comments between them", () => {
    expect(parse('# from the catalogue\r\n"70000","70001"\r\n')).toMatchObject({ ids: [70000, 70001], troubles: [] });
  });
  it("out of range, backwards or not numbers are named by line", () => {
    const found = parse("70000\n12\n70005-70001\n7x");
    expect(found).toMatchObject({ kind: "ids", ids: [70000] });
    expect(found.troubles.map(({ line, text }) => [line, text])).toEqual([
      [2, "12"],
      [3, "70005-70001"],
      [4, "7x"],
    ]);
  });
  it("of a range far too large are not counted one by one", () => {
    expect(parse("10000-100000000").troubles[0]?.why).toContain("1,000 files");
  });
  it("beyond what a job may have are refused as a whole", () => {
    expect(parse("10000-11500").troubles[0]).toMatchObject({ line: 0, text: "1,501 ids" });
  });
});

describe("keys", () => {
  it("are taken literally, one a line", () => {
    expect(parse("downloads/a b.tif\ndownloads/../c\ndownloads/a b.tif")).toEqual({
      kind: "keys",
      keys: ["downloads/a b.tif", "downloads/../c"],
      repeated: 1,
      troubles: [],
    });
  });
  it("outside the prefix, or of too many bytes, are named", () => {
    const long = `downloads/${"\u00e4".repeat(600)}`;
    expect(parse(`downloads/a\nelsewhere/b\n${long}`).troubles.map(({ line }) => line)).toEqual([2, 3]);
  });
});

describe("a request", () => {
  it("leaves out what has its default", () => {
    expect(requestOf({ file_ids: [70000] }, DEFAULT_OPTIONS)).toEqual({ file_ids: [70000], archive: true });
    expect(requestOf({ prefix: "downloads/" }, { ...DEFAULT_OPTIONS, zip: false })).toEqual({ prefix: "downloads/" });
  });
  it("names the ZIP with its extension, once", () => {
    const named = (filename: string) => requestOf({ file_ids: [70000] }, { ...DEFAULT_OPTIONS, filename }).archive;
    expect(named("photos")).toEqual({ filename: "photos.zip" });
    expect(named("photos.ZIP")).toEqual({ filename: "photos.ZIP" });
  });
});

it("nothing but blanks and comments names nothing", () => {
  expect(parse(" \n# 70000\n")).toEqual({ kind: "nothing", troubles: [] });
});
