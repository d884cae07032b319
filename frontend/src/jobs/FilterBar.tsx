import { clsx } from "clsx";
import { useEffect, useState } from "react";
import { STATUSES } from "../ui/status";
import { Search } from "../ui/icons";
import { ALL_STATUSES, PERIOD_NAMES, isFiltered, type Filters } from "./filters";

const TYPING_MS = 200;

export function FilterBar({ filters, onChange }: { filters: Filters; onChange: (filters: Filters) => void }) {
  const without = (name: keyof Filters): Filters => {
    const { [name]: _, ...rest } = filters;
    return rest;
  };
  const pick = <K extends keyof Filters>(name: K, value: Filters[K] | undefined) =>
    onChange(value === undefined ? without(name) : { ...without(name), [name]: value });
  return (
    <div role="search" aria-label="Filter downloads" className="flex flex-wrap items-center gap-2">
      <div role="group" aria-label="Status" className="flex max-w-full flex-wrap gap-1 rounded-lg bg-idle-soft p-0.5">
        <Segment on={filters.status === undefined} onClick={() => pick("status", undefined)} text="All" />
        {ALL_STATUSES.map((status) => (
          <Segment
            key={status}
            on={filters.status === status}
            onClick={() => pick("status", status)}
            text={STATUSES[status].text}
          />
        ))}
      </div>
      <TextFilter value={filters.q ?? ""} onChange={(text) => pick("q", text || undefined)} />
      <select
        aria-label="Started"
        className="field w-auto"
        value={filters.since ?? ""}
        onChange={(event) => pick("since", (event.target.value || undefined) as Filters["since"])}
      >
        <option value="">Any time</option>
        {Object.entries(PERIOD_NAMES).map(([value, name]) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
      </select>
      <label className="flex min-h-8 items-center gap-2 px-1">
        <input
          type="checkbox"
          checked={filters.problems ?? false}
          onChange={(event) => pick("problems", event.target.checked ? true : undefined)}
        />
        With problems
      </label>
      {isFiltered(filters) && (
        <button
          type="button"
          className="px-1 text-accent underline-offset-2 hover:underline"
          onClick={() => onChange({})}
        >
          Clear
        </button>
      )}
    </div>
  );
}

function Segment({ on, onClick, text }: { on: boolean; onClick: () => void; text: string }) {
  return (
    <button
      type="button"
      aria-pressed={on}
      onClick={onClick}
      className={clsx(
        "rounded-md px-2.5 py-1 font-medium",
        on ? "bg-raised text-ink shadow-sm" : "text-idle hover:text-ink",
      )}
    >
      {text}
    </button>
  );
}

function TextFilter({ value, onChange }: { value: string; onChange: (text: string) => void }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onChange(text), TYPING_MS);
    return () => clearTimeout(timer);
  });
  return (
    <div className="relative min-w-40 flex-1 sm:max-w-72">
      <Search className="pointer-events-none absolute top-1/2 left-2.5 size-4 -translate-y-1/2 text-muted" />
      <input
        type="search"
        aria-label="Name, id or error"
        placeholder="Name, id or error"
        className="field pl-8"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
    </div>
  );
}
