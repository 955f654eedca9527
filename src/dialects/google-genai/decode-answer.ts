// Reads a vendor's GenerateContentResponse, chunk by chunk or whole, into events: the one mapping that both share.
// It must never say finish before the bytes are over: the usage of the last chunk belongs to it.

import type { FinishReason, StreamEvent } from "../../canon/event.ts";
import { Failure } from "../../canon/failure.ts";
import { mergeUsage, unknownUsage, type Usage } from "../../canon/usage.ts";
import { brokenOff, isRecord } from "../decoding.ts";
import { failureInBand } from "./failure.ts";
import { isFinerThanCanon, decodeFinish, settleReason } from "./finish.ts";
import { toExtras, type Members, name, withSignature } from "./extras.ts";
import { signatureExtras } from "../call-signatures.ts";
import { decodeUsage } from "./usage.ts";

export type AnswerDecoder = {
  take(chunk: Members): StreamEvent[];
  fail(failure: Failure): StreamEvent[];
  /** The answer is over. `isRecursive`: it came as one body, so that nothing can be missing behind it. */
  finish(isWhole: boolean): StreamEvent[];
};

/** `{error}`, also alone in an array as the API writes it outside of event streams. */
export function errorOf(body: unknown): Failure | null {
  if (Array.isArray(body)) return body.length === 1 ? errorOf(body[0]) : null;
  return isRecord(body) && body["error"] !== undefined && body["error"] !== null ? failureInBand(body) : null;
}

/** One candidate is asked for; others are not ours. Protocol buffers leave out an index of 0. */
export function firstCandidate(chunk: Members): Members | null {
  const { candidates } = chunk;
  if (!Array.isArray(candidates)) return null;
  const found: unknown = candidates.find((each) => isRecord(each) && (each["index"] ?? 0) === 0);
  return isRecord(found) ? found : null;
}

export function partsOf(candidate: Members): readonly Members[] {
  const { content } = candidate;
  const parts = isRecord(content) ? content["parts"] : null;
  return Array.isArray(parts) ? parts.filter(isRecord) : [];
}

export function readText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Why the prompt itself was turned away; null when it was not. */
export function blockReasonOf(chunk: Members): string | null {
  const feedback = chunk["promptFeedback"];
  const reason = isRecord(feedback) ? readText(feedback["blockReason"]) : "";
  return reason === "" || reason === "BLOCKED_REASON_UNSPECIFIED" ? null : reason;
}

/** For a vendor that names no id: the answer's own id keeps calls of different turns apart. */
function makeToolId(answerId: string, position: number): string {
  return `call_${position}_${answerId.replace(/[^A-Za-z0-9]/g, "")}`.slice(0, 40);
}

/** `{ usage }` to be spread into a start, or nothing when no count is known yet. */
export function counted(usage: Usage): { usage?: Usage } {
  return usage.input === null && usage.output === null ? {} : { usage };
}

const ownMembers: ReadonlySet<string> = new Set(["content", "finishReason", "index", "tokenCount"]);

