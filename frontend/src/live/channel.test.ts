import { beforeEach, expect, it, vi } from "vitest";
import type { Job } from "../api/client";
import { Channel, type Sources, type Way } from "./channel";
import { Socket, type Subscriber } from "./socket";

const job = (status: string, progress: number) => ({ jobId: "one", status, progress, updatedAt: "" }) as unknown as Job;

class FakeEvents extends EventTarget {
  readyState = 0;
  closed = false;
  close() {
    this.closed = true;
  }
  say(name: string, id: number, data: Job) {
    this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data), lastEventId: String(id) }));
  }
  refuse() {
    this.readyState = 2;
    this.dispatchEvent(new Event("error"));
  }
}

class FakeSocket {
  subscriber: Subscriber | null = null;
  left = false;
  subscribe(_: string, subscriber: Subscriber) {
    this.subscriber = subscriber;
    return () => (this.left = true);
  }
}

/** A channel whose ways are in the test's hands; what it said is in `ways` and `seen`. */
function scene({ withSocket = true } = {}) {
  const socket = new FakeSocket();
  const streams: FakeEvents[] = [];
  const ways: Way[] = [];
  const seen: number[] = [];
  const errors: unknown[] = [];
  const read = vi.fn(() => Promise.resolve({ job: job("processing", 1), ticket: "t" as string | null }));
  const sources: Sources = {
    socket: withSocket ? (socket as unknown as Socket) : null,
    read,
    openEvents: () => {
      const stream = new FakeEvents();
      streams.push(stream);
      return stream as unknown as EventSource;
    },
    setTimer: (act, ms) => setTimeout(act, ms) as unknown as number,
    clearTimer: (timer) => clearTimeout(timer),
  };
  const channel = new Channel("one", sources, {
    onChange: (change) => seen.push(change.job.progress),
    onWay: (way) => ways.push(way),
    onError: (reason) => errors.push(reason),
  });
  return { channel, socket, streams, ways, seen, errors, read };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("EventSource", { CLOSED: 2 });
});

it("a WebSocket comes first, and older changes than the newest are dropped", () => {
  const { channel, socket, ways, seen } = scene();
  channel.start();
  socket.subscriber?.onChange({ id: 5, job: job("processing", 50) });
  socket.subscriber?.onChange({ id: 4, job: job("processing", 40) });
  expect(ways.at(-1)).toBe("websocket");
  expect(seen).toEqual([50]);
});

it("without an answer of the WebSocket, a stream is opened with a ticket, and the socket is left", async () => {
  const { channel, socket, streams, ways, seen } = scene();
  channel.start();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(socket.left).toBe(true);
  streams[0]?.say("progress", 7, job("processing", 70));
  expect(ways.at(-1)).toBe("events");
  expect(seen).toEqual([1, 1, 70]); // what was read while the socket was waited for, then by the stream
});

it("a socket that goes down hands over at once", async () => {
  const { channel, socket, streams } = scene();
  channel.start();
  socket.subscriber?.onDown();
  await vi.advanceTimersByTimeAsync(0);
  expect(streams).toHaveLength(1);
});

it("a stream that is refused, or silent, hands over to polling, until a way up is tried again", async () => {
  const { channel, streams, ways, read } = scene({ withSocket: false });
  channel.start();
  await vi.advanceTimersByTimeAsync(0);
  streams[0]?.refuse();
  await vi.advanceTimersByTimeAsync(0);
  expect(ways.at(-1)).toBe("polling");
  expect(streams[0]?.closed).toBe(true);
  const before = read.mock.calls.length;
  await vi.advanceTimersByTimeAsync(9_000);
  expect(read.mock.calls.length).toBe(before + 3);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(streams.length).toBeGreaterThan(1);
});

it("a service that does not answer is said, and tried again", async () => {
  const { channel, ways, errors, read } = scene({ withSocket: false });
  read.mockRejectedValueOnce(new Error("down"));
  channel.start();
  await vi.advanceTimersByTimeAsync(0);
  expect(ways.at(-1)).toBe("offline");
  expect(errors).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(6_000);
  expect(read.mock.calls.length).toBe(2);
});

it("the end of the job ends everything", async () => {
  const { channel, socket, ways, streams, read } = scene();
  channel.start();
  socket.subscriber?.onChange({ id: 9, job: job("ready", 100) });
  await vi.advanceTimersByTimeAsync(120_000);
  expect(ways.at(-1)).toBe("ended");
  expect(socket.left).toBe(true);
  expect(streams).toHaveLength(0);
  expect(read).not.toHaveBeenCalled();
});
