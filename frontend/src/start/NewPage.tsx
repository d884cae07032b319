import * as Tabs from "@radix-ui/react-tabs";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useDeferredValue, useEffect, useMemo, useRef, useState, type FormEvent } from "react";
import { apiUrl, bodyOf, client, type InitiateRequest, type Limits } from "../api/client";
import { limitsQuery } from "../api/queries";
import { formatBytes, formatCount } from "../lib/format";
import { filesOfPicked } from "../lib/picks";
import { byteLength, parseNames, requestOf, type Files, type Named } from "../lib/request";
import { Button, Field, Skeleton } from "../ui/basics";
import { Problem } from "../ui/problem";
import { Browse } from "./Browse";
import { Code } from "./Code";
import { useDraft, type Draft } from "./draft";
import { NamesInput } from "./NamesInput";
import { OptionFields } from "./OptionFields";
import { Summary } from "./Summary";

export function NewPage() {
  const limits = useQuery(limitsQuery);
  useEffect(() => {
    document.title = "New download \u00b7 Lorry";
  }, []);
  if (limits.error) {
    return (
      <>
        <h1 className="sr-only">New download</h1>
        <Problem error={limits.error} retry={() => void limits.refetch()} />
      </>
    );
  }
  if (!limits.data) return <Skeleton className="h-96 w-full" />;
  return <NewDownload limits={limits.data} />;
}

function NewDownload({ limits }: { limits: Limits }) {
  const [draft, change, forget] = useDraft();
  const text = useDeferredValue(draft.names);
  const named = useMemo(() => parseNames(text, limits), [text, limits]);
  const files = useMemo(() => filesOf(draft, named), [draft, named]);
  const request = useMemo(() => files && requestOf(files, draft.options), [files, draft.options]);
  const size = useMemo(() => (request ? byteLength(JSON.stringify(request)) : 0), [request]);
  const why = reasonNotTo({ draft, named, size, limits });
  const { send, sending, failure } = useSend(forget);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (request && !why) void send(request);
  };
  return (
    <form onSubmit={submit} className="grid items-start gap-5 lg:grid-cols-[minmax(0,1fr)_25rem]">
      <div className="flex min-w-0 flex-col gap-5">
        <h1 className="text-xl font-semibold tracking-tight">New download</h1>
        <section aria-label="Files" className="card flex flex-col gap-3 p-4">
          <Tabs.Root
            value={draft.way}
            onValueChange={(way) => change({ way: way as Draft["way"] })}
            className="flex flex-col gap-3"
          >
            <Tabs.List
              aria-label="How files are named"
              className="flex w-fit max-w-full flex-wrap gap-1 rounded-lg bg-idle-soft p-0.5"
            >
              <Way value="names" text="Ids or keys" />
              <Way value="browse" text="Browse" />
              <Way value="prefix" text="Everything below a prefix" />
            </Tabs.List>
            <Tabs.Content value="names" tabIndex={-1}>
              <NamesInput value={draft.names} named={named} limits={limits} onChange={(names) => change({ names })} />
            </Tabs.Content>
            <Tabs.Content value="browse" tabIndex={-1}>
              <Browse
                open={draft.open}
                picked={draft.picked}
                limits={limits}
                onOpen={(open) => change({ open })}
                onPick={(picked) => change({ picked })}
              />
            </Tabs.Content>
            <Tabs.Content value="prefix" tabIndex={-1}>
              <PrefixInput value={draft.prefix} limits={limits} onChange={(prefix) => change({ prefix })} />
            </Tabs.Content>
          </Tabs.Root>
        </section>
        <OptionFields options={draft.options} limits={limits} onChange={(options) => change({ options })} />
      </div>
      <aside className="flex min-w-0 flex-col gap-4 lg:sticky lg:top-18">
        <section aria-label="Summary" className="card flex flex-col gap-3 p-4">
          <h2 className="font-semibold">Summary</h2>
          <Summary draft={draft} named={named} size={size} limits={limits} />
          {failure !== null && <Problem error={failure} />}
          <Button
            look="primary"
            type="submit"
            disabled={!request || sending}
            aria-disabled={why !== null}
            className="min-h-10"
            aria-describedby="why-not"
          >
            {sending ? "Starting\u2026" : "Start download"}
          </Button>
          <p id="why-not" role="status" className="min-h-[1.45em] text-muted">
            {why ?? "You can close this page: the job continues on the server."}
          </p>
        </section>
        <Code api={apiUrl} request={request ?? { prefix: limits.keys.allowedPrefix }} />
      </aside>
    </form>
  );
}

