import type { Limits } from "../api/client";
import { formatDuration } from "../lib/format";
import type { Options } from "../lib/request";
import { Field } from "../ui/basics";

interface Props {
  options: Options;
  limits: Limits;
  onChange: (options: Options) => void;
}

export function OptionFields({ options, limits, onChange }: Props) {
  const set = (change: Partial<Options>) => onChange({ ...options, ...change });
  return (
    <section aria-label="Options" className="card flex flex-col gap-4 p-4">
      <fieldset className="flex flex-wrap gap-x-6 gap-y-2">
        <legend className="mb-1.5 font-medium">You get</legend>
        <Radio name="result" text="One ZIP" on={options.zip} onPick={() => set({ zip: true })} />
        <Radio name="result" text="Single files" on={!options.zip} onPick={() => set({ zip: false })} />
      </fieldset>
      {options.zip && <ZipFields options={options} set={set} />}
      <details className="group">
        <summary className="w-fit cursor-pointer font-medium text-muted hover:text-ink">More options</summary>
        <div className="mt-3 grid gap-4 sm:grid-cols-2">
          <Field label="Label" hint="What you call the download, wherever it is listed.">
            {(ids) => (
              <input
                {...ids}
                className="field"
                maxLength={200}
                value={options.label}
                onChange={(event) => set({ label: event.target.value })}
              />
            )}
          </Field>
          <Field label="Lifetime of links" hint="New links can be made as long as the job is kept.">
            {(ids) => (
              <select
                {...ids}
                className="field"
                value={options.linkTtlSeconds ?? ""}
                onChange={(event) =>
                  set({ linkTtlSeconds: event.target.value === "" ? null : Number(event.target.value) })
                }
              >
                <option value="">As configured</option>
                {lifetimes(limits).map((seconds) => (
                  <option key={seconds} value={seconds}>
                    {formatDuration(seconds)}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <Field label="Webhook" hint="Receives a signed POST when the job ends: https, at a public address.">
            {(ids) => (
              <input
                {...ids}
                type="url"
                className="field"
                maxLength={limits.callbackUrl.maxCharacters}
                placeholder="https://example.com/lorry"
                value={options.callbackUrl}
                onChange={(event) => set({ callbackUrl: event.target.value })}
              />
            )}
          </Field>
        </div>
      </details>
    </section>
  );
}

const lifetimes = (limits: Limits): number[] =>
  [300, 900, 3600, 86_400, 604_800].filter(
    (one) => one >= limits.links.ttlMinSeconds && one <= limits.links.ttlMaxSeconds,
  );

function ZipFields({ options, set }: { options: Options; set: (change: Partial<Options>) => void }) {
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field label="Name of the ZIP">
        {(ids) => (
          <input
            {...ids}
            className="field"
            maxLength={196}
            placeholder="files.zip"
            value={options.filename}
            onChange={(event) => set({ filename: event.target.value.replaceAll(/[/\\]/g, "") })}
          />
        )}
      </Field>
      <fieldset className="flex flex-wrap gap-x-6 gap-y-2">
        <legend className="mb-1.5 font-medium">Folders</legend>
        <Radio name="layout" text="Leave out" on={options.layout === "flat"} onPick={() => set({ layout: "flat" })} />
        <Radio name="layout" text="Keep" on={options.layout === "tree"} onPick={() => set({ layout: "tree" })} />
      </fieldset>
      <fieldset className="flex flex-wrap gap-x-6 gap-y-2 sm:col-span-2">
        <legend className="mb-1.5 font-medium">When a file is missing</legend>
        <Radio
          name="missing"
          text="Leave it out, and say so"
          on={options.onMissing === "skip"}
          onPick={() => set({ onMissing: "skip" })}
        />
        <Radio
          name="missing"
          text="Fail the job"
          on={options.onMissing === "fail"}
          onPick={() => set({ onMissing: "fail" })}
        />
      </fieldset>
    </div>
  );
}

function Radio({ name, text, on, onPick }: { name: string; text: string; on: boolean; onPick: () => void }) {
  return (
    <label className="flex items-center gap-2">
      <input type="radio" name={name} checked={on} onChange={onPick} />
      {text}
    </label>
  );
}
