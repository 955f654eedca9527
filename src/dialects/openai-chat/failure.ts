// A failure as a frame of this format's stream, in OpenAI's form (../openai-failure.ts).
// It must never be followed by [DONE].

import type { Failure } from "../../canon/failure.ts";
import { encodeFrame } from "../../wire/sse.ts";
import { encodeFailure } from "../openai-failure.ts";

export function encodeFailureFrame(failure: Failure): string {
  return encodeFrame(JSON.stringify(encodeFailure(failure)));
}
