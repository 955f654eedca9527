// Produces the events that were not streamed of a message that the program got as a whole, because its stream broke or it
// asked for none. It must never show text twice: a text that does not begin like the streamed part cannot be joined to it.

import { isRecord } from "../decoding.ts";

type Event = Record<string, unknown>;

/**
 * `shown`: the text of the open block in the broken stream; null where there is none. Returns null when the texts do not
 * fit.
 */
export function missingEvents(message: Event, shown: string | null): Event[] | null {
  const content: readonly unknown[] = Array.isArray(message["content"]) ? message["content"] : [];
  let text = "";
  for (const block of content.filter(isRecord)) {
    // A call that was never streamed would wait for a result, and the client does not know of it.
    if (block["type"] !== "text" || typeof block["text"] !== "string") return null;
    text += block["text"];
  }
  if (shown !== null && !text.startsWith(shown)) return null;
  const index = 0;
  const opening: Event[] =
    shown === null
      ? [
          { type: "message_start", message },
          { type: "content_block_start", index, content_block: { type: "text", text: "" } },
        ]
      : [];
  const rest = text.slice(shown?.length ?? 0);
  return [
    ...opening,
    { type: "content_block_delta", index, delta: { type: "text_delta", text: rest } },
    { type: "content_block_stop", index },
    { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: message["usage"] },
    { type: "message_stop" },
  ];
}
