// The express lane's view: what one frame tells the record, and which top-level members must change on the way up.
// It must never parse more than a frame, and never touch a byte that need not change.

import { Failure } from "../../canon/failure.ts";
import { type JsonEdit, type JsonMember, type JsonScan, memberNamed, readString } from "../../wire/json.ts";
import type { SseFrame } from "../../wire/sse.ts";
import { isRecord, parseLoosely } from "../decoding.ts";
import { cutTokens, unheard } from "../adapting.ts";
import type { Glance, Note, RelayHalf, TargetFacts } from "../dialect.ts";
import { bytesIn } from "../words-said.ts";
import { errorOf, readText } from "./answer.ts";
import { steeringKeys, steeringRefused } from "./decode-request.ts";
import { exceeds } from "./exceeds.ts";
import { invalid, wrongKind } from "../fields.ts";
import { asksClient, decodeFinish, isRefusing } from "./finish.ts";
import type { Wire } from "./pocket.ts";
import { checkMember, valueOf } from "./relayed-members.ts";
import { mark } from "./sealed-thinking.ts";
import { readEvent } from "./stream-decoder.ts";
import { readUsage } from "./usage.ts";

function glance(frame: SseFrame): Glance {
  const event = readEvent(frame);
  if (event === null) return {};
  if (event instanceof Failure) return { failure: event };
  const type = readText(event.type);
  const isEnd = type === "response.completed" || type === "response.incomplete";
  if (isRecord(event.response)) {
    const named = namesOf(event.response);
    return isEnd
      ? { ...named, ...endOf(event.response, type === "response.incomplete"), opens: true, isEnd: true }
      : named;
  }
  return {
    ...(opens(event, type) ? { opens: true } : {}),
    ...(type === "response.refusal.delta" ? { isRefusal: true } : {}),
  };
}

function namesOf(response: Wire): Glance {
  const id = readText(response.id);
  const model = readText(response.model);
  return { ...(id === "" ? {} : { id }), ...(model === "" ? {} : { model }) };
}

function endOf(response: Wire, isIncomplete: boolean): Glance {
  const output = Array.isArray(response.output) ? response.output.filter(isRecord) : [];
  const held = { hasCalls: output.some(asksClient), isRefused: output.some(isRefusing) };
  const usage = readUsage(response.usage);
  return {
    finish: decodeFinish(response, isIncomplete, held),
    ...(usage === null ? {} : { usage }),
  };
}

function opens(event: Wire, type: string): boolean {
  if (type === "response.output_item.done") return true;
  if (type !== "response.output_item.added") return type.endsWith(".delta") && readText(event.delta) !== "";
  return isRecord(event.item) && event.item.type !== "message" && event.item.type !== "reasoning";
}

function said(body: unknown): number {
  if (!isRecord(body)) return 0;
  const type = readText(body.type);
  if (type.endsWith(".delta")) return type.startsWith("response.audio.") ? 0 : bytesIn(body.delta);
  if (type === "response.output_item.added" && isRecord(body.item)) return bytesIn(body.item.name);
  return type === "" && Array.isArray(body.output) ? bytesIn(body.output, ["call_id"]) : 0;
}

/** Texts with a plain end; calls, refusals, errors and oddities are `readReply`'s to judge. */
function glanceReply(body: unknown): Glance | null {
  if (!isRecord(body) || body.status !== "completed" || errorOf(body) !== null) return null;
  if (!Array.isArray(body.output) || body.output.length === 0) return null;
  const isPlain = (item: unknown): boolean =>
    isRecord(item) && item.type === "message" && Array.isArray(item.content) && !isRefusing(item);
  return body.output.every(isPlain) ? { ...namesOf(body), ...endOf(body, false) } : null;
}

/** Members that we read or change: two of one name, and the vendor might read the other one. */
const onlyOnce: ReadonlySet<string> = new Set(["model", "input", "stream", "max_output_tokens"]);

function edits(
  scan: JsonScan,
  bytes: Buffer,
  target: TargetFacts,
  note: Note = unheard,
): readonly JsonEdit[] {
  const found = new Map<string, JsonMember>();
  for (const member of scan.members) {
    const { key } = member;
    if (steeringKeys.has(key)) throw steeringRefused(key);
    checkMember(member, bytes);
    if (!onlyOnce.has(key)) continue;
    if (found.has(key)) throw invalid(key, `${key} appears more than once in the request body.`);
    found.set(key, member);
  }
  const model = found.get("model");
  if (model !== undefined && model.kind !== "string")
    throw wrongKind("model", "a string", valueOf(model, bytes));
  const limit = found.get("max_output_tokens");
  const changes: JsonEdit[] = [];
  if (model === undefined || readString(bytes, model.start, model.end) !== target.model)
    changes.push({ key: "model", json: JSON.stringify(target.model) });
  if (limit?.kind === "number") {
    const wish = Number(bytes.toString("latin1", limit.start, limit.end));
    const tokens = cutTokens(wish, target, note);
    if (tokens < wish) changes.push({ key: "max_output_tokens", json: String(tokens) });
  }
  return changes;
}

function wishesToThink(scan: JsonScan, bytes: Buffer): boolean {
  const member = memberNamed(scan, "reasoning");
  if (member?.kind !== "object") return false;
  const value = parseLoosely(bytes.toString("utf8", member.start, member.end));
  return isRecord(value) && value.effort !== "none" && Object.values(value).some((each) => each !== null);
}

export const relay: RelayHalf = {
  // Reasoning that another vendor signed or whose id we keep: only the hub can take our mark off.
  declines: [Buffer.from(`"${mark}`)],
  // Inside strings quotes are escaped: these mark only frames with news.
  markers: [
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
  glance,
  said,
  glanceReply,
  edits,
  exceeds,
  wishesToThink,
};
