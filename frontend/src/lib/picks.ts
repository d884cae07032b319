/** What a person picks while browsing the store: single files, or everything below one folder. */

import type { Files } from "./request";

export interface PickedFile {
  key: string;
  size: number;
}

/** A request names files or one prefix, so that a folder stands in place of the files. They come back without it. */
export interface Picked {
  files: readonly PickedFile[];
  folder: string | null;
}

export interface StoredFile extends PickedFile {
  lastModified: string;
  archived: boolean;
}

export interface ListedPage {
  objects: readonly StoredFile[];
  folders: readonly string[];
}

export type Row = { kind: "folder"; prefix: string } | { kind: "file"; file: StoredFile };

export const NOTHING_PICKED: Picked = { files: [], folder: null };

/** Ticks or unticks files. What is archived cannot be read before it is restored, so it is never ticked. */
export function tick(picked: Picked, files: readonly (PickedFile & { archived?: boolean })[], on: boolean): Picked {
  const changed = new Set(files.map((file) => file.key));
  const others = picked.files.filter((file) => !changed.has(file.key));
  if (!on) return { ...picked, files: others };
  const known = new Set(picked.files.map((file) => file.key));
  const added = files.filter((file) => !file.archived && !known.has(file.key));
  return { ...picked, files: [...picked.files, ...added.map(({ key, size }) => ({ key, size }))] };
}

export const takeFolder = (picked: Picked, folder: string | null): Picked => ({ ...picked, folder });

export function filesOfPicked({ files, folder }: Picked): Files | null {
  if (folder !== null) return { prefix: folder };
  return files.length > 0 ? { keys: files.map((file) => file.key) } : null;
}

export const bytesOf = (files: readonly PickedFile[]): number => files.reduce((sum, file) => sum + file.size, 0);

/** Page by page as the store lists them, so that a further page adds rows at the end and moves none. */
export function rowsOf(pages: readonly ListedPage[], prefix: string): Row[] {
  return pages.flatMap(({ folders, objects }) => [
    ...folders.map((folder): Row => ({ kind: "folder", prefix: folder })),
    // A key that is the prefix itself, without bytes, stands for the folder that is open.
    ...objects.filter((file) => file.key !== prefix || file.size > 0).map((file): Row => ({ kind: "file", file })),
  ]);
}

/** "downloads/2026/a.tif" below "downloads/" -> "2026/a.tif" */
export const nameBelow = (key: string, prefix: string): string =>
  key.startsWith(prefix) && key.length > prefix.length ? key.slice(prefix.length) : key;

export interface Crumb {
  prefix: string;
  name: string;
}

/** The folders from the allowed prefix down to the one that is open. */
export function crumbsOf(prefix: string, allowedPrefix: string): Crumb[] {
  const crumbs = [{ prefix: allowedPrefix, name: allowedPrefix || "All files" }];
  for (let end = allowedPrefix.length; end < prefix.length;) {
    const slash = prefix.indexOf("/", end);
    const next = slash === -1 ? prefix.length : slash + 1;
    crumbs.push({ prefix: prefix.slice(0, next), name: prefix.slice(end, next) });
    end = next;
  }
  return crumbs;
}
