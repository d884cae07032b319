/** One WebSocket for all jobs of the page, opened by the first subscription and closed some time after the last. */

import type { Job } from "../api/client";

export interface Subscriber {
  onChange: (change: { id: number; job: Job }) => void;
  /** The connection could not be opened, was lost, or the subscription was refused. */
  onDown: () => void;
  /** A ticket for the job, where a browser must show one. */
  ticket: () => Promise<string | null>;
}

interface Message {
  event: string;
  id?: number;
  jobId?: string;
  data?: Job;
}

const PING_MS = 240_000; // API Gateway closes a connection that is silent for ten minutes
const LINGER_MS = 5_000;

export class Socket {
  private readonly subscribers = new Map<string, Subscriber>();
  private connection: WebSocket | null = null;
  private ping: ReturnType<typeof setInterval> | undefined;
  private linger: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly url: string,
    private readonly options: { tickets: boolean },
    private readonly open: (url: string) => WebSocket = (address) => new WebSocket(address),
  ) {}

  /** One subscriber a job. Returns what ends the subscription. */
  subscribe(jobId: string, subscriber: Subscriber): () => void {
    clearTimeout(this.linger);
    this.subscribers.set(jobId, subscriber);
    void this.enter(jobId, subscriber);
    return () => this.leave(jobId, subscriber);
  }

  private leave(jobId: string, subscriber: Subscriber): void {
    if (this.subscribers.get(jobId) !== subscriber) return;
    this.subscribers.delete(jobId);
    this.send({ action: "unsubscribe", jobId });
    if (this.subscribers.size === 0) this.linger = setTimeout(() => this.shut(), LINGER_MS);
  }

  private async enter(jobId: string, subscriber: Subscriber): Promise<void> {
    try {
      const ticket = this.options.tickets ? await subscriber.ticket() : null;
      if (this.subscribers.get(jobId) !== subscriber) return;
      const connection = (this.connection ??= this.connect(ticket));
      const say = () => this.send({ action: "subscribe", jobId, ...(ticket && { ticket }) });
      if (connection.readyState === WebSocket.OPEN) say();
      else connection.addEventListener("open", say);
    } catch {
      if (this.subscribers.get(jobId) === subscriber) subscriber.onDown();
    }
  }

  private connect(ticket: string | null): WebSocket {
    const address = ticket ? `${this.url}?ticket=${encodeURIComponent(ticket)}` : this.url;
    const connection = this.open(address);
    connection.addEventListener("message", (event: MessageEvent<string>) => this.receive(event.data));
    connection.addEventListener("close", () => this.down(connection));
    this.ping = setInterval(() => this.send({ action: "ping" }), PING_MS);
    return connection;
  }

  private receive(text: string): void {
    const message = JSON.parse(text) as Message;
    const subscriber = message.jobId ? this.subscribers.get(message.jobId) : undefined;
    if (!subscriber) return;
    if (message.event === "error") subscriber.onDown();
    else if (message.data) subscriber.onChange({ id: message.id ?? 0, job: message.data });
  }

  private down(connection: WebSocket): void {
    if (this.connection !== connection) return;
    this.shut();
    const left = [...this.subscribers.values()];
    this.subscribers.clear();
    for (const subscriber of left) subscriber.onDown();
  }

  private shut(): void {
    clearInterval(this.ping);
    const connection = this.connection;
    this.connection = null;
    connection?.close();
  }

  private send(message: object): void {
    if (this.connection?.readyState === WebSocket.OPEN) this.connection.send(JSON.stringify(message));
  }
}
