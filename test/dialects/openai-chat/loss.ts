// What is left of events after a trip through this format: the declared loss, and the oracle of the tests.
// It must never be kinder than the encoder and the decoder are.

import type { StreamEvent } from "../../../src/canon/event.ts";
import { mergeUsage, unknownUsage, type Usage } from "../../../src/canon/usage.ts";
import type { Extras } from "../../../src/canon/request.ts";
import { isRecord } from "../../../src/dialects/decoding.ts";
import { extraContentExtras } from "../../../src/dialects/call-signatures.ts";
import { encodeFailure, failureInBand } from "../../../src/dialects/openai-failure.ts";
import { settleReason } from "../../../src/dialects/openai-chat/finish.ts";
import { noArguments } from "../../../src/dialects/openai-chat/tool-calls.ts";
import { decodeUsage, encodeUsage } from "../../../src/dialects/openai-chat/usage.ts";

type Kind = "text" | "thinking" | "tool";

/**
 * Lost: opaque events, heartbeats, signatures, extras, stop sequences, cache-write counts, usage before the end, empty
 * deltas and blocks, the difference between no arguments and {}, the seam between two neighbouring texts (or thoughts), and the cuts in what a
 * `<think>` may follow or begin at the head of the answer: it is held back until that is known. A failure keeps what its words say.
 */
export function lose(events: readonly StreamEvent[]): StreamEvent[] {
  const out: StreamEvent[] = [];
  let open: Kind | null = null;
  let index = -1;
  let callCount = 0;
  let hasInput = false;
  let usage: Usage = unknownUsage;
  let signed: { extras?: Extras } = {};
  /** Null: the head of the answer is over. */
  let head: string | null = "";

  const say = (kind: "text" | "thinking", text: string): void => {
    if (open !== kind) {
      enter(kind);
      out.push({ type: `${kind}-start`, index });
    }
    out.push({ type: `${kind}-delta`, index, text });
  };
  const endHead = (): void => {
    const held = head;
    head = null;
    if (held !== null && held !== "") say("text", held);
  };
  const close = (): void => {
    if (open === "text") out.push({ type: "text-end", index });
    else if (open === "thinking")
      out.push({ type: "thinking-end", index, signature: null, extras: { "openai-chat": thoughtField } });
    else if (open === "tool") out.push({ type: "tool-end", index, ...signed });
    signed = {};
    open = null;
  };
  const enter = (kind: Kind): void => {
    close();
    open = kind;
    index += 1;
  };

  for (const event of events) {
    switch (event.type) {
      case "start":
        usage = mergeUsage(usage, event.usage ?? unknownUsage);
        out.push({ type: "start", id: event.id, model: event.model });
        break;
      case "text-delta":
      case "thinking-delta": {
        if (event.text === "") break;
        if (event.type === "thinking-delta") {
          endHead();
          say("thinking", event.text);
        } else if (head === null) say("text", event.text);
        else {
          head += event.text;
          if (!thinkTag.startsWith(head.trimStart())) endHead();
        }
        break;
      }
      case "tool-start":
        endHead();
        enter("tool");
        callCount += 1;
        hasInput = false;
        out.push({ type: "tool-start", index, id: event.id, name: event.name });
        break;
      case "tool-delta":
        if (event.input.trim() !== "") hasInput = true;
        if (event.input !== "") out.push({ type: "tool-delta", index, input: event.input });
        break;
      case "tool-end":
        if (!hasInput) out.push({ type: "tool-delta", index, input: noArguments });
        signed = sealOf(event.extras);
        break;
      case "usage":
        usage = mergeUsage(usage, event.usage);
        break;
      case "finish":
        endHead();
        close();
        out.push({
          type: "finish",
          reason: settleReason(event.reason, callCount),
          usage: loseUsage(mergeUsage(usage, event.usage)),
        });
        return out;
      case "failure":
        endHead();
        close();
        out.push({ type: "failure", failure: failureInBand(encodeFailure(event.failure)) });
        return out;
      default:
        break;
    }
  }
  return out;
}

const thinkTag = "<think>";
const thoughtField = { field: "reasoning_content" };

/** Of a call's extras those of this format. */
function sealOf(extras: Extras | undefined): { extras?: Extras } {
  const extra = extras?.["openai-chat"]?.extra_content;
  return isRecord(extra) ? { extras: extraContentExtras(extra) } : {};
}

function loseUsage(usage: Usage): Usage {
  return decodeUsage(encodeUsage(usage)) ?? unknownUsage;
}
