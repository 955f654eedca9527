// Reads a vendor's GenerateContentResponse, chunk by chunk or whole, into events: one mapping for both. It must never
// emit the finish before the bytes end: the last chunk's usage belongs to it.

import type { FinishReason, StreamEvent } from "../../canon/event.ts";
import { Failure } from "../../canon/failure.ts";
import { mergeUsage, unknownUsage, type Usage } from "../../canon/usage.ts";
import { brokenOff, isRecord } from "../decoding.ts";
import { failureInBand } from "./failure.ts";
import { isFinerThanCanon, decodeFinish, settleReason } from "./finish.ts";
import { toExtras, type Members, name, withSignature } from "./extras.ts";
import { signatureExtras } from "../call-signatures.ts";
import { decodeUsage } from "./usage.ts";

/** `{error}`, also as the only item of an array, as the API writes it outside event streams. */
export function errorOf(body: unknown): Failure | null {
  if (Array.isArray(body)) return body.length === 1 ? errorOf(body[0]) : null;
  return isRecord(body) && body["error"] !== undefined && body["error"] !== null ? failureInBand(body) : null;
}

/** Only one candidate is requested; others are ignored. Protocol buffers leave out an index of 0. */
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

/** Why the prompt itself was rejected; null when it was not. */
export function blockReasonOf(chunk: Members): string | null {
  const feedback = chunk["promptFeedback"];
  const reason = isRecord(feedback) ? readText(feedback["blockReason"]) : "";
  return reason === "" || reason === "BLOCKED_REASON_UNSPECIFIED" ? null : reason;
}

/** For a vendor that gives no id: the answer's own id keeps calls of different turns apart. */
function makeToolId(answerId: string, position: number): string {
  return `call_${position}_${answerId.replace(/[^A-Za-z0-9]/g, "")}`.slice(0, 40);
}

/** `{ usage }` to be spread into a start, or nothing when no count is known yet. */
export function counted(usage: Usage): { usage?: Usage } {
  return usage.input === null && usage.output === null ? {} : { usage };
}

const ownMembers: ReadonlySet<string> = new Set(["content", "finishReason", "index", "tokenCount"]);

export class AnswerDecoder {
  private id = "";
  private model = "";
  private isStarted = false;
  private open: { readonly kind: "text" | "thinking"; readonly index: number } | null = null;
  private count = 0;
  private callCount = 0;
  private reason: FinishReason | null = null;
  private word = "";
  private isBlocked = false;
  private usage: Usage = unknownUsage;
  private candidateRest: Record<string, unknown> = {};
  private promptFeedback: unknown;

  take(chunk: Members): StreamEvent[] {
    const out: StreamEvent[] = [];
    this.takeHead(chunk, out);
    const candidate = firstCandidate(chunk);
    if (candidate === null) return out;
    for (const part of partsOf(candidate)) {
      const failure = this.takePart(part, out);
      if (failure !== null) return this.fail(failure, out);
    }
    for (const [key, value] of Object.entries(candidate))
      if (!ownMembers.has(key) && key !== "__proto__")
        this.candidateRest = { ...this.candidateRest, [key]: value };
    const finish = decodeFinish(candidate["finishReason"]);
    if (finish instanceof Failure) return this.fail(finish, out);
    if (finish !== null) {
      this.reason = finish;
      this.word = readText(candidate["finishReason"]);
    }
    return out;
  }

  fail(failure: Failure, out: StreamEvent[] = []): StreamEvent[] {
    const { usage } = this;
    this.close(null, out);
    // Tokens counted so far may have been charged.
    if (usage.input !== null || usage.output !== null) out.push({ type: "usage", usage });
    out.push({ type: "failure", failure });
    return out;
  }

  /** Ends the answer. `isWhole`: it came as one body, so nothing can be missing at its end. */
  finish(isWhole: boolean): StreamEvent[] {
    const { word, candidateRest, promptFeedback } = this;
    const known = this.reason ?? (this.isBlocked ? "refused" : isWhole && this.count > 0 ? "stop" : null);
    if (known === null) return this.fail(brokenOff());
    const out: StreamEvent[] = [];
    this.close(null, out);
    out.push({
      type: "finish",
      reason: settleReason(known, this.callCount > 0),
      usage: this.usage,
      ...toExtras({
        ...(word !== "" && isFinerThanCanon(word) ? { finishReason: word } : {}),
        ...(Object.keys(candidateRest).length === 0 ? {} : { candidate: candidateRest }),
        ...(promptFeedback === undefined ? {} : { promptFeedback }),
      }),
    });
    return out;
  }

  /** A chunk's members besides its candidates. */
  private takeHead(chunk: Members, out: StreamEvent[]): void {
    if (this.id === "") this.id = readText(chunk["responseId"]);
    if (this.model === "") this.model = readText(chunk["modelVersion"]);
    const news = decodeUsage(chunk["usageMetadata"]);
    if (news !== null) this.usage = mergeUsage(this.usage, news);
    if (!this.isStarted) {
      this.isStarted = true;
      out.push({ type: "start", id: this.id, model: this.model, ...counted(this.usage) });
    }
    if (isRecord(chunk["promptFeedback"])) this.promptFeedback = chunk["promptFeedback"];
    if (blockReasonOf(chunk) !== null) this.isBlocked = true;
  }

  private takePart(part: Members, out: StreamEvent[]): Failure | null {
    if (typeof part["text"] === "string") this.takeText(part, out);
    else if (isRecord(part["functionCall"])) return this.takeCall(part, part["functionCall"], out);
    else if (Object.keys(part).length > 0) this.takeOpaque(part, out);
    return null;
  }

  private takeText(part: Members, out: StreamEvent[]): void {
    const kind = part["thought"] === true ? "thinking" : "text";
    const text = readText(part["text"]);
    const signature = readText(part["thoughtSignature"]) || null;
    if (text !== "") out.push({ type: `${kind}-delta`, index: this.enter(kind, out), text });
    if (signature === null) return;
    if (this.open?.kind === kind) this.close(signature, out);
    else if (kind === "thinking") {
      this.enter(kind, out);
      this.close(signature, out);
    } else this.takeOpaque({ text: "", thoughtSignature: signature }, out);
  }

  private takeOpaque(value: Members, out: StreamEvent[]): void {
    this.close(null, out);
    out.push({ type: "opaque", index: this.count++, dialect: name, value });
  }

  private takeCall(part: Members, call: Members, out: StreamEvent[]): Failure | null {
    const called = readText(call["name"]);
    if (called === "")
      return new Failure("bad-output", "The upstream called a tool without naming it.", {
        maybeBilled: true,
      });
    this.close(null, out);
    const index = this.count++;
    const callId = readText(call["id"]) || makeToolId(this.id, this.callCount);
    this.callCount += 1;
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
  }

  /** The index of the open block of this kind; closes another one first. */
  private enter(kind: "text" | "thinking", out: StreamEvent[]): number {
    if (this.open?.kind === kind) return this.open.index;
    this.close(null, out);
    const index = this.count++;
    this.open = { kind, index };
    out.push({ type: `${kind}-start`, index });
    return index;
  }

  private close(signature: string | null, out: StreamEvent[]): void {
    if (this.open === null) return;
    const { kind, index } = this.open;
    if (kind === "thinking") out.push({ type: "thinking-end", index, signature });
    else out.push({ type: "text-end", index, ...toExtras(withSignature(signature)) });
    this.open = null;
  }
}
