// Chat bodies and frames that pass through: what one frame adds to the record, and which top-level members must change
// on the way up. It must never parse more than a frame, and never touch a byte that need not change.

import { Failure } from "../../canon/failure.ts";
import type { Takes } from "../../canon/takes.ts";
import {
  type JsonEdit,
  type JsonMember,
  type JsonScan,
  memberNamed,
  placesOf,
  readString,
  watchedWords,
} from "../../wire/json.ts";
import type { SseFrame } from "../../wire/sse.ts";
import { cutTokens, ignoreNote } from "../adaptation-notes.ts";
import { isRecord, parseLoosely } from "../decoding.ts";
import type { FrameFacts, Note, PassthroughHalf, ScannedBody, TargetFacts } from "../dialect.ts";
import { acceptsFreeText } from "../free-text-tools.ts";
import { textBytesIn } from "../text-bytes.ts";
import type { TranslateReason } from "../../canon/translate-reason.ts";
import { errorOf, firstChoice, readReasoning, readText } from "./decode-answer.ts";
import { failureInBand } from "../openai-failure.ts";
import { invalid, optionalBoolean, wrongKind } from "../read-fields.ts";
import { decodeFinish } from "./finish.ts";
import { normalizeToolEdits } from "./normalize-tools.ts";
import { isFreeText } from "./decode-tools.ts";
import { repair } from "./repair.ts";
import { requestMembers } from "./members.ts";
import { isDone, unreadable } from "./stream-decoder.ts";
import { exceeds } from "./exceeds.ts";
import { usageIn } from "./usage.ts";
import type { Wire } from "./extras.ts";

function frameFacts(frame: SseFrame): FrameFacts {
  if (isDone(frame.data)) return { isEnd: true };
  if (frame.data.trim() === "") return {};
  const body = parseLoosely(frame.data);
  if (frame.event === "error")
    return { failure: failureInBand(body ?? { message: frame.data.slice(0, 300) }) };
  const failure = errorOf(body);
  if (failure !== null) return { failure };
  if (!isRecord(body)) return { failure: unreadable() };
  const id = readText(body.id);
  const model = readText(body.model);
  const choice = firstChoice(body);
  const usage = usageIn(body, choice);
  const finish = decodeFinish(choice?.finish_reason);
  if (finish instanceof Failure) return { failure: finish };
  const delta = choice?.delta ?? choice?.message;
  const isUsageOnly = usage !== null && Array.isArray(body.choices) && body.choices.length === 0;
  return {
    ...(id === "" ? {} : { id }),
    ...(model === "" ? {} : { model }),
    ...(finish !== null || (isRecord(delta) && hasContent(delta)) ? { startsAnswer: true } : {}),
    ...(usage === null ? {} : { usage }),
    ...(finish === null ? {} : { finish }),
    ...(isRecord(delta) && readText(delta.refusal) !== "" ? { isRefusal: true } : {}),
    ...(isUsageOnly ? { isUsageOnly } : {}),
  };
}

/** Vendors that send thinking under several names send the same text each time. */
const otherReasoningFields = ["reasoning", "reasoning_details", "thinking"];
const noFields: readonly string[] = [];

function textBytes(body: unknown): number {
  if (!isRecord(body) || !Array.isArray(body.choices)) return 0;
  let bytes = 0;
  for (const choice of body.choices.filter(isRecord)) {
    const delta = choice.delta ?? choice.message;
    if (!isRecord(delta)) continue;
    const ignored =
      readText(delta.reasoning_content) !== ""
        ? otherReasoningFields
        : readText(delta.reasoning) !== ""
          ? otherReasoningFields.slice(1)
          : noFields;
    bytes += textBytesIn(delta, ignored);
  }
  return bytes;
}

/** Plain text with a plain end; null for tools, refusals, errors and anything else, which `decodeReply` reads. */
function replyFacts(body: unknown): FrameFacts | null {
  if (!isRecord(body) || body.error !== undefined) return null;
  const choice = firstChoice(body);
  const message = choice?.message;
  if (!isRecord(message) || typeof message.content !== "string" || message.content === "") return null;
  if (message.tool_calls != null || message.function_call != null || message.refusal != null) return null;
  if (choice?.finish_reason !== "stop" && choice?.finish_reason !== "length") return null;
  const usage = usageIn(body, choice);
  const known: FrameFacts = {
    id: readText(body.id),
    model: readText(body.model),
    finish: choice.finish_reason,
  };
  return usage === null ? known : { ...known, usage };
}

function hasContent(delta: Wire): boolean {
  return (
    hasLength(delta.content) ||
    readReasoning(delta) !== "" ||
    readText(delta.refusal) !== "" ||
    (Array.isArray(delta.tool_calls) && delta.tool_calls.length > 0) ||
    isRecord(delta.function_call)
  );
}

const hasLength = (value: unknown): boolean =>
  (typeof value === "string" || Array.isArray(value)) && value.length > 0;

/** Members that the gateway reads or changes: the rows with `isUnique`. */
type FoundMembers = {
  model: JsonMember | undefined;
  messages: JsonMember | undefined;
  stream: JsonMember | undefined;
  stream_options: JsonMember | undefined;
};

