// An embedded stack of the tests' own, started and stopped as `make up` and `make down` do.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const PYTHON = join(ROOT, ".venvs/dev/bin/python");

export async function startStack(parameters = {}) {
  const home = mkdtempSync(join(tmpdir(), "lorry-dashboard-"));
  const environment = {
    ...process.env,
    LORRY_HOME: home,
    PORT: String(await freePort()),
    LORRY_PARAMETERS: Object.entries({ RateLimitMaxRequests: "1000000", ...parameters })
      .map(([name, value]) => `${name}=${value}`)
      .join(" "),
  };
  const local = (command) => run(PYTHON, ["-m", "localstack", command], environment);
  await local("up");
  const outputs = JSON.parse(readFileSync(join(home, "outputs.json"), "utf8"));
  const bucket = `${outputs.Endpoint}/${outputs.SourceBucket}`;
  const store = async (method, path, body) => {
    const answer = await fetch(bucket + path, { method, body });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status}`);
    return answer.text();
  };
  return {
    url: outputs.ApiUrl,
    dashboard: `${outputs.ApiUrl}/dashboard`,
    /** Puts a file where a job finds it. */
    async put(key, body) {
      await store("PUT", `/${key.split("/").map(encodeURIComponent).join("/")}`, body);
    },
    /** Removes the bucket with all files, so that every read of it fails. */
    async removeStore() {
      for (;;) {
        const listed = await store("GET", "?list-type=2&encoding-type=url");
        const keys = [...listed.matchAll(/<Key>([^<]*)<\/Key>/g)].map((match) => match[1]);
        if (keys.length === 0) break;
        for (const key of keys) await store("DELETE", `/${key}`);
      }
      await store("DELETE", "");
    },
    async makeStore() {
      await store("PUT", "");
    },
    /** Starts a job as another program would; its id. */
    async initiate(request, headers = {}) {
      const answer = await fetch(`${outputs.ApiUrl}/v1/download/initiate`, {
        method: "POST",
        headers: { "Content-Type": "application/json", ...headers },
        body: JSON.stringify(request),
      });
      if (answer.status !== 202) throw new Error(`initiate: ${answer.status} ${await answer.text()}`);
      return (await answer.json()).jobId;
    },
    /** Waits until a job has ended; what its status says. */
    async ended(jobId, headers = {}) {
      for (;;) {
        const job = await (await fetch(`${outputs.ApiUrl}/v1/download/status/${jobId}`, { headers })).json();
        if (!["queued", "processing"].includes(job.status)) return job;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    },
    async restart() {
      await local("down");
      await local("up");
    },
    async stop() {
      await local("down");
      rmSync(home, { recursive: true, force: true });
    },
  };
}

export function run(command, options, environment = process.env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, options, { cwd: ROOT, env: environment });
    let said = "";
    child.stdout.on("data", (data) => (said += data));
    child.stderr.on("data", (data) => (said += data));
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(said);
      else reject(new Error(`${command} ${options.join(" ")} ended with ${code}:\n${said}`));
    });
  });
}

/** A free port outside the range that the system gives to outgoing connections. */
async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const free = await new Promise((resolve) => {
      const server = createServer();
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
}
