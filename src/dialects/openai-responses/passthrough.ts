// Responses bodies and frames that pass through: what one frame adds to the record, and which top-level members must
// change on the way up. It must never parse more than a frame, and never touch a byte that need not change.

import { Failure } from "../../canon/failure.ts";
import type { Takes } from "../../canon/takes.ts";
import { type JsonEdit, type JsonMember, type JsonScan, memberNamed, readString } from "../../wire/json.ts";
import type { SseFrame } from "../../wire/sse.ts";
import { isRecord, parseLoosely } from "../decoding.ts";
import { cutTokens, ignoreNote } from "../adaptation-notes.ts";
import type { FrameFacts, Note, PassthroughHalf, ScannedBody, TargetFacts } from "../dialect.ts";
import { textBytesIn } from "../text-bytes.ts";
import type { TranslateReason } from "../../canon/translate-reason.ts";
import { errorOf, readText } from "./decode-answer.ts";
import { exceeds } from "./exceeds.ts";
import { invalid } from "../read-fields.ts";
import { asksClient, decodeFinish, isRefusing } from "./finish.ts";
import type { Wire } from "./extras.ts";
import { requestMembers } from "./members.ts";
import { reasoningMark } from "./encrypted-reasoning.ts";
import { readEvent } from "./stream-decoder.ts";
import { decodeUsage } from "./usage.ts";

function frameFacts(frame: SseFrame): FrameFacts {
  const event = readEvent(frame);
  if (event === null) return {};
  if (event instanceof Failure) return { failure: event };
  const type = readText(event.type);
  const isEnd = type === "response.completed" || type === "response.incomplete";
  if (isRecord(event.response)) {
    const named = responseIdentity(event.response);
    return isEnd
      ? {
          ...named,
          ...responseEnd(event.response, type === "response.incomplete"),
          startsAnswer: true,
          isEnd: true,
        }
      : named;
  }
  return {
    ...(startsAnswer(event, type) ? { startsAnswer: true } : {}),
    ...(type === "response.refusal.delta" ? { isRefusal: true } : {}),
  };
}

function responseIdentity(response: Wire): FrameFacts {
  const id = readText(response.id);
  const model = readText(response.model);
  return { ...(id === "" ? {} : { id }), ...(model === "" ? {} : { model }) };
}

function responseEnd(response: Wire, isIncomplete: boolean): FrameFacts {
  const output = Array.isArray(response.output) ? response.output.filter(isRecord) : [];
  const held = { hasCalls: output.some(asksClient), isRefused: output.some(isRefusing) };
  const usage = decodeUsage(response.usage);
  return {
    finish: decodeFinish(response, isIncomplete, held),
    ...(usage === null ? {} : { usage }),
  };
}

function startsAnswer(event: Wire, type: string): boolean {
  if (type === "response.output_item.done") return true;
  if (type !== "response.output_item.added") return type.endsWith(".delta") && readText(event.delta) !== "";
  return isRecord(event.item) && event.item.type !== "message" && event.item.type !== "reasoning";
}

function textBytes(body: unknown): number {
  if (!isRecord(body)) return 0;
  const type = readText(body.type);
  if (type.endsWith(".delta")) return type.startsWith("response.audio.") ? 0 : textBytesIn(body.delta);
  if (type === "response.output_item.added" && isRecord(body.item)) return textBytesIn(body.item.name);
  return type === "" && Array.isArray(body.output) ? textBytesIn(body.output, ["call_id"]) : 0;
}

/** Texts with a plain end; null for calls, refusals, errors and anything else, which `decodeReply` reads. */
function replyFacts(body: unknown): FrameFacts | null {
  if (!isRecord(body) || body.status !== "completed" || errorOf(body) !== null) return null;
  if (!Array.isArray(body.output) || body.output.length === 0) return null;
  const isPlain = (item: unknown): boolean =>
    isRecord(item) && item.type === "message" && Array.isArray(item.content) && !isRefusing(item);
  return body.output.every(isPlain) ? { ...responseIdentity(body), ...responseEnd(body, false) } : null;
}

function requiredEdits(
  scan: JsonScan,
  bytes: Buffer,
  target: TargetFacts,
  note: Note = ignoreNote,
): readonly JsonEdit[] {
  const found = new Map<string, JsonMember>();
  for (const member of scan.members) {
    const { key } = member;
    const row = requestMembers.row(key);
    if (row === undefined) continue;
    requestMembers.checkScanned(row, member, bytes);
    if (row.isUnique !== true) continue;
    if (found.has(key)) throw invalid(key, `${key} appears more than once in the request body.`);
    found.set(key, member);
  }
  const model = found.get("model");
  const limit = found.get("max_output_tokens");
  const changes: JsonEdit[] = [];
  if (model === undefined || readString(bytes, model.start, model.end) !== target.model)
    changes.push({ key: "model", json: JSON.stringify(target.model) });
  if (limit?.kind === "number") {
    const wanted = Number(bytes.toString("latin1", limit.start, limit.end));
    const tokens = cutTokens(wanted, target, note);
    if (tokens < wanted) changes.push({ key: "max_output_tokens", json: String(tokens) });
  }
  return changes;
}

function asksForThinking(scan: JsonScan, bytes: Buffer): boolean {
  const member = memberNamed(scan, "reasoning");
  if (member?.kind !== "object") return false;
  const value = parseLoosely(bytes.toString("utf8", member.start, member.end));
  return isRecord(value) && value.effort !== "none" && Object.values(value).some((each) => each !== null);
}

/** Reasoning that another vendor signed or whose id we keep: only a translation removes our mark. */
const reasoningMarkWord = Buffer.from(`"${reasoningMark}`);

function reasonToTranslate(
  { scan, bytes }: ScannedBody,
  _target: TargetFacts,
  takes: Takes | null,
  cannotThink: boolean,
): TranslateReason | null {
  if (bytes.includes(reasoningMarkWord)) return "clawgate-mark";
  if (cannotThink && asksForThinking(scan, bytes)) return "no-thinking";
  return takes !== null && exceeds(scan, bytes, takes) ? "model-limits" : null;
}

export const passthrough: PassthroughHalf = {
  reasonToTranslate,
  // Inside strings quotes are escaped: these markers occur only in frames with news.
  frameMarkers: [
    '"response.completed"',
    '"response.incomplete"',
    '"response.failed"',
    '"response.refusal',
    '"error"',
    "event: error",
    "event: response.completed",
    "event: response.incomplete",
    "event: response.failed",
  ],
  frameFacts,
  textBytes,
  replyFacts,
  requiredEdits,
};
