// What is left of events after a trip through this format: the declared loss, and the oracle of the tests.
// It must never be kinder than the encoder and the decoder are.

import type { StreamEvent } from "../../../src/canon/event.ts";
import { mergeUsage, unknownUsage, type Usage } from "../../../src/canon/usage.ts";
import { isRecord } from "../../../src/dialects/decoding.ts";
import { failureInBand } from "../../../src/dialects/openai-failure.ts";
import { encodeFailure } from "../../../src/dialects/openai-responses/failure.ts";
import { asksClient, settleReason } from "../../../src/dialects/openai-responses/finish.ts";
import { toExtras, name, extrasOf } from "../../../src/dialects/openai-responses/extras.ts";
import { noArguments } from "../../../src/dialects/openai-responses/encode-answer.ts";
import { decodeUsage, encodeUsage } from "../../../src/dialects/openai-responses/usage.ts";

/**
 * Lost: other dialects' opaque events and extras, heartbeats, stop sequences, empty deltas, usage before the end, unknown
 * parts of usage (0 on this wire), and the difference between no arguments and {}. A failure keeps what its words say.
 */
export function lose(events: readonly StreamEvent[]): StreamEvent[] {
  const out: StreamEvent[] = [];
  let index = 0;
  let hasCalls = false;
  let hasInput = false;
  let usage: Usage = unknownUsage;
  for (const event of events) {
    switch (event.type) {
      case "start":
        usage = mergeUsage(usage, event.usage ?? unknownUsage);
        out.push({ type: "start", id: event.id, model: event.model });
        break;
      case "text-start":
      case "thinking-start":
        out.push({ type: event.type, index });
        break;
      case "text-delta":
      case "thinking-delta":
        if (event.text !== "") out.push({ type: event.type, index, text: event.text });
        break;
      case "text-end":
        out.push({ type: "text-end", index: index++, ...loseTextExtras(event) });
        break;
      case "thinking-end":
        out.push({ type: "thinking-end", index: index++, ...loseEncryptedReasoning(event) });
        break;
      case "tool-start":
        hasCalls = true;
        hasInput = false;
        out.push({ type: "tool-start", index, id: event.id, name: event.name });
        break;
      case "tool-delta":
        if (event.input.trim() !== "") hasInput = true;
        if (event.input !== "") out.push({ type: "tool-delta", index, input: event.input });
        break;
      case "tool-end":
        if (!hasInput) out.push({ type: "tool-delta", index, input: noArguments });
        out.push({ type: "tool-end", index: index++ });
        break;
      case "opaque":
        if (event.dialect !== name || !isRecord(event.value)) break;
        hasCalls ||= asksClient(event.value);
        out.push({ type: "opaque", index: index++, dialect: name, value: event.value });
        break;
      case "usage":
        usage = mergeUsage(usage, event.usage);
        break;
      case "heartbeat":
        break;
      case "finish":
        out.push({
          type: "finish",
          reason: settleReason(event.reason, hasCalls),
          usage: loseUsage(mergeUsage(usage, event.usage)),
        });
        return out;
      case "failure":
        out.push({ type: "failure", failure: failureInBand(encodeFailure(event.failure)) });
        return out;
    }
  }
  return out;
}

function loseTextExtras(event: Extract<StreamEvent, { type: "text-end" }>) {
  const { annotations, phase } = extrasOf(event.extras);
  return toExtras({
    ...(Array.isArray(annotations) && annotations.length > 0 ? { annotations } : {}),
    ...(typeof phase === "string" ? { phase } : {}),
  });
}

function loseEncryptedReasoning(event: Extract<StreamEvent, { type: "thinking-end" }>) {
  const { id, encrypted_content: encrypted } = extrasOf(event.extras);
  if (typeof encrypted !== "string" || encrypted === "")
    return { signature: event.signature === "" ? null : event.signature };
  const kept = typeof id === "string" && id !== "" ? { id } : {};
  return { signature: null, ...toExtras({ ...kept, encrypted_content: encrypted }) };
}

function loseUsage(usage: Usage): Usage {
  return decodeUsage(encodeUsage(usage)) ?? unknownUsage;
}
