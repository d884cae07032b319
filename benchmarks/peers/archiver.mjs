// Node's archiver with @aws-sdk/lib-storage, as their documentation shows: one object after the other, stored, streamed.
// node archiver.mjs '{"client": {...}, "source": ..., "target": ..., "key": ..., "keys": [...]}'
import { readFileSync } from "node:fs";
import http from "node:http";
import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { ZipArchive } from "archiver";

const KINDS = {
  GetObjectCommand: "get",
  PutObjectCommand: "put",
  UploadPartCommand: "part",
  CreateMultipartUploadCommand: "create",
  CompleteMultipartUploadCommand: "complete",
};
const asked = JSON.parse(process.argv[2]);
const requests = {};
let read = 0;
let written = 0;

class CountingAgent extends http.Agent {
  createConnection(...given) {
    const socket = super.createConnection(...given);
    socket.once("close", () => {
      read += socket.bytesRead;
      written += socket.bytesWritten;
    });
    return socket;
  }
}

const agent = new CountingAgent({ keepAlive: true, maxSockets: 50 });
const client = new S3Client({
  endpoint: asked.client.endpoint_url,
  region: asked.client.region_name,
  credentials: { accessKeyId: asked.client.aws_access_key_id, secretAccessKey: asked.client.aws_secret_access_key },
  forcePathStyle: true,
  requestHandler: { httpAgent: agent },
  requestChecksumCalculation: "WHEN_REQUIRED",
  responseChecksumValidation: "WHEN_REQUIRED",
});
client.middlewareStack.add(
  (next, context) => (given) => {
    const kind = KINDS[context.commandName] ?? context.commandName;
    requests[kind] = (requests[kind] ?? 0) + 1;
    return next(given);
  },
  { step: "finalizeRequest" },
);

async function work() {
  const archive = new ZipArchive({ store: true });
  const body = new PassThrough();
  archive.pipe(body);
  const failed = new Promise((_, reject) => archive.once("error", reject));
  const uploaded = new Upload({ client, params: { Bucket: asked.target, Key: asked.key, Body: body } }).done();
  for (const key of asked.keys) {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: asked.source, Key: key }));
    const added = new Promise((resolve) => archive.once("entry", resolve));
    archive.append(Body, { name: key.split("/").at(-1) });
    await Promise.race([added, failed]);
  }
  await archive.finalize();
  await uploaded;
}

function peakRssMib() {
  const status = readFileSync("/proc/self/status", "utf8");
  return Number(/VmHWM:\s+(\d+)/.exec(status)[1]) / 1024;
}

console.log("ready");
for await (const _ of createInterface({ input: process.stdin })) break;
const before = process.cpuUsage();
const started = performance.now();
await work();
const used = process.cpuUsage(before);
const seconds = (performance.now() - started) / 1000;
agent.destroy();
await new Promise((resolve) => setTimeout(resolve, 50)); // the sockets' close events come later
const cpu = (used.user + used.system) / 1e6;
console.log(JSON.stringify({ seconds, cpu, rss: peakRssMib(), read, written, requests }));
process.exit(0);
