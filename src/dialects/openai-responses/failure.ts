// A failure as the events of this format's stream, in OpenAI's form (../openai-failure.ts). It must never promise more
// of the answer: what came before the failure is all that the client gets.

import type { Failure } from "../../canon/failure.ts";
import { encodeFrame } from "../../wire/sse.ts";
import { encodeFailure as spokenFailure, type ErrorBody } from "../openai-failure.ts";
import { answerId, type Frame } from "./encode-answer.ts";

/** The gateway uses the most common names of members; this API has others. */
const ownNames: Readonly<Record<string, string>> = {
  messages: "input",
  max_tokens: "max_output_tokens",
  response_format: "text.format",
  thinking: "reasoning",
};

export function encodeFailure(failure: Failure): ErrorBody {
  const { error } = spokenFailure(failure);
  const param = error.param === null ? null : (ownNames[error.param] ?? error.param);
  return { error: { ...error, param } };
}

/**
 * `error`, then `response.failed`, as OpenAI sends them: some clients know only the first (the SDKs), some only the second
 * (Codex). The members of `error` appear twice, because the specification has them flat and OpenAI sends them nested.
 */
export function failureFrames(
  failure: Failure,
  requestId: string,
  frame: Frame | null,
  sequence: number,
): string {
  const { error } = encodeFailure(failure);
  const { code, message, param } = error;
  const errorEvent = { type: "error", sequence_number: sequence, code, message, param, error };
  const failed = {
    type: "response.failed",
    sequence_number: sequence + 1,
    response: {
      id: answerId(frame?.id ?? "", { requestId }),
      object: "response",
      created_at: 0,
      status: "failed",
      error: { code: code ?? error.type, message },
      incomplete_details: null,
      model: frame?.model ?? "",
      output: [],
      usage: null,
    },
  };
  return (
    encodeFrame(JSON.stringify(errorEvent), errorEvent.type) +
    encodeFrame(JSON.stringify(failed), failed.type)
  );
}

/** For a stream with an unknown number of earlier events. */
export function encodeFailureFrame(failure: Failure, requestId: string): string {
  return failureFrames(failure, requestId, null, 0);
}
