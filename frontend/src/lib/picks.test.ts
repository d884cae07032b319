import { describe, expect, it } from "vitest";
import { NOTHING_PICKED, bytesOf, crumbsOf, filesOfPicked, nameBelow, rowsOf, takeFolder, tick } from "./picks";

const file = (key: string, { size = 1, archived = false } = {}) => ({
  key,
  size,
  archived,
  lastModified: "2026-01-01T00:00:00Z",
});
const [a, b, cold] = [file("d/a", { size: 2 }), file("d/b", { size: 3 }), file("d/cold", { archived: true })];

describe("files", () => {
  it("are ticked once, in the order of their ticking, and become keys", () => {
    const picked = tick(tick(tick(NOTHING_PICKED, [b], true), [a], true), [b], true);
    expect(filesOfPicked(picked)).toEqual({ keys: ["d/b", "d/a"] });
    expect(bytesOf(picked.files)).toBe(5);
  });
  it("that are archived are left out", () => {
    expect(tick(NOTHING_PICKED, [a, cold], true).files).toEqual([{ key: "d/a", size: 2 }]);
  });
  it("are unticked together", () => {
    expect(tick(tick(NOTHING_PICKED, [a, b], true), [a, b, cold], false)).toEqual(NOTHING_PICKED);
    expect(filesOfPicked(NOTHING_PICKED)).toBeNull();
  });
  it("may have any name", () => {
    const keys = ["__proto__", "d/line\nbreak", "d/\u202egnp", "# no comment"];
    const picked = tick(
      NOTHING_PICKED,
      keys.map((key) => file(key)),
      true,
    );
    expect(filesOfPicked(picked)).toEqual({ keys });
  });
});

it("a folder stands in place of the ticked files, which come back without it", () => {
  const picked = takeFolder(tick(NOTHING_PICKED, [a], true), "d/sub/");
  expect(filesOfPicked(picked)).toEqual({ prefix: "d/sub/" });
  expect(filesOfPicked(takeFolder(picked, null))).toEqual({ keys: ["d/a"] });
});

it("rows of a further page come after those of the first; the marker of the open folder is none", () => {
  const pages = [
    { folders: ["d/x/"], objects: [file("d/", { size: 0 }), a] },
    { folders: ["d/y/"], objects: [b] },
  ];
  expect(rowsOf(pages, "d/").map((row) => (row.kind === "file" ? row.file.key : row.prefix))).toEqual([
    "d/x/",
    "d/a",
    "d/y/",
    "d/b",
  ]);
  expect(rowsOf([{ folders: [], objects: [file("d/", { size: 9 })] }], "d/")).toHaveLength(1);
});

it("names are what follows the open folder, and never empty", () => {
  expect(nameBelow("d/e/f.tif", "d/")).toBe("e/f.tif");
  expect(nameBelow("d/", "d/")).toBe("d/");
});

describe("the way to a folder", () => {
  const names = (prefix: string, allowed: string) => crumbsOf(prefix, allowed).map((crumb) => crumb.name);
  it("begins at what is allowed", () => {
    expect(crumbsOf("downloads/2026/may/", "downloads/")).toEqual([
      { prefix: "downloads/", name: "downloads/" },
      { prefix: "downloads/2026/", name: "2026/" },
      { prefix: "downloads/2026/may/", name: "may/" },
    ]);
    expect(names("", "")).toEqual(["All files"]);
    expect(names("down/x/", "do")).toEqual(["do", "wn/", "x/"]);
  });
  it("has a step for a segment without a name, too", () => {
    expect(names("d//x/", "d/")).toEqual(["d/", "/", "x/"]);
  });
});
