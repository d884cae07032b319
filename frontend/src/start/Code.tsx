import * as Tabs from "@radix-ui/react-tabs";
import { useDeferredValue } from "react";
import type { InitiateRequest } from "../api/client";
import { config } from "../config";
import { asCommand, asCurl, asPython } from "../lib/commands";
import { CopyButton } from "../ui/basics";

const FORMS = {
  curl: (api: string, request: Partial<InitiateRequest>) => asCurl(api, request, { token: config.authMode === "jwt" }),
  Python: asPython,
  "Command line": asCommand,
};
const SHOWN = 4_000; // characters; what is copied is whole

/** The request that the form stands for, ready to copy. */
export function Code({ api, request }: { api: string; request: Partial<InitiateRequest> }) {
  const current = useDeferredValue(request);
  return (
    <section aria-label="The same request as code" className="card overflow-hidden">
      <Tabs.Root defaultValue="curl">
        <Tabs.List aria-label="Language" className="flex gap-1 border-b border-line bg-sunken px-2">
          {Object.keys(FORMS).map((name) => (
            <Tabs.Trigger
              key={name}
              value={name}
              className="-mb-px border-b-2 border-transparent px-2 py-1.5 font-medium text-muted data-[state=active]:border-accent data-[state=active]:text-ink"
            >
              {name}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
        {Object.entries(FORMS).map(([name, write]) => {
          const text = write(api, current);
          return (
            <Tabs.Content key={name} value={name} className="relative" tabIndex={-1}>
              <pre
                tabIndex={0}
                aria-label={`Request with ${name}`}
                className="max-h-64 overflow-auto p-3 pr-12 font-mono text-[0.9em] leading-relaxed whitespace-pre-wrap wrap-anywhere"
              >
                {text.length > SHOWN ? `${text.slice(0, SHOWN)}\u2026` : text}
              </pre>
              <CopyButton
                text={text}
                label={`Copy the request with ${name}`}
                className="absolute top-1.5 right-1.5 bg-surface"
              />
            </Tabs.Content>
          );
        })}
      </Tabs.Root>
    </section>
  );
}
