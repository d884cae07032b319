import { expect, it } from "vitest";
import { lastSegment, plainName, readable } from "./names";

it("what cannot be seen, or turns what follows around, is written out", () => {
  expect(plainName("a\u202egpj.exe")).toBe("a\u27e8U+202E\u27e9gpj.exe");
  expect(plainName("a\u0000b\u200bc\n")).toBe("a\u27e8U+0000\u27e9b\u27e8U+200B\u27e9c\u27e8U+000A\u27e9");
  expect(readable("\ud800").map(({ escaped }) => escaped)).toEqual([true]);
});

it.each(["<img src=x onerror=alert(1)>", "\u05e9\u05dc\u05d5\u05dd.zip", "\u00e4\u00f6 \u{1f69a}.tif", "a&amp;b"])(
  "%s stays as it is",
  (name) => {
    expect(readable(name)).toEqual([{ text: name, escaped: false }]);
  },
);

it("the last segment of a key is its name", () => {
  expect(lastSegment("downloads/2026/a.tif")).toBe("a.tif");
  expect(lastSegment("downloads/folder/")).toBe("folder");
  expect(lastSegment("///")).toBe("///");
});
