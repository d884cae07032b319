/** Names of files are bytes of strangers: they must be readable and must not rearrange the page. */

export interface Fragment {
  text: string;
  /** Whether this stands for a character that cannot be seen, or would change what is seen around it. */
  escaped: boolean;
}

// Controls, line separators, zero-width and bidirectional formatting characters, lone surrogates, the byte order mark.
const INVISIBLE =
  // oxlint-disable-next-line no-control-regex no-misleading-character-class
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\ufff9-\ufffb]|\p{Surrogate}|[\u{e0000}-\u{e0fff}]/gu;

/** Splits a name into what can be shown as it is, and escapes such as U+202E. */
export function readable(name: string): Fragment[] {
  const fragments: Fragment[] = [];
  let end = 0;
  for (const match of name.matchAll(INVISIBLE)) {
    if (match.index > end) fragments.push({ text: name.slice(end, match.index), escaped: false });
    const code = (match[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    fragments.push({ text: `U+${code}`, escaped: true });
    end = match.index + match[0].length;
  }
  if (end < name.length) fragments.push({ text: name.slice(end), escaped: false });
  return fragments;
}

/** The same as one string, for titles and labels. */
export function plainName(name: string): string {
  return readable(name)
    .map(({ text, escaped }) => (escaped ? `\u27e8${text}\u27e9` : text))
    .join("");
}

/** The last segment of a key: "downloads/2024/a.tif" -> "a.tif" */
export function lastSegment(key: string): string {
  return key.replace(/\/+$/, "").split("/").at(-1) || key;
}
