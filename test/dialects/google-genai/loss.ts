// What is left of events after a trip through this format: the declared loss, and the oracle of the tests.
// It must never be kinder than the encoder and the decoder are.

import type { StreamEvent } from "../../../src/canon/event.ts";
import { mergeUsage, unknownUsage, type Usage } from "../../../src/canon/usage.ts";
import { isRecord } from "../../../src/dialects/decoding.ts";
import type { Extras } from "../../../src/canon/request.ts";
import { signatureExtras } from "../../../src/dialects/call-signatures.ts";
import { counted } from "../../../src/dialects/google-genai/decode-answer.ts";
import { encodeFailure, failureInBand } from "../../../src/dialects/google-genai/failure.ts";
import { isFinerThanCanon, decodeFinish, settleReason } from "../../../src/dialects/google-genai/finish.ts";
import {
  toExtras,
  name,
  extrasOf,
  signatureIn,
  withSignature,
} from "../../../src/dialects/google-genai/extras.ts";
import { answerClosing } from "../../../src/dialects/google-genai/encode-answer.ts";
import { toolInput } from "../../../src/dialects/tool-input.ts";
import { decodeUsage, encodeUsage } from "../../../src/dialects/google-genai/usage.ts";

type Finish = Extract<StreamEvent, { type: "finish" }>;

/**
 * Lost: other dialects' extras and opaque events, heartbeats, stop sequences, cache-write counts, the pieces of a call's
 * arguments (they come whole), empty deltas and blocks, the seam between two neighbouring texts (or thoughts) without a
 * signature, the name of an answer that fails before it says anything. A failure keeps what its words say.
 */
export function lose(events: readonly StreamEvent[]): StreamEvent[] {
  const out: StreamEvent[] = [];
  let start: { readonly id: string; readonly model: string } | null = null;
  let open: "text" | "thinking" | null = null;
  let index = -1;
  let hasCalls = false;
  let call = { id: "", name: "" };
  let input = "";
  let usage: Usage = unknownUsage;
  /** As the last frame with content told it. */
  let lastUsage: Usage = unknownUsage;
  let isTold = false;

  /** A frame is written: the first one carries the start. */
  const writeUsage = (): void => {
    lastUsage = usage;
    if (start !== null) out.push({ type: "start", ...start, ...counted(loseUsage(lastUsage)) });
    start = null;
    isTold = true;
  };
  const close = (signature: string | null): void => {
    if (open === "text") out.push({ type: "text-end", index, ...toExtras(withSignature(signature)) });
    else if (open === "thinking") out.push({ type: "thinking-end", index, signature });
    open = null;
  };
  const enter = (kind: "text" | "thinking"): void => {
    if (open === kind) return;
    close(null);
    open = kind;
    index += 1;
    out.push({ type: `${kind}-start`, index });
  };

  for (const event of events) {
    switch (event.type) {
      case "start":
        usage = mergeUsage(usage, event.usage ?? unknownUsage);
        start = { id: event.id, model: event.model };
        break;
      case "text-delta":
      case "thinking-delta": {
        if (event.text === "") break;
        const kind = event.type === "text-delta" ? "text" : "thinking";
        writeUsage();
        enter(kind);
        out.push({ type: event.type, index, text: event.text });
        break;
      }
      case "thinking-end":
        if (event.signature === null || event.signature === "") break;
        writeUsage();
        enter("thinking");
        close(event.signature);
        break;
      case "text-end": {
        const signature = signatureIn(event.extras);
        if (signature === null) break;
        writeUsage();
        if (open === "text") {
          close(signature);
          break;
        }
        close(null);
        index += 1;
        out.push({ type: "opaque", index, dialect: name, value: { text: "", thoughtSignature: signature } });
        break;
      }
      case "tool-start":
        close(null);
        index += 1;
        hasCalls = true;
        input = "";
        call = { id: event.id, name: event.name };
        break;
      case "tool-delta":
        input += event.input;
        break;
      case "tool-end":
        writeUsage();
        out.push(
          { type: "tool-start", index, ...call },
          { type: "tool-delta", index, input: JSON.stringify(toolInput(input)) },
          { type: "tool-end", index, ...sealOf(event.extras) },
        );
        break;
      case "opaque":
        if (event.dialect !== name || !isRecord(event.value)) break;
        writeUsage();
        close(null);
        index += 1;
        out.push({ type: "opaque", index, dialect: name, value: event.value });
        break;
      case "usage":
        usage = mergeUsage(usage, event.usage);
        break;
      case "finish": {
        const hasContent = isTold;
        usage = mergeUsage(usage, event.usage);
        writeUsage();
        close(null);
        return [...out, loseFinish(event, hasCalls, hasContent, usage)];
      }
      case "failure": {
        close(null);
        const { usage: billed } = counted(loseUsage(lastUsage));
        if (billed !== undefined) out.push({ type: "usage", usage: billed });
        return [...out, { type: "failure", failure: failureInBand(encodeFailure(event.failure)) }];
      }
      default:
        break;
    }
  }
  return out;
}

function loseFinish(event: Finish, hasCalls: boolean, hasContent: boolean, usage: Usage): Finish {
  const { finishReason, candidate, outside } = answerClosing(
    event.reason,
    extrasOf(event.extras),
    hasContent,
  );
  const read = decodeFinish(finishReason);
  const reason = candidate === null || typeof read !== "string" ? "refused" : read;
  return {
    type: "finish",
    reason: settleReason(reason, hasCalls),
    usage: loseUsage(usage),
    ...toExtras({
      ...(candidate !== null && isFinerThanCanon(finishReason) ? { finishReason: finishReason } : {}),
      ...(candidate === null || Object.keys(candidate).length === 0 ? {} : { candidate }),
      ...outside,
    }),
  };
}

/** Google's seal of a call, in both of its formats. */
function sealOf(extras: Extras | undefined): { extras?: Extras } {
  const signature = signatureIn(extras);
  return signature === null ? {} : { extras: signatureExtras(signature) };
}

function loseUsage(usage: Usage): Usage {
  return decodeUsage(encodeUsage(usage)) ?? unknownUsage;
}
