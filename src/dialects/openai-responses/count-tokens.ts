// The token count of Responses (platform.openai.com/docs/api-reference/responses/input-tokens): its request, and its answer. The
// count is the gateway's estimate or the vendor's own.

import type { ChatRequest } from "../../canon/request.ts";
import { isRecord } from "../decoding.ts";
import { decodeRequest } from "./decode-request.ts";

/** Only the model is required. Throws Failure. */
export function decodeCountRequest(body: unknown): ChatRequest {
  if (!isRecord(body) || body.input !== undefined) return decodeRequest(body);
  return decodeRequest({ ...body, input: "" });
}

export function encodeTokenCount(tokens: number): unknown {
  return { object: "response.input_tokens", input_tokens: tokens };
}
