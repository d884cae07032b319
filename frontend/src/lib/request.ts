/** What a person typed or dropped, as the request that it means. */

import type { InitiateRequest, Limits } from "../api/client";
import { formatCount } from "./format";

export interface Trouble {
  line: number;
  text: string;
  why: string;
}

export type Named =
  | { kind: "nothing"; troubles: Trouble[] }
  | { kind: "ids"; ids: number[]; repeated: number; troubles: Trouble[] }
  | { kind: "keys"; keys: string[]; repeated: number; troubles: Trouble[] };

const RANGE = /^(\d+)\s*(?:-|\u2013|\.\.|:)\s*(\d+)$/;
const SHOWN = 50; // troubles that are worth reading

type FileLimits = Pick<Limits, "files" | "keys">;

/**
 * Reads ids (`70000`), ranges (`70000-70058`) and object keys, one a line. Ids may also share a line, separated by
 * spaces, commas or semicolons. Lines that begin with # are comments. The first line decides between ids and keys.
 */
export function parseNames(text: string, limits: FileLimits): Named {
  const lines = text.split(/\r\n|\r|\n/);
  const first = lines.map((line) => line.trim()).find((line) => line !== "" && !line.startsWith("#"));
  if (first === undefined) return { kind: "nothing", troubles: [] };
  return isKey(first, limits) ? parseKeys(lines, limits) : parseIds(lines, limits);
}

const isKey = (line: string, limits: FileLimits): boolean =>
  line.startsWith(limits.keys.allowedPrefix) || /[^\d\s,;:.\u2013"'-]/u.test(line);

function parseIds(lines: string[], { files }: FileLimits): Named {
  const ids = new Set<number>();
  const troubles: Trouble[] = [];
  let repeated = 0;
  const complain = (line: number, text: string, why: string) => {
    if (troubles.length < SHOWN) troubles.push({ line, text, why });
  };
  const add = (id: number) => {
    if (ids.has(id)) repeated += 1;
    else ids.add(id);
  };
  for (const [index, raw] of lines.entries()) {
    if (raw.trim().startsWith("#")) continue;
    const words = raw.replaceAll(/\s*(-|\u2013|\.\.|:)\s*/g, "$1").split(/[\s,;"']+/);
    for (const word of words) {
      if (word === "") continue;
      const range = RANGE.exec(word) ?? (/^\d+$/.test(word) ? [word, word, word] : null);
      if (range === null) {
        complain(index + 1, word, "is neither an id nor a range such as 70000-70058");
        continue;
      }
      const [from, to] = [Number(range[1]), Number(range[2])];
      if (from > to) complain(index + 1, word, "ends before it begins");
      else if (from < files.idMin || to > files.idMax)
        complain(index + 1, word, `is outside ${formatCount(files.idMin)} to ${formatCount(files.idMax)}`);
      else if (ids.size + (to - from + 1) > files.perJob * 2)
        complain(index + 1, word, `is more than the ${formatCount(files.perJob)} files that a job may have`);
      else for (let id = from; id <= to; id++) add(id);
    }
  }
  if (ids.size > files.perJob)
    complain(
      0,
      `${formatCount(ids.size)} ids`,
      `is more than the ${formatCount(files.perJob)} files that a job may have`,
    );
  return { kind: "ids", ids: [...ids], repeated, troubles };
}

function parseKeys(lines: string[], { files, keys }: FileLimits): Named {
  const found = new Set<string>();
  const troubles: Trouble[] = [];
  let repeated = 0;
  const complain = (line: number, text: string, why: string) => {
    if (troubles.length < SHOWN) troubles.push({ line, text, why });
  };
  for (const [index, line] of lines.entries()) {
    if (line === "" || line.startsWith("#")) continue;
    if (!line.startsWith(keys.allowedPrefix)) complain(index + 1, line, `does not begin with ${keys.allowedPrefix}`);
    else if (byteLength(line) > keys.maxBytes)
      complain(index + 1, line, `has more than ${formatCount(keys.maxBytes)} bytes`);
    else if (found.has(line)) repeated += 1;
    else found.add(line);
  }
  if (found.size > files.perJob)
    complain(
      0,
      `${formatCount(found.size)} keys`,
      `is more than the ${formatCount(files.perJob)} files that a job may have`,
    );
  return { kind: "keys", keys: [...found], repeated, troubles };
}

export const byteLength = (text: string): number => new TextEncoder().encode(text).length;

export interface Options {
  zip: boolean;
  filename: string;
  layout: "flat" | "tree";
  onMissing: "skip" | "fail";
  label: string;
  linkTtlSeconds: number | null;
  callbackUrl: string;
}

export const DEFAULT_OPTIONS: Options = {
  zip: true,
  filename: "",
  layout: "flat",
  onMissing: "skip",
  label: "",
  linkTtlSeconds: null,
  callbackUrl: "",
};

export type Files = { file_ids: number[] } | { keys: string[] } | { prefix: string };

/** The body of POST /v1/download/initiate; what has its default is left out. */
export function requestOf(files: Files, options: Options): InitiateRequest {
  const body: Record<string, unknown> = { ...files };
  if (options.zip) {
    const archive = {
      ...(options.filename && { filename: withExtension(options.filename) }),
      ...(options.layout !== "flat" && { layout: options.layout }),
      ...(options.onMissing !== "skip" && { onMissing: options.onMissing }),
    };
    body.archive = Object.keys(archive).length > 0 ? archive : true;
  }
  if (options.label) body.label = options.label;
  if (options.linkTtlSeconds !== null) body.linkTtlSeconds = options.linkTtlSeconds;
  if (options.callbackUrl) body.callbackUrl = options.callbackUrl;
  return body as InitiateRequest;
}

const withExtension = (name: string): string => (/\.zip$/i.test(name) ? name : `${name}.zip`);
