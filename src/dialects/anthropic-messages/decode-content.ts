// Content blocks of the Messages API -> canonical blocks. Hand-written for speed: every turn brings a body of 120 KB. It
// must never throw anything but Failure `invalid-request` with the exact `param`.

import { Failure } from "../../canon/failure.ts";
import type { Block, CacheMark, Extras, ImageBlock, OpaqueBlock, TextBlock } from "../../canon/request.ts";
import { isRecord } from "../decoding.ts";
import { mediaTypeOf } from "../media-type.ts";
import { toExtras, name, restOf } from "./extras.ts";

type Members = Record<string, unknown>;

export function invalid(param: string, message: string): Failure {
  return new Failure("invalid-request", `${param}: ${message}`, { param });
}

export function stringAt(record: Members, key: string, path: string): string {
  const value = record[key];
  if (typeof value !== "string") throw invalid(`${path}.${key}`, "must be a string");
  return value;
}

const textMembers = new Set(["type", "text", "cache_control"]);
const imageMembers = new Set(["type", "source", "cache_control"]);
const callMembers = new Set(["type", "id", "name", "input", "cache_control"]);
const resultMembers = new Set(["type", "tool_use_id", "content", "is_error", "cache_control"]);
const thinkingMembers = new Set(["type", "thinking", "signature"]);
const markMembers = new Set(["type", "ttl"]);

/** The cache mark and the unknown members of a block or tool. */
export function marksOf(
  record: Members,
  known: ReadonlySet<string>,
  path: string,
): { cache?: CacheMark; extras?: Extras } {
  let rest = restOf(record, known);
  const mark = record["cache_control"];
  if (mark === undefined || mark === null) return toExtras(rest);
  const at = `${path}.cache_control`;
  if (!isRecord(mark)) throw invalid(at, "must be an object");
  if (mark["type"] !== "ephemeral") throw invalid(`${at}.type`, 'must be "ephemeral"');
  const ttl = mark["ttl"] ?? null;
  if (ttl !== null && typeof ttl !== "string") throw invalid(`${at}.ttl`, "must be a string");
  // Claude Code's prompt-caching-scope beta adds `scope`: the whole mark is kept beside the canonical one.
  if (restOf(mark, markMembers) !== null) rest = { ...rest, cache_control: mark };
  return { cache: { ttl }, ...toExtras(rest) };
}

function decodeText(record: Members, path: string): TextBlock {
  return { type: "text", text: stringAt(record, "text", path), ...marksOf(record, textMembers, path) };
}

function decodeImage(record: Members, path: string): ImageBlock | OpaqueBlock {
  const source = record["source"];
  const at = `${path}.source`;
  if (!isRecord(source)) throw invalid(at, "must be an object");
  const type = stringAt(source, "type", at);
  if (type === "base64") {
    const mediaType = stringAt(source, "media_type", at);
    const data = stringAt(source, "data", at);
    const clean = /\s/.test(data) ? data.replace(/\s+/g, "") : data;
    const marks = marksOf(record, imageMembers, path);
    return {
      type: "image",
      source: { kind: "base64", mediaType: mediaTypeOf(mediaType, clean), data: clean },
      ...marks,
    };
  }
  if (type === "url") {
    const url = stringAt(source, "url", at);
    return { type: "image", source: { kind: "url", url }, ...marksOf(record, imageMembers, path) };
  }
  return { type: "opaque", dialect: name, value: record };
}

function decodeToolUse(record: Members, path: string): Block {
  const input = record["input"] ?? {};
  if (!isRecord(input)) throw invalid(`${path}.input`, "must be an object");
  return {
    type: "tool-call",
    id: stringAt(record, "id", path),
    name: stringAt(record, "name", path),
    input: JSON.stringify(input),
    ...marksOf(record, callMembers, path),
  };
}

function decodeToolResult(record: Members, path: string): Block {
  const isError = record["is_error"] ?? null;
  if (isError !== null && typeof isError !== "boolean")
    throw invalid(`${path}.is_error`, "must be true or false");
  const callId = stringAt(record, "tool_use_id", path);
  const { cache, extras } = marksOf(record, resultMembers, path);
  // Claude Code and OpenClaw write `is_error: false`; the canonical form cannot tell it from an absent one.
  const ownExtras = isError === false ? toExtras({ ...extras?.[name], is_error: false }) : { extras };
  return {
    type: "tool-result",
    callId,
    content: decodeResultContent(record["content"], `${path}.content`),
    isError: isError === true,
    ...(cache ? { cache } : {}),
    ...(ownExtras.extras ? { extras: ownExtras.extras } : {}),
  };
}

function decodeResultContent(value: unknown, path: string): (TextBlock | ImageBlock | OpaqueBlock)[] {
  if (value === undefined || value === null || value === "") return [];
  if (typeof value === "string") return [{ type: "text", text: value }];
  if (!Array.isArray(value)) throw invalid(path, "must be a string or an array of content blocks");
  return value.map((each: unknown, index) => {
    const at = `${path}[${index}]`;
    const record = blockRecord(each, at);
    switch (record["type"]) {
      case "text":
      case "input_text":
        return decodeText(record, at);
      case "image":
        return decodeImage(record, at);
      default:
        return { type: "opaque", dialect: name, value: record };
    }
  });
}

function decodeThinking(record: Members, path: string): Block {
  const signature = record["signature"] ?? "";
  if (typeof signature !== "string") throw invalid(`${path}.signature`, "must be a string");
  return {
    type: "thinking",
    text: stringAt(record, "thinking", path),
    signature: signature === "" ? null : signature,
    ...toExtras(restOf(record, thinkingMembers)),
  };
}

function blockRecord(value: unknown, path: string): Members {
  if (!isRecord(value)) throw invalid(path, "must be an object");
  if (typeof value["type"] !== "string") throw invalid(`${path}.type`, "must be a string");
  return value;
}

function decodeBlock(value: unknown, path: string): Block {
  const record = blockRecord(value, path);
  switch (record["type"]) {
    case "text":
    case "input_text": // older OpenClaw and clients that mix up the formats
      return decodeText(record, path);
    case "image":
      return decodeImage(record, path);
    case "tool_use":
      return decodeToolUse(record, path);
    case "tool_result":
      return decodeToolResult(record, path);
    case "thinking":
      return decodeThinking(record, path);
    default:
      // Documents, server tools, redacted thinking and future kinds: the API checks those.
      return { type: "opaque", dialect: name, value: record };
  }
}

/** A string or an array of blocks. */
export function decodeContent(value: unknown, path: string): Block[] {
  if (typeof value === "string") return value === "" ? [] : [{ type: "text", text: value }];
  if (!Array.isArray(value)) throw invalid(path, "must be a string or an array of content blocks");
  return value.map((each: unknown, index) => decodeBlock(each, `${path}[${index}]`));
}

/** `system`: a string or text blocks. */
export function decodeSystem(value: unknown): (TextBlock | OpaqueBlock)[] {
  if (value === undefined || value === null) return [];
  return decodeContent(value, "system").map((block, index) => {
    if (block.type === "text" || block.type === "opaque") return block;
    throw invalid(`system[${index}].type`, 'must be "text"');
  });
}
