/**
 * One job, live: by WebSocket, else by server-sent events, else by polling. Each way is tried in this order; a way that
 * fails hands over to the next, and after a while, or when the network is back, the first is tried again.
 */

import type { Job } from "../api/client";
import type { Socket } from "./socket";

export type Way = "websocket" | "events" | "polling" | "connecting" | "offline" | "ended";

export interface Change {
  /** Version of the job: of two changes the larger one is newer. 0 if unknown. */
  id: number;
  job: Job;
}

export interface Sources {
  socket: Socket | null;
  /** The job as it stands, with a ticket. */
  read: () => Promise<{ job: Job; ticket: string | null }>;
  openEvents: (ticket: string | null) => EventSource;
  setTimer: (act: () => void, ms: number) => number;
  clearTimer: (timer: number) => void;
}

export interface Listener {
  onChange: (change: Change) => void;
  onWay: (way: Way) => void;
  onError: (reason: unknown) => void;
}

const SOCKET_PATIENCE_MS = 8_000; // an emulator takes seconds to start what answers a handshake
const EVENTS_PATIENCE_MS = 20_000; // a stream behind a gateway is silent for ten
const POLL_MS = 3_000;
const UPGRADE_MS = 60_000;
const EVENTS = ["progress", "ready", "failed", "cancelled"] as const;

const ended = (job: Job): boolean => job.status !== "queued" && job.status !== "processing";

export class Channel {
  private closed = false;
  private newest = 0;
  private timers = new Set<number>();
  private release: () => void = () => {};

  constructor(
    private readonly jobId: string,
    private readonly sources: Sources,
    private readonly listener: Listener,
  ) {}

  start(): void {
    this.listener.onWay("connecting");
    if (this.sources.socket) this.bySocket(this.sources.socket);
    else this.byEvents();
  }

  close(): void {
    this.closed = true;
    this.leave();
  }

  /** Ends the current way: its timers, its connection. */
  private leave(): void {
    this.release();
    this.release = () => {};
    for (const timer of this.timers) this.sources.clearTimer(timer);
    this.timers.clear();
  }

  private after(ms: number, act: () => void): number {
    const timer = this.sources.setTimer(() => {
      this.timers.delete(timer);
      if (!this.closed) act();
    }, ms);
    this.timers.add(timer);
    return timer;
  }

  private cancel(timer: number): void {
    this.sources.clearTimer(timer);
    this.timers.delete(timer);
  }

  private take(change: Change): void {
    if (this.closed || (change.id > 0 && change.id < this.newest)) return;
    this.newest = Math.max(this.newest, change.id);
    this.listener.onChange(change);
    if (ended(change.job)) {
      this.close();
      this.listener.onWay("ended");
    }
  }

  private bySocket(socket: Socket): void {
    const late = this.after(SOCKET_PATIENCE_MS, () => this.byEvents());
    const meanwhile = this.after(POLL_MS, () => void this.look());
    const unsubscribe = socket.subscribe(this.jobId, {
      onChange: (change) => {
        this.cancel(late);
        this.cancel(meanwhile);
        this.listener.onWay("websocket");
        this.take(change);
      },
      onDown: () => {
        if (!this.closed) this.byEvents();
      },
      ticket: async () => (await this.sources.read()).ticket,
    });
    this.release = unsubscribe;
  }

  /** Reads the job once while a connection takes its time. */
  private async look(): Promise<void> {
    try {
      const { job } = await this.sources.read();
      this.take({ id: 0, job });
    } catch {
      // the connection itself says whether the service answers
    }
  }

  private byEvents(): void {
    this.leave();
    void this.sources.read().then(
      ({ job, ticket }) => {
        this.take({ id: 0, job });
        if (!this.closed) this.listen(ticket);
      },
      (reason: unknown) => this.lost(reason),
    );
  }

  private listen(ticket: string | null): void {
    this.leave();
    const source = this.sources.openEvents(ticket);
    let silent = this.after(EVENTS_PATIENCE_MS, () => this.byPolling());
    const heard = () => {
      this.cancel(silent);
      silent = this.after(EVENTS_PATIENCE_MS, () => this.byPolling());
    };
    for (const name of EVENTS) {
      source.addEventListener(name, (event: MessageEvent<string>) => {
        heard();
        this.listener.onWay("events");
        this.take({ id: Number(event.lastEventId) || 0, job: JSON.parse(event.data) as Job });
      });
    }
    source.addEventListener("open", () => {
      heard();
      this.listener.onWay("events");
    });
    source.addEventListener("error", () => {
      // A gateway ends each response; the browser then connects again by itself, and only a refusal closes for good.
      if (source.readyState === EventSource.CLOSED && !this.closed) this.byPolling();
    });
    this.after(UPGRADE_MS, () => this.restart());
    this.release = () => source.close();
  }

  private byPolling(): void {
    this.leave();
    this.after(UPGRADE_MS, () => this.restart());
    const poll = () => {
      void this.sources.read().then(
        ({ job }) => {
          if (this.closed) return;
          this.listener.onWay("polling");
          this.take({ id: 0, job });
          if (!this.closed) this.after(POLL_MS, poll);
        },
        (reason: unknown) => this.lost(reason),
      );
    };
    poll();
  }

  /** Tries all ways again from the first. */
  restart(): void {
    if (this.closed) return;
    this.leave();
    if (this.sources.socket) this.bySocket(this.sources.socket);
    else this.byEvents();
  }

  private lost(reason: unknown): void {
    if (this.closed) return;
    this.leave();
    this.listener.onError(reason);
    this.listener.onWay("offline");
    this.after(POLL_MS * 2, () => this.restart());
  }
}
