import { clsx } from "clsx";
import { useRef, useState, type DragEvent } from "react";
import type { Limits } from "../api/client";
import { formatCount } from "../lib/format";
import type { Named } from "../lib/request";
import { Button, Field, Name } from "../ui/basics";
import { File } from "../ui/icons";

const TEXT_AT_MOST = 20 * 1024 * 1024; // bytes of a dropped file

interface Props {
  value: string;
  named: Named;
  limits: Limits;
  onChange: (text: string) => void;
}

/** Ids, ranges or keys: typed, pasted, dropped, or read from a file. */
export function NamesInput({ value, named, limits, onChange }: Props) {
  const [over, setOver] = useState(false);
  const [refused, setRefused] = useState("");
  const picker = useRef<HTMLInputElement>(null);
  const take = async (files: FileList | null) => {
    const texts: string[] = [];
    for (const file of files ?? []) {
      if (file.size > TEXT_AT_MOST) return setRefused(`${file.name} is too large for a list of names`);
      try {
        texts.push(await file.text());
      } catch {
        return setRefused(`${file.name} cannot be read; it may have been moved or deleted`);
      }
    }
    setRefused("");
    if (texts.length > 0) onChange([value.trimEnd(), ...texts].filter(Boolean).join("\n"));
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    void take(event.dataTransfer.files);
  };
  return (
    <div
      className="flex flex-col gap-2"
      onDragOver={(event) => (event.preventDefault(), setOver(true))}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <Field
        label="Ids, ranges or keys"
        hint={
          <>
            Ids like <code className="font-mono">70000</code> and ranges like{" "}
            <code className="font-mono">70000-70058</code>, or keys below{" "}
            <code className="font-mono">{limits.keys.allowedPrefix}</code>, one a line. Drop a file here to add what it
            lists.
          </>
        }
      >
        {(ids) => (
          <textarea
            {...ids}
            rows={9}
            spellCheck={false}
            autoCapitalize="off"
            className={clsx("field resize-y font-mono", over && "border-accent bg-accent-soft")}
            placeholder={"70000-70058\n79999"}
            value={value}
            onChange={(event) => onChange(event.target.value)}
          />
        )}
      </Field>
      <div className="flex flex-wrap items-center gap-2">
        <Button onClick={() => picker.current?.click()}>
          <File /> Add a file
        </Button>
        <input
          ref={picker}
          type="file"
          className="hidden"
          aria-label="File with ids or keys"
          tabIndex={-1}
          accept=".txt,.csv,text/*"
          multiple
          onChange={(event) => {
            void take(event.target.files);
            event.target.value = "";
          }}
        />
        {value !== "" && (
          <Button look="quiet" onClick={() => onChange("")}>
            Clear
          </Button>
        )}
        <span role="status" className="tabular ml-auto text-muted">
          {countText(named)}
        </span>
      </div>
      {refused && (
        <p role="alert" className="text-bad">
          {refused}
        </p>
      )}
      <Troubles named={named} />
    </div>
  );
}

function countText(named: Named): string {
  if (named.kind === "ids") return `${formatCount(named.ids.length)} ids`;
  return named.kind === "keys" ? `${formatCount(named.keys.length)} keys` : "";
}

function Troubles({ named }: { named: Named }) {
  if (named.troubles.length === 0) return null;
  return (
    <ul
      role="alert"
      aria-label="Lines to correct"
      className="max-h-48 overflow-auto rounded-md bg-bad-soft p-3 text-bad"
    >
      {named.troubles.map(({ line, text, why }, index) => (
        <li key={index} className="wrap-anywhere">
          {line > 0 && <span className="tabular">Line {formatCount(line)}: </span>}
          <Name value={text.length > 120 ? `${text.slice(0, 120)}\u2026` : text} className="font-mono" /> {why}
        </li>
      ))}
    </ul>
  );
}
