/** The same request as commands and programs to copy. */

import type { InitiateRequest } from "../api/client";

const LONG = 20; // names from here on are read from a file

type ArchiveOptions = Partial<Exclude<InitiateRequest["archive"], boolean>>;
type Request = Partial<InitiateRequest>;

const shell = (text: string): string =>
  /^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** 70000, 70001, 70002, 70005 -> "70000-70002", "70005" */
export function ranges(ids: readonly number[]): string[] {
  const found: string[] = [];
  let from = ids[0];
  for (const [index, id] of ids.entries()) {
    if (ids[index + 1] === id + 1) continue;
    found.push(from === id ? `${id}` : `${from}-${id}`);
    from = ids[index + 1];
  }
  return found;
}

export function asCurl(api: string, request: Request, { token }: { token: boolean }): string {
  const body = JSON.stringify(request);
  const long = body.length > 2000;
  return [
    `curl -fsS ${shell(`${api}/v1/download/initiate`)} \\`,
    ...(token ? [`    -H "Authorization: Bearer $TOKEN" \\`] : []),
    `    -H 'Content-Type: application/json' \\`,
    `    -d ${long ? "@request.json" : shell(body)}`,
  ].join("\n");
}

export function asCommand(api: string, request: Request): string {
  const words = [`lorry --api ${shell(api)} get`];
  if (request.prefix !== undefined) words.push(`--prefix ${shell(request.prefix)}`);
  if (request.keys !== undefined)
    words.push(
      ...(request.keys.length >= LONG ? ["--keys-from keys.txt"] : request.keys.map((key) => `--key ${shell(key)}`)),
    );
  if (request.file_ids !== undefined) {
    const found = ranges(request.file_ids);
    words.push(found.length >= LONG ? "--from ids.txt" : found.join(" "));
  }
  const { archive } = request;
  if (archive) {
    const options: ArchiveOptions = archive === true ? {} : archive;
    words.push(`--zip ${shell(options.filename ?? "files.zip")}`);
    if (options.layout === "tree") words.push("--layout tree");
    if (options.onMissing === "fail") words.push("--on-missing fail");
  } else words.push("-o files");
  if (request.linkTtlSeconds !== undefined) words.push(`--link-ttl ${request.linkTtlSeconds}`);
  if (request.label !== undefined) words.push(`--label ${shell(request.label)}`);
  if (request.callbackUrl !== undefined) words.push(`--callback-url ${shell(request.callbackUrl)}`);
  return words.join(" \\\n    ");
}

export function asPython(api: string, request: Request): string {
  const imports = typeof request.archive === "object" ? "ArchiveOptions, Lorry" : "Lorry";
  const names = [
    ...(request.file_ids ? [`file_ids=${pythonIds(request.file_ids)}`] : []),
    ...(request.keys ? [`keys=${pythonKeys(request.keys)}`] : []),
    ...(request.prefix === undefined ? [] : [`prefix=${python(request.prefix)}`]),
    ...(request.archive ? [`archive=${pythonArchive(request.archive)}`] : []),
    ...(request.label === undefined ? [] : [`label=${python(request.label)}`]),
    ...(request.callbackUrl === undefined ? [] : [`callback_url=${python(request.callbackUrl)}`]),
  ];
  const download = request.archive ? `lorry.download_archives(job.id, "files.zip")` : `lorry.download(job.id, "files")`;
  return [
    `from lorry import ${imports}`,
    "",
    `with Lorry(${python(api)}) as lorry:`,
    `    job = lorry.start(${names.join(", ")})`,
    "    job = lorry.wait(job.id)",
    `    ${download}`,
  ].join("\n");
}

const python = (text: string): string => JSON.stringify(text);

function pythonIds(ids: readonly number[]): string {
  const found = ranges(ids);
  if (found.length === 1 && ids.length > 3) return `range(${ids[0]}, ${(ids.at(-1) ?? 0) + 1})`;
  return ids.length >= LONG ? `[int(line) for line in open("ids.txt")]` : `[${ids.join(", ")}]`;
}

function pythonKeys(keys: readonly string[]): string {
  return keys.length >= LONG ? `open("keys.txt").read().splitlines()` : `[${keys.map(python).join(", ")}]`;
}

function pythonArchive(archive: true | ArchiveOptions): string {
  if (typeof archive === "boolean") return "True";
  const options = [
    ...(archive.filename ? [python(archive.filename)] : []),
    ...(archive.layout === "tree" ? [`layout="tree"`] : []),
    ...(archive.onMissing === "fail" ? [`on_missing="fail"`] : []),
  ];
  return `ArchiveOptions(${options.join(", ")})`;
}
