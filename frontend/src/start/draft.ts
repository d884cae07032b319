import { useEffect, useState } from "react";
import { NOTHING_PICKED, type Picked } from "../lib/picks";
import { DEFAULT_OPTIONS, type Options } from "../lib/request";

export interface Draft {
  way: "names" | "browse" | "prefix";
  names: string;
  prefix: string;
  /** The folder that is open, empty before the first. */
  open: string;
  picked: Picked;
  options: Options;
}

const KEY = "lorry.draft";
const LARGEST = 500_000; // characters that are worth keeping
const EMPTY: Draft = {
  way: "names",
  names: "",
  prefix: "",
  open: "",
  picked: NOTHING_PICKED,
  options: DEFAULT_OPTIONS,
};

/** What was typed survives a reload of the page. */
export function useDraft(): [Draft, (change: Partial<Draft>) => void, () => void] {
  const [draft, setDraft] = useState<Draft>(read);
  useEffect(() => {
    const save = () => {
      if (draft.names.length > LARGEST) return;
      const text = JSON.stringify(draft);
      if (text.length <= 2 * LARGEST) sessionStorage.setItem(KEY, text);
    };
    const timer = setTimeout(save, 400);
    window.addEventListener("pagehide", save);
    return () => {
      clearTimeout(timer);
      window.removeEventListener("pagehide", save);
    };
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
