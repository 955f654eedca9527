// Leaves out and notes the members of this format that reasoning models refuse, whether a body is encoded or repaired. It
// must never know a model by name.

import type { Takes } from "../../canon/takes.ts";
import { noteDropped, thinkingOff } from "../adaptation-notes.ts";
import type { Note } from "../dialect.ts";
import {
  continuedText,
  fitEffort,
  oneCallDropped,
  prefillContinued,
  acceptsSampling,
  schemaInstruction,
  schemaInWords,
  toolChoiceAuto,
} from "../fit-to-model.ts";
import { isRecord } from "../decoding.ts";
import { isEffort } from "../../canon/effort.ts";
import type { Wire } from "./extras.ts";

const penalties = ["frequency_penalty", "presence_penalty", "logit_bias"];
const parallel = "parallel_tool_calls";
const probabilities = ["logprobs", "top_logprobs"];

export function refusedKeys(takes: Takes, isOff: boolean): readonly string[] {
  return [
    ...(takes.penalties ? [] : penalties),
    ...(takes.penalties || acceptsSampling(takes, isOff) ? [] : probabilities),
    ...(takes.verbosity ? [] : ["verbosity"]),
    ...(takes.parallelChoice ? [] : [parallel]),
  ];
}

function without(members: Wire, keys: readonly string[], note: Note): Wire {
  if (!keys.some((key) => members[key] !== undefined)) return members;
  noteDropped(
    members,
    keys.filter((key) => key !== parallel),
    note,
  );
  if (keys.includes(parallel) && members[parallel] === false) note(oneCallDropped);
  return Object.fromEntries(Object.entries(members).filter(([key]) => !keys.includes(key)));
}

export function fitExtras(ownExtras: Wire, takes: Takes | null, isOff: boolean, note: Note): Wire {
  return takes === null ? ownExtras : without(ownExtras, refusedKeys(takes, isOff), note);
}

/** The same for a client's whole body, including the reductions otherwise made on the canonical form. */
export function fitBody(body: Wire, takes: Takes, note: Note): Wire {
  const isOff = body.reasoning_effort === "none";
  const sampling = !acceptsSampling(takes, isOff)
    ? ["temperature", "top_p"]
    : takes.sampling === "one" && body.temperature != null
      ? ["top_p"]
      : [];
  const kept = without(
    body,
    [...refusedKeys(takes, isOff), ...sampling, ...(takes.stops ? [] : ["stop"])],
    note,
  );
  const fitted = fitToolChoice(renameTokenLimit(fitEffortLevel(kept, takes, note), takes), takes, note);
  return fitPrefill(fitSchema(fitted, takes, note), takes, note);
}

function fitEffortLevel(body: Wire, takes: Takes, note: Note): Wire {
  const { reasoning_effort: effort, ...rest } = body;
  if (!isEffort(effort)) return body;
  if (takes.thinking === "none") {
    if (effort !== "none") note(thinkingOff);
    return rest;
  }
  const level = fitEffort(effort, takes, note);
  return level === null ? rest : level === effort ? body : { ...rest, reasoning_effort: level };
}

function renameTokenLimit(body: Wire, takes: Takes): Wire {
  if (!takes.newerLimit || body.max_tokens == null) return body;
  const { max_tokens: limit, ...rest } = body;
  return { ...rest, max_completion_tokens: rest.max_completion_tokens ?? limit };
}

export const isForced = (choice: unknown): boolean =>
  choice === "required" || (isRecord(choice) && choice.type === "function");

function fitToolChoice(body: Wire, takes: Takes, note: Note): Wire {
  if (takes.forcedTools || !isForced(body.tool_choice)) return body;
  note(toolChoiceAuto);
  return { ...body, tool_choice: "auto" };
}

export const schemaIn = (format: unknown): unknown =>
  isRecord(format) && format.type === "json_schema" && isRecord(format.json_schema)
    ? format.json_schema.schema
    : undefined;

function fitSchema(body: Wire, takes: Takes, note: Note): Wire {
  const schema = schemaIn(body.response_format);
  if (takes.schemas || schema === undefined || !Array.isArray(body.messages)) return body;
  note(schemaInWords);
  const asked = { role: "system", content: schemaInstruction(schema) };
  return {
    ...body,
    response_format: { type: "json_object" },
    messages: [asked, ...(body.messages as unknown[])],
  };
}

function fitPrefill(body: Wire, takes: Takes, note: Note): Wire {
  const messages: unknown = body.messages;
  if (takes.prefill || !Array.isArray(messages)) return body;
  const last: unknown = messages.at(-1);
  if (!isRecord(last) || last.role !== "assistant") return body;
  note(prefillContinued);
  return { ...body, messages: [...(messages as unknown[]), { role: "user", content: continuedText }] };
}
