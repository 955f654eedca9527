// The express lane's view: the few frames that the record needs, and the few members of a body that must be right.
// It must never keep state nor touch a byte that it does not have to: the provider's prompt cache sees the same prefix.

import {
  BrokenJson,
  type JsonEdit,
  type JsonMember,
  type JsonScan,
  placesOf,
  readString,
  watchedWords,
} from "../../wire/json.ts";
import type { SseFrame } from "../../wire/sse.ts";
import { Failure } from "../../canon/failure.ts";
import type { Takes } from "../../canon/takes.ts";
import { isRecord, parseLoosely } from "../decoding.ts";
import { cutTokens, thinkingOff, ignoreNote } from "../adaptation-notes.ts";
import { textBytesIn, jsonBytesOf } from "../text-bytes.ts";
import { holdsEmptyText, holdsOtherText } from "../member-texts.ts";
import type { FrameFacts, Note, PassthroughHalf, ScannedBody, TargetFacts } from "../dialect.ts";
import { citationMark } from "../citations.ts";
import { thinkingMark } from "../thinking-signatures.ts";
import type { TranslateReason } from "../../canon/translate-reason.ts";
import { refusedTypeWords } from "../media-type.ts";
import { lacksThinking } from "./missing-thinking.ts";
import { invalid } from "./decode-content.ts";
import { upstreamKeys } from "./decode-request.ts";
import { memberRecord } from "../exceeds-checks.ts";
import { leastBudget } from "./encode-thinking.ts";
import { exceeds } from "./exceeds.ts";
import { failureOfErrorBody } from "./failure.ts";
import { decodeFinish } from "./finish.ts";
import { threadRefused } from "./refuse-threads.ts";
import { readEvent } from "./stream-decoder.ts";
import { decodeUsage, readCounts, withoutPlaceholders } from "./usage.ts";

type Members = Record<string, unknown>;

export function frameFacts(frame: SseFrame): FrameFacts {
  const event = readEvent(frame);
  if (event === null) return {};
  if (event instanceof Failure) return { failure: event };
  switch (event["type"]) {
    case "message_start":
      return startFacts(isRecord(event["message"]) ? event["message"] : {});
    case "content_block_start":
      return startsAnswerAtStart(event["content_block"]) ? { startsAnswer: true } : {};
    case "content_block_delta":
      return startsAnswerAtDelta(event["delta"]) ? { startsAnswer: true } : {};
    case "message_delta":
      return endFacts(event);
    case "message_stop":
      return { isEnd: true, startsAnswer: true };
    case "error":
      return { failure: failureOfErrorBody(event) };
    case undefined:
      return isRecord(event["error"]) ? { failure: failureOfErrorBody(event) } : {};
    default:
      return {};
  }
}

function startFacts(message: Members): FrameFacts {
  const { id, model, usage } = message;
  return {
    ...(typeof id === "string" ? { id } : {}),
    ...(typeof model === "string" ? { model } : {}),
    ...(isRecord(usage) ? { usage: decodeUsage(readCounts(usage)) } : {}),
  };
}

function endFacts(event: Members): FrameFacts {
  const reason = isRecord(event["delta"]) ? event["delta"]["stop_reason"] : null;
  return {
    ...(isRecord(event["usage"])
      ? { usage: decodeUsage(withoutPlaceholders(readCounts(event["usage"]))) }
      : {}),
    ...(typeof reason === "string" ? { finish: decodeFinish(reason, null), startsAnswer: true } : {}),
  };
}

function textBytes(body: unknown): number {
  if (!isRecord(body)) return 0;
  switch (body["type"]) {
    case "content_block_delta":
      return textBytesIn(body["delta"]);
    case "content_block_start":
      return blockTextBytes(body["content_block"]);
    case "message":
      return Array.isArray(body["content"])
        ? body["content"].reduce<number>((sum, block) => sum + blockTextBytes(block), 0)
        : 0;
    default:
      return 0;
  }
}

