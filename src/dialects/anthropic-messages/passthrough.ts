// Messages bodies and frames that pass through: reads the few frames that the record needs, and checks the few members that
// must be right. It must never keep state nor change a byte without need: the provider's prompt cache must see the same
// prefix.

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
import { memberRecord } from "../exceeds-checks.ts";
import { leastBudget } from "./encode-thinking.ts";
import { exceeds } from "./exceeds.ts";
import { failureOfErrorBody } from "./failure.ts";
import { decodeFinish } from "./finish.ts";
import { requestMembers } from "./members.ts";
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

/** Results of a vendor's own tools are not written by the model. */
function blockTextBytes(block: unknown): number {
  if (!isRecord(block)) return 0;
  const { type, input } = block;
  if (type !== "tool_use" && type !== "server_tool_use" && type !== "mcp_tool_use")
    return textBytesIn(block["text"]) + textBytesIn(block["thinking"]);
  const isEmpty = isRecord(input) && Object.keys(input).length === 0;
  return textBytesIn(block["name"]) + (isEmpty ? 0 : jsonBytesOf(input));
}

/** Text blocks with a plain end; `decodeReply` judges tools, refusals, errors and oddities. */
function replyFacts(body: unknown): FrameFacts | null {
  if (!isRecord(body) || body["type"] !== "message" || !Array.isArray(body["content"])) return null;
  const reason = body["stop_reason"];
  if (reason !== "end_turn" && reason !== "max_tokens") return null;
  const isPlain = (block: unknown): boolean =>
    isRecord(block) && block["type"] === "text" && block["text"] !== "";
  if (body["content"].length === 0 || !body["content"].every(isPlain)) return null;
  return { ...startFacts(body), finish: decodeFinish(reason, null) };
}

/** An empty text block does not start the answer; a tool, thinking or vendor block does. */
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

/** Rows with `isUnique`: a duplicate could make routing, billing and the vendor read different requests. */
type FoundMembers = {
  model: JsonMember | undefined;
  messages: JsonMember | undefined;
  max_tokens: JsonMember | undefined;
  stream: JsonMember | undefined;
};

export function requiredEdits(
  scan: JsonScan,
  bytes: Buffer,
  target: TargetFacts,
  note: Note = ignoreNote,
): readonly JsonEdit[] {
  const seen: FoundMembers = {
    model: undefined,
    messages: undefined,
    max_tokens: undefined,
    stream: undefined,
  };
  for (const member of scan.members) {
    const row = requestMembers.row(member.key);
    if (row === undefined) continue;
    requestMembers.checkScanned(row, member, bytes);
    if (row.isUnique !== true) continue;
    const key = member.key as keyof FoundMembers;
    if (seen[key] !== undefined) throw invalid(key, "is given twice");
    seen[key] = member;
  }
  const { messages } = seen;
  if (messages === undefined || isEmptyArray(bytes, messages))
    throw invalid("messages", "must be a non-empty array");
  const limit = seen.max_tokens;
  if (limit === undefined || limit.kind === "null") throw invalid("max_tokens", "is required");
  const wanted = Number(bytes.toString("latin1", limit.start, limit.end));
  const allowed = cutTokens(wanted, target, note);
  const model = modelEdit(bytes, seen.model, target);
  if (allowed >= wanted) return model;
  return [...model, { key: "max_tokens", json: String(allowed) }, ...budgetEdit(scan, bytes, allowed, note)];
}

function modelEdit(bytes: Buffer, member: JsonMember | undefined, target: TargetFacts): JsonEdit[] {
  const model = member === undefined ? "" : stringOf(bytes, member);
  if (model === "") throw invalid("model", "must be a non-empty string");
  return model === target.model ? [] : [{ key: "model", json: JSON.stringify(target.model) }];
}

/** A budget has to stay below the limit; where none fits, thinking is off, as it is when the body is translated. */
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

// Content parts of the Responses API that older clients put into messages, and image types that the API knows under
// another name.
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
  // The API refuses ids in another vendor's form; a translation rewrites them.
  if (holdsOtherText(bytes, placesOf(scan, bytes, resultOf))) return "foreign-call-id";
  // Another target's thinking, unsigned or with our mark: the API would refuse the whole conversation.
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
  // Inside strings a quote is escaped, so these quoted words occur only in frames of that kind.
  frameMarkers: ['"message_delta"', '"message_stop"', '"error"', "event: error"],
  frameFacts,
  textBytes,
  replyFacts,
  requiredEdits,
};
