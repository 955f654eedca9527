// The verb countTokens: its request and its answer. The count is our estimate or the vendor's own.

import type { ChatRequest } from "../../canon/request.ts";
import type { JsonEdit, JsonScan } from "../../wire/json.ts";
import { isRecord, parseLoosely } from "../decoding.ts";
import { decodeRequest } from "./decode-request.ts";

/** `contents`, or a whole request under `generateContentRequest`. Throws Failure `invalid-request`. */
export function decodeCountRequest(body: unknown): ChatRequest {
  if (!isRecord(body)) return decodeRequest(body);
  const whole = body["generateContentRequest"] ?? body["generate_content_request"];
  return decodeRequest(isRecord(whole) ? whole : body);
}

export function encodeTokenCount(tokens: number): unknown {
  return { totalTokens: tokens };
}

/** A whole request also contains its model. */
export function countEdits(scan: JsonScan, bytes: Buffer, model: string): readonly JsonEdit[] {
  return scan.members.flatMap(({ key, start, end }) => {
    if (key !== "generateContentRequest" && key !== "generate_content_request") return [];
    const inner = parseLoosely(bytes.toString("utf8", start, end));
    return isRecord(inner) ? [{ key, json: JSON.stringify({ ...inner, model: `models/${model}` }) }] : [];
  });
}