function Way({ value, text }: { value: string; text: string }) {
  return (
    <Tabs.Trigger
      value={value}
      className="rounded-md px-3 py-1 font-medium text-idle data-[state=active]:bg-raised data-[state=active]:text-ink data-[state=active]:shadow-sm"
    >
      {text}
    </Tabs.Trigger>
  );
}

function filesOf(draft: Draft, named: Named): Files | null {
  if (draft.way === "prefix") return draft.prefix === "" ? null : { prefix: draft.prefix };
  if (draft.way === "browse") return filesOfPicked(draft.picked);
  if (named.kind === "ids" && named.ids.length > 0) return { file_ids: named.ids };
  if (named.kind === "keys" && named.keys.length > 0) return { keys: named.keys };
  return null;
}

/** Why the request cannot be sent as it is. */
function reasonNotTo({
  draft,
  named,
  size,
  limits,
}: {
  draft: Draft;
  named: Named;
  size: number;
  limits: Limits;
}): string | null {
  if (draft.way === "prefix") {
    if (draft.prefix === "") return "Name a prefix first.";
    if (!draft.prefix.startsWith(limits.keys.allowedPrefix)) return `Prefixes begin with ${limits.keys.allowedPrefix}.`;
  } else if (draft.way === "browse") {
    const { files, folder } = draft.picked;
    if (folder === null && files.length === 0) return "Tick some files, or take a folder.";
    if (folder === null && files.length > limits.files.perJob)
      return `A job may have ${formatCount(limits.files.perJob)} files: untick some, or take a folder.`;
  } else {
    if (named.kind === "nothing") return "Name some files first.";
    if (named.troubles.length > 0) return "Correct the lines that are listed, or remove them.";
  }
  if (size > limits.body.maxBytes)
    return `The request is larger than ${formatBytes(limits.body.maxBytes)}: split it, or use a prefix.`;
  return null;
}

function useSend(onSent: () => void) {
  const [sending, setSending] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const key = useRef<{ body: string; value: string } | null>(null);
  const send = async (request: InitiateRequest) => {
    const body = JSON.stringify(request);
    // The same request keeps its key, so that sending it again after a lost answer starts no second job.
    if (key.current?.body !== body) key.current = { body, value: crypto.randomUUID() };
    setSending(true);
    setFailure(null);
    try {
      const header = { "Idempotency-Key": key.current.value };
      const started = await bodyOf(client.POST("/v1/download/initiate", { body: request, params: { header } }));
      onSent();
      void queries.invalidateQueries({ queryKey: ["jobs"] });
      await navigate({ to: "/jobs/$jobId", params: { jobId: started.jobId } });
    } catch (reason) {
      setFailure(reason);
    } finally {
      setSending(false);
    }
  };
  return { send, sending, failure };
}

function PrefixInput({
  value,
  limits,
  onChange,
}: {
  value: string;
  limits: Limits;
  onChange: (prefix: string) => void;
}) {
  const { allowedPrefix } = limits.keys;
  const wrong = value !== "" && !value.startsWith(allowedPrefix);
  return (
    <Field
      label="Prefix"
      hint={`Every file whose key begins with it, up to ${formatCount(limits.files.perJob)}. It must begin with ${allowedPrefix || "anything"}`}
      error={wrong ? `Must begin with ${allowedPrefix}` : undefined}
    >
      {(ids) => (
        <input
          {...ids}
          className="field font-mono"
          spellCheck={false}
          autoCapitalize="off"
          value={value}
          placeholder={`${allowedPrefix}2026/`}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}
