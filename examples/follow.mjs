// Follows a job by server-sent events and downloads its files, in JavaScript without a package: Node 18 or newer.
//
//   node examples/follow.mjs 70000 70001 79999
//
// In a browser, EventSource does what `events` does here; docs/how-to/react.md shows it.
import { writeFile } from "node:fs/promises";

const api = process.env.LORRY_API_URL ?? "http://127.0.0.1:4566/lorry";
const fileIds = process.argv.slice(2).map(Number);
const ENDED = ["ready", "failed", "cancelled"];

async function call(path, init) {
  const answer = await fetch(api + path, init);
  const body = await answer.json();
  if (!answer.ok) throw new Error(`${body.error}: ${body.message}`);
  return body;
}

/** Yields { name, job } until the job has ended. Each answer of the service is short, so this reconnects. */
async function* events(jobId) {
  let lastEventId = "";
  for (;;) {
    const headers = lastEventId ? { "Last-Event-ID": lastEventId } : {};
    const answer = await fetch(`${api}/v1/download/stream/${jobId}`, { headers });
    if (answer.status === 204) return; // the end was seen already
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    let retry = 1000;
    for (const block of (await answer.text()).split("\n\n")) {
      const lines = block.split("\n").map((line) => line.split(/:\s?(.*)/s));
      const { event, id, data, retry: pause } = Object.fromEntries(lines);
      retry = Number(pause ?? retry);
      lastEventId = id ?? lastEventId;
      if (!data) continue; // a comment, or the pause alone
      yield { name: event, job: JSON.parse(data) };
      if (ENDED.includes(event)) return;
    }
    await new Promise((resolve) => setTimeout(resolve, retry));
  }
}

const { jobId } = await call("/v1/download/initiate", {
  method: "POST",
  headers: { "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() },
  body: JSON.stringify({ file_ids: fileIds }),
});
for await (const { name, job } of events(jobId)) console.log(`${name} ${job.progress}%`);

const { status, error, resultUrls } = await call(`/v1/download/status/${jobId}`); // one page: up to 1,000 files
if (status !== "ready") throw new Error(`${status}: ${error?.message}`);
for (const [index, url] of resultUrls.entries()) {
  if (url === null) {
    console.log(`${fileIds[index]} is missing`);
    continue;
  }
  const file = await fetch(url);
  await writeFile(`${fileIds[index]}.zip`, Buffer.from(await file.arrayBuffer()));
  console.log(`${fileIds[index]}.zip`);
}