/** Of what a vendor's own tools found, nothing was written by the model. */
function blockTextBytes(block: unknown): number {
  if (!isRecord(block)) return 0;
  const { type, input } = block;
  if (type !== "tool_use" && type !== "server_tool_use" && type !== "mcp_tool_use")
    return textBytesIn(block["text"]) + textBytesIn(block["thinking"]);
  const isEmpty = isRecord(input) && Object.keys(input).length === 0;
  return textBytesIn(block["name"]) + (isEmpty ? 0 : jsonBytesOf(input));
}

/** Text blocks with a plain end; tools, refusals, errors and oddities are `decodeReply`'s to judge. */
function replyFacts(body: unknown): FrameFacts | null {
  if (!isRecord(body) || body["type"] !== "message" || !Array.isArray(body["content"])) return null;
  const reason = body["stop_reason"];
  if (reason !== "end_turn" && reason !== "max_tokens") return null;
  const isPlain = (block: unknown): boolean =>
    isRecord(block) && block["type"] === "text" && block["text"] !== "";
  if (body["content"].length === 0 || !body["content"].every(isPlain)) return null;
  return { ...startFacts(body), finish: decodeFinish(reason, null) };
}

/** An empty text block is no first word yet; a tool, thinking or vendor block is. */
function startsAnswerAtStart(block: unknown): boolean {
  return (
    isRecord(block) &&
    (block["type"] !== "text" || (typeof block["text"] === "string" && block["text"] !== ""))
  );
}

function startsAnswerAtDelta(delta: unknown): boolean {
  if (!isRecord(delta)) return false;
  return Object.entries(delta).some(([key, value]) => key !== "type" && value !== "");
}

const kinds: ReadonlyMap<string, readonly JsonMember["kind"][]> = new Map<string, JsonMember["kind"][]>([
  ["model", ["string"]],
  ["messages", ["array"]],
  ["max_tokens", ["number"]],
  ["stream", ["boolean", "null"]],
  ["system", ["string", "array", "null"]],
  ["tools", ["array", "null"]],
  ["tool_choice", ["object", "null"]],
  ["thinking", ["object", "null"]],
  ["metadata", ["object", "null"]],
  ["output_config", ["object", "null"]],
  ["temperature", ["number", "null"]],
  ["top_p", ["number", "null"]],
  ["top_k", ["number", "null"]],
  ["stop_sequences", ["array", "null"]],
]);

/** Two of these could make routing, billing and the vendor read different requests. */
type EditedMember = {
  model?: JsonMember;
  messages?: JsonMember;
  max_tokens?: JsonMember;
  stream?: JsonMember;
};
const isEdited = (key: string): key is keyof EditedMember =>
  key === "model" || key === "messages" || key === "max_tokens" || key === "stream";

export function requiredEdits(
  scan: JsonScan,
  bytes: Buffer,
  target: TargetFacts,
  note: Note = ignoreNote,
): readonly JsonEdit[] {
  const seen: EditedMember = {};
  for (const member of scan.members) {
    const { key, kind } = member;
    if (upstreamKeys.includes(key)) throw invalid(key, "is not accepted by this gateway");
    if (key === "thread" && kind !== "null") throw threadRefused();
    if (isEdited(key)) {
      if (seen[key] !== undefined) throw invalid(key, "is given twice");
      seen[key] = member;
    }
    const allowed = kinds.get(key);
    if (allowed !== undefined && !allowed.includes(kind))
      throw invalid(key, `must be ${allowed.filter((each) => each !== "null").join(" or ")}`);
  }
  const { messages } = seen;
  if (messages === undefined || isEmptyArray(bytes, messages))
    throw invalid("messages", "must be a non-empty array");
  return [...modelEdit(bytes, seen.model, target), ...limitEdits(scan, bytes, seen.max_tokens, target, note)];
}

function modelEdit(bytes: Buffer, member: JsonMember | undefined, target: TargetFacts): JsonEdit[] {
  const model = member === undefined ? "" : stringOf(bytes, member);
  if (model === "") throw invalid("model", "must be a non-empty string");
  return model === target.model ? [] : [{ key: "model", json: JSON.stringify(target.model) }];
}