export function answerDecoder(): AnswerDecoder {
  let id = "";
  let model = "";
  let isStarted = false;
  let open: { readonly kind: "text" | "thinking"; readonly index: number } | null = null;
  let count = 0;
  let callCount = 0;
  let reason: FinishReason | null = null;
  let word = "";
  let isBlocked = false;
  let usage: Usage = unknownUsage;
  let candidateRest: Record<string, unknown> = {};
  let promptFeedback: unknown;

  const close = (signature: string | null, out: StreamEvent[]): void => {
    if (open === null) return;
    const { kind, index } = open;
    if (kind === "thinking") out.push({ type: "thinking-end", index, signature });
    else out.push({ type: "text-end", index, ...toExtras(withSignature(signature)) });
    open = null;
  };
  const enter = (kind: "text" | "thinking", out: StreamEvent[]): number => {
    if (open?.kind === kind) return open.index;
    close(null, out);
    const index = count++;
    open = { kind, index };
    out.push({ type: `${kind}-start`, index });
    return index;
  };
  const takeText = (part: Members, out: StreamEvent[]): void => {
    const kind = part["thought"] === true ? "thinking" : "text";
    const text = readText(part["text"]);
    const signature = readText(part["thoughtSignature"]) || null;
    if (text !== "") out.push({ type: `${kind}-delta`, index: enter(kind, out), text });
    if (signature === null) return;
    if (open?.kind === kind) close(signature, out);
    else if (kind === "thinking") {
      enter(kind, out);
      close(signature, out);
    } else takeOpaque({ text: "", thoughtSignature: signature }, out);
  };
  const takeOpaque = (value: Members, out: StreamEvent[]): void => {
    close(null, out);
    out.push({ type: "opaque", index: count++, dialect: name, value });
  };
  const takeCall = (part: Members, call: Members, out: StreamEvent[]): Failure | null => {
    const called = readText(call["name"]);
    if (called === "")
      return new Failure("bad-output", "The upstream called a tool without naming it.", {
        maybeBilled: true,
      });
    close(null, out);
    const index = count++;
    const callId = readText(call["id"]) || makeToolId(id, callCount);
    callCount += 1;
    // Some vendors write the arguments as text.
    const { args } = call;
    const input =
      typeof args === "string" && args.trim() !== "" ? args : JSON.stringify(isRecord(args) ? args : {});
    const signature = readText(part["thoughtSignature"]) || null;
    out.push(
      { type: "tool-start", index, id: callId, name: called },
      { type: "tool-delta", index, input },
      { type: "tool-end", index, ...(signature === null ? {} : { extras: signatureExtras(signature) }) },
    );
    return null;
  };
  const takePart = (part: Members, out: StreamEvent[]): Failure | null => {
    if (typeof part["text"] === "string") takeText(part, out);
    else if (isRecord(part["functionCall"])) return takeCall(part, part["functionCall"], out);
    else if (Object.keys(part).length > 0) takeOpaque(part, out);
    return null;
  };
  const fail = (failure: Failure, out: StreamEvent[] = []): StreamEvent[] => {
    close(null, out);
    // What was counted until now may have been charged.
    if (usage.input !== null || usage.output !== null) out.push({ type: "usage", usage });
    out.push({ type: "failure", failure });
    return out;
  };

  return {
    take(chunk) {
      const out: StreamEvent[] = [];
      if (id === "") id = readText(chunk["responseId"]);
      if (model === "") model = readText(chunk["modelVersion"]);
      const news = decodeUsage(chunk["usageMetadata"]);
      if (news !== null) usage = mergeUsage(usage, news);
      if (!isStarted) {
        isStarted = true;
        out.push({ type: "start", id, model, ...counted(usage) });
      }
      if (isRecord(chunk["promptFeedback"])) promptFeedback = chunk["promptFeedback"];
      if (blockReasonOf(chunk) !== null) isBlocked = true;
      const candidate = firstCandidate(chunk);
      if (candidate === null) return out;
      for (const part of partsOf(candidate)) {
        const failure = takePart(part, out);
        if (failure !== null) return fail(failure, out);
      }
      for (const [key, value] of Object.entries(candidate))
        if (!ownMembers.has(key) && key !== "__proto__") candidateRest = { ...candidateRest, [key]: value };
      const finish = decodeFinish(candidate["finishReason"]);
      if (finish instanceof Failure) return fail(finish, out);
      if (finish !== null) {
        reason = finish;
        word = readText(candidate["finishReason"]);
      }
      return out;
    },
    fail: (failure) => fail(failure),
    finish(isWhole) {
      const known = reason ?? (isBlocked ? "refused" : isWhole && count > 0 ? "stop" : null);
      if (known === null) return fail(brokenOff());
      const out: StreamEvent[] = [];
      close(null, out);
      out.push({
        type: "finish",
        reason: settleReason(known, callCount > 0),
        usage,
        ...toExtras({
          ...(word !== "" && isFinerThanCanon(word) ? { finishReason: word } : {}),
          ...(Object.keys(candidateRest).length === 0 ? {} : { candidate: candidateRest }),
          ...(promptFeedback === undefined ? {} : { promptFeedback }),
        }),
      });
      return out;
    },
  };
}
