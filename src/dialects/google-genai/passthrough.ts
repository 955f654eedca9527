// Google bodies and frames that pass through: reads what one frame adds to the record. The model is in the path, so no byte of a
// body changes. It must never keep state, nor read more than a frame.

import { Failure } from "../../canon/failure.ts";
import type { Takes } from "../../canon/takes.ts";
import {
  type JsonEdit,
  type JsonMember,
  type JsonScan,
  placesOf,
  readString,
  watchedWords,
} from "../../wire/json.ts";
import type { SseFrame } from "../../wire/sse.ts";
import { isRecord, parseLoosely } from "../decoding.ts";
import type { FrameFacts, PassthroughHalf, ScannedBody, TargetFacts } from "../dialect.ts";
import { textBytesIn, jsonBytesOf } from "../text-bytes.ts";
import type { TranslateReason } from "../../canon/translate-reason.ts";
import { blockReasonOf, errorOf, firstCandidate, partsOf, readText } from "./decode-answer.ts";
import { invalid, wrongKind } from "../read-fields.ts";
import { exceeds } from "./exceeds.ts";
import { decodeFinish } from "./finish.ts";
import { refusedTypeWords } from "../media-type.ts";
import { googleMark } from "../call-signatures.ts";
import type { Members } from "./extras.ts";
import { requestMembers } from "./members.ts";
import { unreadable } from "./stream-decoder.ts";
import { decodeUsage } from "./usage.ts";

function frameFacts(frame: SseFrame): FrameFacts {
  if (frame.data.trim() === "") return {};
  const body = parseLoosely(frame.data);
  const failure = errorOf(body);
  if (failure !== null) return { failure };
  return isRecord(body) ? chunkFacts(body) : { failure: unreadable() };
}

function chunkFacts(chunk: Members): FrameFacts {
  const candidate = firstCandidate(chunk);
  const parts = candidate === null ? [] : partsOf(candidate);
  const decodedFinish = decodeFinish(candidate?.["finishReason"]);
  if (decodedFinish instanceof Failure) return { failure: decodedFinish };
  const hasCall = parts.some((part) => part["functionCall"] !== undefined);
  const finish =
    decodedFinish === "stop" && hasCall
      ? "tool-calls"
      : (decodedFinish ?? (blockReasonOf(chunk) === null ? null : "refused"));
  const usage = decodeUsage(chunk["usageMetadata"]);
  const id = readText(chunk["responseId"]);
  const model = readText(chunk["modelVersion"]);
  return {
    ...(id === "" ? {} : { id }),
    ...(model === "" ? {} : { model }),
    ...(finish !== null || parts.some(hasContent) ? { startsAnswer: true } : {}),
    ...(usage === null ? {} : { usage }),
    ...(finish === null ? {} : { finish }),
    ...(hasCall ? { isCall: true } : {}),
  };
}

function hasContent(part: Members): boolean {
  return typeof part["text"] === "string" ? part["text"] !== "" : Object.keys(part).length > 0;
}

function textBytes(body: unknown): number {
  if (!isRecord(body) || !Array.isArray(body["candidates"])) return 0;
  let bytes = 0;
  for (const candidate of body["candidates"].filter(isRecord))
    for (const { text, functionCall: call, executableCode: code } of partsOf(candidate)) {
      bytes += textBytesIn(text);
      if (isRecord(call)) bytes += textBytesIn(call["name"]) + jsonBytesOf(call["args"]);
      if (isRecord(code)) bytes += textBytesIn(code["code"]);
    }
  return bytes;
}

/** Texts with a plain end; `decodeReply` judges calls, refusals, errors and oddities. */
function replyFacts(body: unknown): FrameFacts | null {
  if (!isRecord(body) || body["error"] !== undefined || body["promptFeedback"] !== undefined) return null;
  const candidate = firstCandidate(body);
  if (candidate === null) return null;
  const reason = candidate["finishReason"];
  if (reason !== "STOP" && reason !== "MAX_TOKENS") return null;
  const parts = partsOf(candidate);
  if (!parts.some(hasContent) || !parts.every((part) => typeof part["text"] === "string")) return null;
  return chunkFacts(body);
}

/** Rows with `isUnique`: with a duplicate, the vendor might read the other one. */
type FoundMembers = { model: JsonMember | undefined; contents: JsonMember | undefined };

function requiredEdits(scan: JsonScan, bytes: Buffer, target: TargetFacts): readonly JsonEdit[] {
  const seen: FoundMembers = { model: undefined, contents: undefined };
  for (const member of scan.members) {
    const row = requestMembers.row(member.key);
    if (row === undefined) continue;
    requestMembers.checkScanned(row, member, bytes);
    if (row.isUnique !== true) continue;
    const key = member.key as keyof FoundMembers;
    if (seen[key] !== undefined) throw invalid(key, `${key} appears more than once in the request body.`);
    seen[key] = member;
  }
  const { contents, model } = seen;
  if (contents === undefined) throw wrongKind("contents", "an array of contents", undefined);
  if (bytes.toString("latin1", contents.start + 1, contents.end - 1).trim() === "")
    throw invalid("contents", "contents must contain at least one content.");
  if (model === undefined || model.kind === "null") return [];
  const wanted = `models/${target.model}`;
  return readString(bytes, model.start, model.end) === wanted
    ? []
    : [{ key: "model", json: JSON.stringify(wanted) }];
}

const words = (...texts: readonly string[]): readonly Buffer[] => texts.map((text) => Buffer.from(text));
const callWords = words('"functionCall"', '"function_call"');
/** What a chat vendor added to its call, and other vendors' thinking. */
const ourSignaturePrefix = Buffer.from(`"${googleMark}`);
const signatureWords = words('"thoughtSignature"', '"thought_signature"');

function holdsAny({ scan, bytes }: ScannedBody, wanted: readonly Buffer[]): boolean {
  for (const word of wanted) if (placesOf(scan, bytes, word).length > 0) return true;
  return false;
}

function reasonToTranslate(
  body: ScannedBody,
  target: TargetFacts,
  takes: Takes | null,
  cannotThink: boolean,
): TranslateReason | null {
  const { scan, bytes } = body;
  if (holdsAny(body, translateMarkers)) return "foreign-part";
  if (cannotThink && thinkingWords.some((word) => bytes.includes(word))) return "no-thinking";
  const isSigned = holdsAny(body, signatureWords);
  if (isSigned && bytes.includes(ourSignaturePrefix)) return "clawgate-mark";
  // Other models' calls: only a translation makes an unsigned one acceptable to Gemini 3.
  if (!isSigned && (target.takes?.signedCalls ?? true) && holdsAny(body, callWords)) return "unsigned-calls";
  return takes !== null && exceeds(scan, bytes, takes) ? "model-limits" : null;
}

const thinkingWords = words('"thinkingConfig"', '"thinking_config"');

// A role of other formats and spellings of media types that Google refuses but the decoder accepts.
const translateMarkers = [...words('"assistant"'), ...refusedTypeWords];

export const passthrough: PassthroughHalf = {
  watchedWords: watchedWords([...translateMarkers, ...callWords, ...signatureWords]),
  reasonToTranslate,
  // Inside strings quotes are escaped: these markers occur only in frames with news (or as argument names).
  frameMarkers: ['"finishReason"', '"blockReason"', '"error"', '"functionCall"'],
  frameFacts,
  textBytes,
  replyFacts,
  requiredEdits,
};
