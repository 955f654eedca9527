// The endpoint /v1/messages/count_tokens: its request and its answer. The count is our estimate or the vendor's own.

import type { ChatRequest } from "../../canon/request.ts";
import type { Takes } from "../../canon/takes.ts";
import type { JsonEdit, JsonScan } from "../../wire/json.ts";
import { memberRecord } from "../exceeds-checks.ts";
import type { TargetFacts } from "../dialect.ts";
import { decodeBody } from "./decode-request.ts";
import { exceedsThinking, isForced } from "./exceeds.ts";

/** The same body as a message request, without `max_tokens`. Throws Failure `invalid-request`. */
export function decodeCountRequest(body: unknown): ChatRequest {
  return decodeBody(body, false);
}

/** For a model that the client did not name: changes members that the model would refuse to what it accepts. */
export function countEdits(
  scan: JsonScan,
  bytes: Buffer,
  { model, takes }: TargetFacts,
): readonly JsonEdit[] {
  const edits: JsonEdit[] = [{ key: "model", json: JSON.stringify(model) }];
  if (takes === null || takes === undefined) return edits;
  const { type } = memberRecord(scan, bytes, "thinking");
  if (exceedsThinking(takes, type, memberRecord(scan, bytes, "output_config")["effort"]))
    edits.push({ key: "thinking", json: thinkingWords[takes.thinking] });
  if (!takes.forcedTools && isForced(memberRecord(scan, bytes, "tool_choice")["type"]))
    edits.push({ key: "tool_choice", json: '{"type":"auto"}' });
  return edits;
}

const thinkingWords: Readonly<Record<Takes["thinking"], string>> = {
  adaptive: '{"type":"adaptive"}',
  budget: '{"type":"enabled","budget_tokens":1024}',
  none: '{"type":"disabled"}',
};

export function encodeTokenCount(tokens: number): unknown {
  return { input_tokens: tokens };
}
