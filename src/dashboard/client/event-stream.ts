// Listens to /api/events. One connection for each list of kinds, open while somebody listens; the browser connects again by itself, and
// after an error that it does not repair, so do we.

import { useEffect, useRef, useState } from "preact/hooks";
import { doubtAccess } from "./api.ts";

export type EventKind = "live" | "request" | "log" | "health" | "alert" | "config";
export type StreamState = "connecting" | "open" | "lost";

const reconnectMs = 3_000;

/** `receive` may change from render to render; the connection stays. */
export function useEvents(
  kinds: readonly EventKind[],
  receive: (kind: EventKind, data: unknown, id: string) => void,
  isActive = true,
): StreamState {
  const [state, setState] = useState<StreamState>("connecting");
  const latest = useRef(receive);
  latest.current = receive;
  const wanted = kinds.join(",");

  useEffect(() => {
    if (!isActive) return;
    let source: EventSource | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const path = `/api/events?only=${wanted}`;
    const connect = (): void => {
      const opened = new EventSource(path);
      source = opened;
      opened.addEventListener("open", () => setState("open"));
      opened.addEventListener("error", () => {
        setState("lost");
        // The event does not tell a refusal from a gateway that is gone.
        doubtAccess(path);
        if (opened.readyState !== EventSource.CLOSED) return;
        timer = setTimeout(connect, reconnectMs);
      });
      for (const kind of wanted.split(",") as EventKind[])
        opened.addEventListener(kind, ({ data, lastEventId }: MessageEvent<string>) => {
          let value: unknown;
          try {
            value = JSON.parse(data);
          } catch {
            // Half an event of a connection that broke.
            return;
          }
          latest.current(kind, value, lastEventId);
        });
    };
    connect();
    return () => {
      clearTimeout(timer);
      source?.close();
    };
  }, [wanted, isActive]);
  return state;
}
