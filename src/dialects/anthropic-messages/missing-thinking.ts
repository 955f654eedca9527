// Detects a running tool turn that does not begin with thinking, as another vendor or a fallback leaves it: with a thinking
// budget the API refuses the conversation until the turn is over ("Expected `thinking` or `redacted_thinking`, but found
// `tool_use`"). It must never read more than the last turn, nor report a body when in doubt: the translation would change it.

import { type JsonScan, memberNamed } from "../../wire/json.ts";
import { memberRecord } from "../exceeds-checks.ts";
import type { TargetFacts } from "../dialect.ts";

const word = (name: string): Buffer => Buffer.from(`"${name}"`);
const role = word("role");
const call = word("tool_use");
const result = word("tool_result");
const thoughts = [word("thinking"), word("redacted_thinking")];

export function lacksThinking(bytes: Buffer, { takes }: TargetFacts, scan: JsonScan): boolean {
  if (takes?.thinking !== "budget") return false;
  if (memberRecord(scan, bytes, "thinking")["type"] !== "enabled") return false;
  const member = memberNamed(scan, "messages");
  if (member?.kind !== "array") return false;
  const messages = bytes.subarray(member.start, member.end);
  // If roles came after their contents, the pieces below would not be messages.
  if (!/^\[\s*\{\s*"role"/.test(messages.toString("latin1", 0, 64))) return false;
  let end = messages.length;
  let calls = false;
  for (
    let at = messages.lastIndexOf(role);
    at >= 0;
    at = at === 0 ? -1 : messages.lastIndexOf(role, at - 1)
  ) {
    const piece = messages.subarray(at, end);
    end = at;
    const [, who] = /^\s*:\s*"(\w+)"/.exec(piece.toString("latin1", role.length, role.length + 64)) ?? [];
    if (who === "user" && piece.includes(result)) continue;
    if (who !== "assistant") return calls;
    if (thoughts.some((each) => piece.includes(each))) return false;
    calls ||= piece.includes(call);
    // A conversation that ends with the assistant is not in a running turn.
    if (!calls) return false;
  }
  return calls;
}