/** The API demands max_tokens, so a missing one is the client's mistake; a wish above the model's ceiling is cut. */
function limitEdits(
  scan: JsonScan,
  bytes: Buffer,
  member: JsonMember | undefined,
  target: TargetFacts,
  note: Note,
): JsonEdit[] {
  if (member === undefined) throw invalid("max_tokens", "is required");
  const value = Number(bytes.toString("latin1", member.start, member.end));
  if (!Number.isSafeInteger(value) || value < 1)
    throw invalid("max_tokens", "must be a whole number of at least 1");
  const limit = cutTokens(value, target, note);
  if (limit >= value) return [];
  return [{ key: "max_tokens", json: String(limit) }, ...budgetEdit(scan, bytes, limit, note)];
}

/** A budget has to stay below the limit; one that no longer has room is no thinking at all, as where the body is written anew. */
function budgetEdit(scan: JsonScan, bytes: Buffer, limit: number, note: Note): JsonEdit[] {
  const thinking = memberRecord(scan, bytes, "thinking");
  const wanted = thinking["budget_tokens"];
  if (typeof wanted !== "number" || wanted < limit) return [];
  const budget = limit - 1;
  const hasRoom = budget >= leastBudget;
  note(hasRoom ? `thinking-cut:${budget}` : thinkingOff);
  const put = hasRoom ? { ...thinking, budget_tokens: budget } : { type: "disabled" };
  return [{ key: "thinking", json: JSON.stringify(put) }];
}

function stringOf(bytes: Buffer, member: JsonMember): string {
  try {
    return readString(bytes, member.start, member.end);
  } catch (thrown) {
    if (thrown instanceof BrokenJson) throw invalid(member.key, thrown.message);
    throw thrown;
  }
}

function isEmptyArray(bytes: Buffer, member: JsonMember): boolean {
  let at = member.start + 1;
  while (at < member.end - 1 && (bytes[at] ?? 0) <= 0x20) at++;
  return at === member.end - 1;
}

function asksForThinking(scan: JsonScan, bytes: Buffer): boolean {
  return scan.members.some(({ key, kind, start, end }) => {
    if (kind !== "object" || (key !== "thinking" && key !== "output_config")) return false;
    const value = parseLoosely(bytes.toString("utf8", start, end));
    if (!isRecord(value)) return false;
    return key === "thinking" ? value["type"] !== "disabled" : value["effort"] !== undefined;
  });
}

// A part of the Responses API that older clients put into messages, and types of images that are
// spelled as clients spell them.
const translateMarkers = [Buffer.from('"input_text"'), ...refusedTypeWords];
const thinkingMarkWord = Buffer.from(`"${thinkingMark}`);
const citationMarkWord = Buffer.from(`"${citationMark}"`);
const citation = Buffer.from('"encrypted_index"');
const signature = Buffer.from('"signature"');
const resultOf = Buffer.from('"tool_use_id"');

function reasonToTranslate(
  { scan, bytes }: ScannedBody,
  target: TargetFacts,
  takes: Takes | null,
  cannotThink: boolean,
): TranslateReason | null {
  for (const marker of translateMarkers) if (placesOf(scan, bytes, marker).length > 0) return "foreign-part";
  if (cannotThink && asksForThinking(scan, bytes)) return "no-thinking";
  // The API refuses ids in another vendor's form; translated, they are rewritten.
  if (holdsOtherText(bytes, placesOf(scan, bytes, resultOf))) return "foreign-call-id";
  // Another target's thoughts, unsigned or with our mark: the API would refuse the whole conversation.
  const signatures = placesOf(scan, bytes, signature);
  if (holdsEmptyText(bytes, signatures)) return "unsigned-thinking";
  if (placesOf(scan, bytes, citation).length > 0 && bytes.includes(citationMarkWord)) return "clawgate-mark";
  if (signatures.length > 0 && bytes.includes(thinkingMarkWord)) return "clawgate-mark";
  if (lacksThinking(bytes, target, scan)) return "missing-thinking";
  return takes !== null && exceeds(scan, bytes, takes) ? "model-limits" : null;
}

export const passthrough: PassthroughHalf = {
  watchedWords: watchedWords([...translateMarkers, resultOf, signature, citation]),
  reasonToTranslate,
  // Inside texts a quote is escaped, so these words in quotes are found in frames of that kind only.
  frameMarkers: ['"message_delta"', '"message_stop"', '"error"', "event: error"],
  frameFacts,
  textBytes,
  replyFacts,
  requiredEdits,
};
