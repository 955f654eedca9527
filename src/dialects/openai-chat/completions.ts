// Text completions (platform.openai.com/docs/api-reference/completions): the older sister of chat completions, with `text` where
// that has messages. It never leaves its own format, so that it has an express lane and no hub.

import { memberNamed } from "../../wire/json.ts";
import { isRecord, parseLoosely } from "../decoding.ts";
import type { Dialect, Glance, RelayHalf } from "../dialect.ts";
import { firstChoice, readText } from "./answer.ts";
import { openaiChat } from "./dialect.ts";
import { readUsage } from "./usage.ts";

const chat = openaiChat.backend.relay;

function textsIn(body: unknown): number {
  if (!isRecord(body) || !Array.isArray(body.choices)) return 0;
  return body.choices.reduce(
    (sum: number, choice: unknown) => sum + (isRecord(choice) ? Buffer.byteLength(readText(choice.text)) : 0),
    0,
  );
}

/** An error, or nothing at all, is `readReply`'s to judge. */
function glanceReply(body: unknown): Glance | null {
  if (!isRecord(body) || body.error != null) return null;
  const choice = firstChoice(body);
  if (typeof choice?.text !== "string") return null;
  const usage = readUsage(body.usage);
  return {
    id: readText(body.id),
    model: readText(body.model),
    finish: choice.finish_reason === "length" ? "length" : "stop",
    ...(usage === null ? {} : { usage }),
  };
}

const relay: RelayHalf = {
  ...chat,
  declines: [],
  glance(frame) {
    const glance = chat.glance(frame);
    return textsIn(parseLoosely(frame.data)) > 0 ? { ...glance, opens: true } : glance;
  },
  said: textsIn,
  glanceReply,
  edits(scan, bytes, target) {
    const stream = memberNamed(scan, "stream");
    const options = memberNamed(scan, "stream_options");
    const isStream = stream?.kind === "boolean" && bytes[stream.start] === 0x74;
    const written =
      options?.kind === "object" ? parseLoosely(bytes.toString("utf8", options.start, options.end)) : {};
    // Usage is always asked for: the record needs it.
    const asked = JSON.stringify({ ...(isRecord(written) ? written : {}), include_usage: true });
    return [
      { key: "model", json: JSON.stringify(target.model) },
      ...(isStream ? [{ key: "stream_options", json: asked }] : []),
    ];
  },
};

export const textCompletions: Dialect = {
  ...openaiChat,
  backend: { ...openaiChat.backend, path: () => "/completions", relay },
};
