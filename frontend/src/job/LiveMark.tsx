import * as Tooltip from "@radix-ui/react-tooltip";
import { clsx } from "clsx";
import type { Way } from "../live/channel";

const WAYS: Record<Exclude<Way, "ended">, { text: string; explain: string; dot: string }> = {
  connecting: {
    text: "Connecting",
    explain: "Opening a connection for live changes.",
    dot: "bg-idle-fill animate-breathe",
  },
  websocket: { text: "Live: WebSocket", explain: "Each change arrives as it happens.", dot: "bg-good-fill" },
  events: {
    text: "Live: event stream",
    explain: "No WebSocket; changes arrive as server-sent events.",
    dot: "bg-good-fill",
  },
  polling: {
    text: "Polling",
    explain: "Neither a WebSocket nor a stream; the job is read every few seconds.",
    dot: "bg-warn-fill",
  },
  offline: {
    text: "Reconnecting",
    explain: "The service does not answer. What you see may be old.",
    dot: "bg-bad-fill animate-breathe",
  },
};

/** By which way changes arrive. Nothing once there are none to wait for. */
export function LiveMark({ way }: { way: Way }) {
  if (way === "ended") return null;
  const { text, explain, dot } = WAYS[way];
  return (
    <Tooltip.Provider delayDuration={200}>
      <Tooltip.Root>
        <Tooltip.Trigger asChild>
          <button
            type="button"
            className="inline-flex items-center gap-1.5 rounded-full border border-line px-2 py-0.5 text-ink"
            data-way={way}
          >
            <span className={clsx("size-2 rounded-full", dot)} aria-hidden="true" />
            {text}
          </button>
        </Tooltip.Trigger>
        <Tooltip.Portal>
          <Tooltip.Content
            sideOffset={6}
            className="z-40 max-w-64 rounded-md bg-ink px-2.5 py-1.5 text-canvas shadow-lg"
          >
            {explain}
          </Tooltip.Content>
        </Tooltip.Portal>
      </Tooltip.Root>
    </Tooltip.Provider>
  );
}
