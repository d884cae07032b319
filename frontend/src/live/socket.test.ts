import { beforeEach, expect, it, vi } from "vitest";
import { Socket, type Subscriber } from "./socket";

class FakeConnection extends EventTarget {
  readyState = 0;
  sent: Record<string, unknown>[] = [];
  closed = false;
  send(text: string) {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }
  close() {
    this.closed = true;
  }
  opens() {
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
  }
  says(message: object) {
    this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(message) }));
  }
  breaks() {
    this.dispatchEvent(new Event("close"));
  }
}

const connections: FakeConnection[] = [];
const addresses: string[] = [];
const open = (address: string) => {
  addresses.push(address);
  const connection = new FakeConnection();
  connections.push(connection);
  return connection as unknown as WebSocket;
};
const subscriber = (ticket: string | null = null) =>
  ({ onChange: vi.fn(), onDown: vi.fn(), ticket: () => Promise.resolve(ticket) }) satisfies Subscriber;
const settled = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  connections.length = addresses.length = 0;
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", { OPEN: 1 });
});

it("many jobs share one connection, and each hears of its own", async () => {
  const socket = new Socket("wss://sockets.test", { tickets: false }, open);
  const [one, two] = [subscriber(), subscriber()];
  socket.subscribe("1", one);
  socket.subscribe("2", two);
  await settled();
  expect(connections).toHaveLength(1);
  connections[0]?.opens();
  expect(connections[0]?.sent).toEqual([
    { action: "subscribe", jobId: "1" },
    { action: "subscribe", jobId: "2" },
  ]);
  connections[0]?.says({ event: "progress", id: 3, jobId: "2", data: { jobId: "2" } });
  expect(two.onChange).toHaveBeenCalledWith({ id: 3, job: { jobId: "2" } });
  expect(one.onChange).not.toHaveBeenCalled();
});

it("a ticket opens the connection and its subscription", async () => {
  const socket = new Socket("wss://sockets.test", { tickets: true }, open);
  socket.subscribe("1", subscriber("a+b"));
  await settled();
  connections[0]?.opens();
  expect(addresses).toEqual(["wss://sockets.test?ticket=a%2Bb"]);
  expect(connections[0]?.sent).toEqual([{ action: "subscribe", jobId: "1", ticket: "a+b" }]);
});

it("a lost connection, and a refused subscription, are said to those who wait", async () => {
  const socket = new Socket("wss://sockets.test", { tickets: false }, open);
  const [one, two] = [subscriber(), subscriber()];
  socket.subscribe("1", one);
  socket.subscribe("2", two);
  await settled();
  connections[0]?.opens();
  connections[0]?.says({ event: "error", jobId: "1", error: "too_many_subscriptions" });
  expect([one.onDown.mock.calls.length, two.onDown.mock.calls.length]).toEqual([1, 0]);
  connections[0]?.breaks();
  expect(two.onDown).toHaveBeenCalledTimes(1);
  socket.subscribe("3", subscriber());
  await settled();
  expect(connections).toHaveLength(2);
});

it("the connection lives on for a moment after the last subscription, and is kept awake", async () => {
  const socket = new Socket("wss://sockets.test", { tickets: false }, open);
  const leave = socket.subscribe("1", subscriber());
  await settled();
  connections[0]?.opens();
  await vi.advanceTimersByTimeAsync(250_000);
  expect(connections[0]?.sent.at(-1)).toEqual({ action: "ping" });
  leave();
  expect(connections[0]?.sent.at(-1)).toEqual({ action: "unsubscribe", jobId: "1" });
  expect(connections[0]?.closed).toBe(false);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(connections[0]?.closed).toBe(true);
});