function requiredEdits(
  scan: JsonScan,
  bytes: Buffer,
  target: TargetFacts,
  note: Note = ignoreNote,
): readonly JsonEdit[] {
  const found: FoundMembers = {
    model: undefined,
    messages: undefined,
    stream: undefined,
    stream_options: undefined,
  };
  const changes: JsonEdit[] = [];
  for (const member of scan.members) {
    const row = requestMembers.row(member.key);
    if (row === undefined) continue;
    requestMembers.checkScanned(row, member, bytes);
    if (row.isUnique === true) {
      const key = member.key as keyof FoundMembers;
      if (found[key] !== undefined) throw invalid(key, `${key} appears more than once in the request body.`);
      found[key] = member;
      continue;
    }
    const limit = limitEdit(member, bytes, target, note);
    if (limit !== null) changes.push(limit);
  }
  const { model, messages, stream, stream_options: options } = found;
  if (messages === undefined) throw wrongKind("messages", "an array of messages", undefined);
  if (model === undefined || readString(bytes, model.start, model.end) !== target.model)
    changes.push({ key: "model", json: JSON.stringify(target.model) });
  if (
    messages.end - messages.start < 64 &&
    /^\[\s*\]$/.test(bytes.toString("latin1", messages.start, messages.end))
  )
    throw invalid("messages", "messages must contain at least one message.");
  const isStreaming = stream?.kind === "boolean" && bytes[stream.start] === 0x74;
  const change = usageEdit(options, bytes);
  if (isStreaming && change !== null) changes.push(change);
  return changes;
}

/** A limit above the model's maximum is reduced, as in a translation: most vendors answer it with 400. */
function limitEdit(member: JsonMember, bytes: Buffer, target: TargetFacts, note: Note): JsonEdit | null {
  if (target.maxOutput === null || member.kind !== "number") return null;
  if (member.key !== "max_tokens" && member.key !== "max_completion_tokens") return null;
  const wanted = Number(bytes.toString("latin1", member.start, member.end));
  const tokens = cutTokens(wanted, target, note);
  return tokens < wanted ? { key: member.key, json: String(tokens) } : null;
}

/** Usage is always requested: the record needs it, and the frame is hidden from clients that did not ask. */
function usageEdit(options: JsonMember | undefined, bytes: Buffer): JsonEdit | null {
  if (options === undefined || options.kind === "null")
    return { key: "stream_options", json: '{"include_usage":true}' };
  const value = parseLoosely(bytes.toString("utf8", options.start, options.end));
  if (!isRecord(value)) throw invalid("stream_options", "stream_options is not valid JSON.");
  if (optionalBoolean(value.include_usage, "stream_options.include_usage") === true) return null;
  return { key: "stream_options", json: JSON.stringify({ ...value, include_usage: true }) };
}

function asksForThinking(scan: JsonScan, bytes: Buffer): boolean {
  const member = memberNamed(scan, "reasoning_effort");
  if (member?.kind !== "string") return false;
  return bytes.toString("latin1", member.start, member.end) !== '"none"';
}

// Content parts of the Responses API and a role that most compatible servers do not know.
const translateMarkers = ['"input_text"', '"output_text"', '"input_image"', '"developer"'].map((word) =>
  Buffer.from(word),
);

const customWord = Buffer.from('"custom"');

function reasonToTranslate(
  body: ScannedBody,
  target: TargetFacts,
  takes: Takes | null,
  cannotThink: boolean,
): TranslateReason | null {
  const { scan, bytes } = body;
  for (const marker of translateMarkers) if (placesOf(scan, bytes, marker).length > 0) return "foreign-part";
  if (cannotThink && asksForThinking(scan, bytes)) return "no-thinking";
  // Few models take them (sub2api#5861).
  if (!acceptsFreeText(target.takes) && holdsFreeTextTool(body)) return "free-text-tools";
  return takes !== null && exceeds(scan, bytes, takes) ? "model-limits" : null;
}

function holdsFreeTextTool({ scan, bytes }: ScannedBody): boolean {
  if (placesOf(scan, bytes, customWord).length === 0) return false;
  const member = memberNamed(scan, "tools");
  if (member?.kind !== "array") return false;
  const tools = parseLoosely(bytes.toString("utf8", member.start, member.end));
  return Array.isArray(tools) && tools.some((tool) => isRecord(tool) && tool.type === "custom");
}

export const passthrough: PassthroughHalf = {
  watchedWords: watchedWords([...translateMarkers, customWord]),
  reasonToTranslate,
  prefersOwnFormat: ({ tools }, target) => acceptsFreeText(target.takes) && tools.some(isFreeText),
  normalizeEdits: normalizeToolEdits,
  repair,
  // Every chunk has `"finish_reason":null`, and quotes inside strings are escaped: only frames with news contain one of
  // these.
  frameMarkers: ['"finish_reason":"', '"finish_reason": "', '_tokens"', '"error"', "event:", "[DONE]"],
  frameFacts,
  textBytes,
  replyFacts,
  requiredEdits,
};
