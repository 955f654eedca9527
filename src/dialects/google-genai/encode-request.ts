// Turns a canonical request into the body for Google. Model and streaming are in the path (dialect.ts). It must never
// read another dialect's extras, nor drop what would change the answer.

import type { ChatRequest, Tool } from "../../canon/request.ts";
import { isRecord } from "../decoding.ts";
import { ignoreNote } from "../adaptation-notes.ts";
import { withLoadedTools } from "../deferred-tools.ts";
import type { Note, TargetFacts } from "../dialect.ts";
import { unsupported } from "../read-fields.ts";
import { fitToModel } from "../fit-to-model.ts";
import { encodeGenerationConfig, encodeToolConfig } from "./encode-config.ts";
import { orderSystem } from "../order-history.ts";
import { encodeMessages, historyRules } from "./encode-messages.ts";
import { encodePlain, type Part } from "./encode-content.ts";
import { name, extrasOf } from "./extras.ts";
import { requestMembers } from "./members.ts";
import { refuseCandidates } from "./refuse-translation.ts";

type Wire = Record<string, unknown>;

/** "Must start with a letter or an underscore. Must be a-z, A-Z, 0-9, or contain underscores, dots, colons and dashes, with a maximum length of 128" (@google/genai 3.1.0). */
const toolNamePattern = /^[A-Za-z_][A-Za-z0-9_.:-]{0,127}$/;

export function encodeRequest(asked: ChatRequest, target: TargetFacts, note: Note = ignoreNote): Wire {
  const request = fitToModel(withLoadedTools(asked), target, note);
  const refusal = refuseCandidates(request);
  if (refusal !== null) throw refusal;
  const { rest } = extrasOf(request.extras);
  const contents = encodeMessages(request.messages, target.takes?.signedCalls ?? true, note);
  const body: Wire = { ...(isRecord(rest) ? requestMembers.passedOn(rest) : {}), contents };
  const system: Part[] = orderSystem(request.system, historyRules, note).flatMap(encodePlain);
  if (system.length > 0) body["systemInstruction"] = { parts: system };
  const tools = encodeTools(request);
  if (tools.length > 0) body["tools"] = tools;
  const toolConfig = encodeToolConfig(request);
  if (tools.length > 0 && request.parallelTools === false) note("one-call-at-a-time-dropped");
  if (request.tools.some((tool) => tool.strict === true)) note("strict-tools-dropped");
  if (toolConfig !== null) body["toolConfig"] = toolConfig;
  const config = encodeGenerationConfig(request, target, note);
  if (config !== null) body["generationConfig"] = config;
  return body;
}

function encodeTools(request: ChatRequest): unknown[] {
  const foreign = request.opaqueTools.find((tool) => tool.dialect !== name);
  if (foreign !== undefined)
    throw unsupported(
      "tools",
      `Tools of type "${foreign.type}" cannot be sent to this model: its API does not know them.`,
    );
  const declared = request.tools.map(encodeTool);
  return [
    ...(declared.length === 0 ? [] : [{ functionDeclarations: declared }]),
    ...request.opaqueTools.map((tool) => tool.value),
  ];
}

/**
 * Full JSON Schema goes into `parametersJsonSchema`: `parameters` accepts only a subset of OpenAPI and refuses the rest by name.
 */
function encodeTool(tool: Tool): Wire {
  if (!toolNamePattern.test(tool.name))
    throw unsupported(
      "tools",
      `The tool name ${JSON.stringify(tool.name.slice(0, 140))} cannot be sent to this model: its API wants a letter or underscore first, then at most 127 of letters, digits and _ . : -`,
    );
  const { parameters, isWithoutSchema, rest } = extrasOf(tool.extras);
  const schema =
    parameters !== undefined
      ? { parameters }
      : isWithoutSchema === true
        ? {}
        : { parametersJsonSchema: tool.schema };
  return {
    name: tool.name,
    ...(tool.description === null ? {} : { description: tool.description }),
    ...schema,
    ...(isRecord(rest) ? rest : {}),
  };
}
