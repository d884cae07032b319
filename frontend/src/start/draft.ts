import { useEffect, useState } from "react";
import { DEFAULT_OPTIONS, type Options } from "../lib/request";

export interface Draft {
  way: "names" | "prefix";
  names: string;
  prefix: string;
  options: Options;
}

const KEY = "lorry.draft";
const LARGEST = 500_000; // characters that are worth keeping
const EMPTY: Draft = { way: "names", names: "", prefix: "", options: DEFAULT_OPTIONS };

/** What was typed survives a reload of the page. */
export function useDraft(): [Draft, (change: Partial<Draft>) => void, () => void] {
  const [draft, setDraft] = useState<Draft>(read);
  useEffect(() => {
    const timer = setTimeout(() => {
      if (draft.names.length <= LARGEST) sessionStorage.setItem(KEY, JSON.stringify(draft));
    }, 400);
    return () => clearTimeout(timer);
  }, [draft]);
  return [
    draft,
    (change) => setDraft((known) => ({ ...known, ...change })),
    () => {
      sessionStorage.removeItem(KEY);
      setDraft(EMPTY);
    },
  ];
}

function read(): Draft {
  try {
    const stored = JSON.parse(sessionStorage.getItem(KEY) ?? "{}") as Partial<Draft>;
    return { ...EMPTY, ...stored, options: { ...DEFAULT_OPTIONS, ...stored.options } };
  } catch {
    return EMPTY;
  }
}
