// The door /v1/messages/count_tokens: its request, and its answer. The count is the house's estimate or the vendor's own.

import type { ChatRequest } from "../../canon/request.ts";
import { decodeBody } from "./decode-request.ts";

/** The same body as a message's, without `max_tokens`. Throws Failure `invalid-request`. */
export function decodeCountRequest(body: unknown): ChatRequest {
  return decodeBody(body, false);
}

export function encodeTokenCount(tokens: number): unknown {
  return { input_tokens: tokens };
}
