// Text completions (platform.openai.com/docs/api-reference/completions): the predecessor of chat completions, with `text` in
// place of messages. They pass through and are never translated.

import { memberNamed } from "../../wire/json.ts";
import { isRecord, parseLoosely } from "../decoding.ts";
import type { FrameFacts, FullDialect, PassthroughHalf } from "../dialect.ts";
import { firstChoice, readText } from "./decode-answer.ts";
import { openaiChat } from "./dialect.ts";
import { decodeUsage } from "./usage.ts";

const chat = openaiChat.backend.passthrough;

function textBytes(body: unknown): number {
  if (!isRecord(body) || !Array.isArray(body.choices)) return 0;
  return body.choices.reduce(
    (sum: number, choice: unknown) => sum + (isRecord(choice) ? Buffer.byteLength(readText(choice.text)) : 0),
    0,
  );
}

/** Null for an error or an empty answer, which `decodeReply` reads. */
function replyFacts(body: unknown): FrameFacts | null {
  if (!isRecord(body) || body.error != null) return null;
  const choice = firstChoice(body);
  if (typeof choice?.text !== "string") return null;
  const usage = decodeUsage(body.usage);
  return {
    id: readText(body.id),
    model: readText(body.model),
    finish: choice.finish_reason === "length" ? "length" : "stop",
    ...(usage === null ? {} : { usage }),
  };
}

const passthrough: PassthroughHalf = {
  ...chat,
  reasonToTranslate: () => null,
  frameFacts(frame) {
    const facts = chat.frameFacts(frame);
    return textBytes(parseLoosely(frame.data)) > 0 ? { ...facts, startsAnswer: true } : facts;
  },
  textBytes: textBytes,
  replyFacts,
  requiredEdits(scan, bytes, target) {
    const stream = memberNamed(scan, "stream");
    const options = memberNamed(scan, "stream_options");
    const isStream = stream?.kind === "boolean" && bytes[stream.start] === 0x74;
    const written =
      options?.kind === "object" ? parseLoosely(bytes.toString("utf8", options.start, options.end)) : {};
    // Usage is always requested: the record needs it.
    const asked = JSON.stringify({ ...(isRecord(written) ? written : {}), include_usage: true });
    return [
      { key: "model", json: JSON.stringify(target.model) },
      ...(isStream ? [{ key: "stream_options", json: asked }] : []),
    ];
  },
};

export const textCompletions: FullDialect = {
  ...openaiChat,
  backend: { ...openaiChat.backend, path: () => "/completions", passthrough },
};
