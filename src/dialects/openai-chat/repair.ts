// Repairs a client's own chat body for vendors of the same format that would refuse it: the members that the canonical form
// cannot hold (several answers, log probabilities, files, speech) stay as they are. It must never change its input.

import { thinkingOff, toolIdsRewritten, ignoreNote } from "../adaptation-notes.ts";
import { isRecord } from "../decoding.ts";
import type { Note, TargetFacts } from "../dialect.ts";
import { fitBody } from "./fit-members.ts";
import { encodeToolId } from "./tool-id.ts";
import type { Wire } from "./extras.ts";

export function repair(written: Wire, target: TargetFacts, note: Note = ignoreNote): Wire {
  const takes = target.takes ?? null;
  const body = takes === null ? written : fitBody(written, takes, note);
  const { reasoning_effort: effort, ...rest } = body;
  const isLeftOut = target.canThink === false && effort !== undefined && effort !== null;
  if (isLeftOut && effort !== "none") note(thinkingOff);
  const messages: unknown = body.messages;
  return {
    ...(isLeftOut ? rest : body),
    messages: Array.isArray(messages) ? messages.map((each: unknown) => repairMessage(each, note)) : messages,
  };
}

function repairMessage(message: unknown, note: Note): unknown {
  if (!isRecord(message)) return message;
  const { role, content, tool_calls: calls, tool_call_id: resultOf } = message;
  const idOf = (id: unknown): unknown => {
    if (typeof id !== "string") return id;
    const outgoing = encodeToolId(id);
    if (outgoing !== id) note(toolIdsRewritten);
    return outgoing;
  };
  return {
    ...message,
    ...(role === "developer" ? { role: "system" } : {}),
    ...(Array.isArray(content) ? { content: content.map(repairPart) } : {}),
    ...(resultOf === undefined ? {} : { tool_call_id: idOf(resultOf) }),
    ...(Array.isArray(calls)
      ? { tool_calls: calls.map((call: unknown) => (isRecord(call) ? { ...call, id: idOf(call.id) } : call)) }
      : {}),
  };
}

/** Parts as Responses writes them. */
function repairPart(part: unknown): unknown {
  if (!isRecord(part)) return part;
  const { type, image_url: image } = part;
  if (type === "input_text" || type === "output_text") return { type: "text", text: part.text };
  if (type !== "input_image") return part;
  return { type: "image_url", image_url: typeof image === "string" ? { url: image } : image };
}
