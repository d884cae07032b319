// What receives the envelopes that a Sentry client sends (develop.sentry.dev/sdk/data-model/envelopes).
import { createServer } from "node:http";

export async function startSentry() {
  const sentry = { dsn: "", events: [], stop: () => {} };
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (data) => (body += data));
    request.on("end", () => {
      const lines = body.split("\n").filter(Boolean).map(JSON.parse);
      for (const [index, line] of lines.entries()) if (line.type === "event") sentry.events.push(lines[index + 1]);
      response.setHeader("Access-Control-Allow-Origin", "*");
      response.end("{}");
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  sentry.dsn = `http://key@127.0.0.1:${server.address().port}/1`;
  sentry.stop = () => new Promise((resolve) => server.close(resolve));
  return sentry;
}
