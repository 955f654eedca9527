// Turns the client's `tools`, `tool_choice` and `response_format` into canonical ones. It must never judge a JSON
// schema: the model's vendor does.

import type { AnswerFormat, OpaqueTool, Tool, ToolChoice } from "../../canon/request.ts";
import { isRecord } from "../decoding.ts";
import { describedText, freeTextSchema } from "../free-text-tools.ts";
import { choiceRefused } from "./members.ts";
import { normalizedTool } from "./normalize-tools.ts";
import {
  invalid,
  optionalBoolean,
  optionalList,
  optionalRecord,
  optionalText,
  recordAt,
  shown,
  textAt,
  unsupported,
  wordAt,
} from "../read-fields.ts";
import { name as dialect, extrasOf } from "./extras.ts";

export function decodeTools(value: unknown): { tools: Tool[]; opaqueTools: OpaqueTool[] } {
  const tools: Tool[] = [];
  const opaqueTools: OpaqueTool[] = [];
  for (const [i, each] of optionalList(value, "tools").entries()) {
    const param = `tools[${i}]`;
    const raw = recordAt(normalizedTool(each), param);
    const type = textAt(raw.type, `${param}.type`);
    if (type === "custom") {
      tools.push(decodeFreeText(recordAt(raw.custom, `${param}.custom`), `${param}.custom`));
    } else tools.push(decodeTool(raw, type, param));
  }
  return { tools, opaqueTools };
}

function decodeTool(raw: Record<string, unknown>, type: string, param: string): Tool {
  if (type !== "function")
    throw unsupported(
      `${param}.type`,
      `${param} is a tool of type ${shown(type)}; only tools of type "function" or "custom" are supported here.`,
    );
  const declared = recordAt(raw.function, `${param}.function`);
  const strict = optionalBoolean(declared.strict, `${param}.function.strict`);
  const tool = {
    name: wordAt(declared.name, `${param}.function.name`),
    description: optionalText(declared.description, `${param}.function.description`),
    schema: optionalRecord(declared.parameters, `${param}.function.parameters`) ?? {
      type: "object",
      properties: {},
    },
  };
  if (strict === null) return tool;
  return { ...tool, ...(strict ? { strict } : {}), extras: { [dialect]: { strict } } };
}

/** Extras keep the client's own form, for models that accept it. */
function decodeFreeText(custom: Record<string, unknown>, param: string): Tool {
  const { format } = custom;
  const grammar =
    isRecord(format) && isRecord(format.grammar) ? { type: "grammar", ...format.grammar } : format;
  return {
    name: wordAt(custom.name, `${param}.name`),
    description: describedText(optionalText(custom.description, `${param}.description`), grammar),
    schema: freeTextSchema,
    extras: { [dialect]: { custom } },
  };
}

export const isFreeText = (tool: Tool): boolean => isRecord(extrasOf(tool.extras).custom);

/** Choices that only this format knows. */
export function isOpenAiChoice(value: unknown): value is Record<string, unknown> {
  return isRecord(value) && value.type === "allowed_tools";
}

export function decodeToolChoice(value: unknown, tools: readonly Tool[]): ToolChoice | null {
  if (value === undefined || value === null || isOpenAiChoice(value)) return null;
  if (value === "none" || value === "auto" || value === "required") return { type: value };
  if (typeof value !== "object" || Array.isArray(value)) throw choiceRefused(value);
  const raw = recordAt(normalizedTool(value), "tool_choice");
  if (raw.type === "custom") {
    const named = wordAt(recordAt(raw.custom, "tool_choice.custom").name, "tool_choice.custom.name");
    if (tools.some((tool) => tool.name === named)) return { type: "tool", name: named };
    throw invalid("tool_choice.custom.name", `tool_choice names ${shown(named)}, which is not among tools.`);
  }
  if (raw.type !== "function")
    throw unsupported(
      "tool_choice.type",
      `tool_choice of type ${shown(raw.type)} is not supported here; use none, auto, required or {"type":"function","function":{"name":...}}.`,
    );
  const name = wordAt(recordAt(raw.function, "tool_choice.function").name, "tool_choice.function.name");
  if (!tools.some((tool) => tool.name === name))
    throw invalid("tool_choice.function.name", `tool_choice names ${shown(name)}, which is not among tools.`);
  return { type: "tool", name };
}

/** `description` of a JSON schema has no canonical place; it is kept in this dialect's extras. */
export function decodeFormat(value: unknown): { format: AnswerFormat | null; description: string | null } {
  const raw = optionalRecord(value, "response_format");
  if (raw === null || raw.type === "text") return { format: null, description: null };
  if (raw.type === "json_object") return { format: { type: "json-object" }, description: null };
  if (raw.type !== "json_schema") {
    const type = wordAt(raw.type, "response_format.type");
    throw unsupported(
      "response_format.type",
      `response_format of type ${shown(type)} is not supported here; use text, json_object or json_schema.`,
    );
  }
  const at = "response_format.json_schema";
  const wanted = recordAt(raw.json_schema, at);
  const format: AnswerFormat = {
    type: "json-schema",
    name: wordAt(wanted.name, `${at}.name`),
    schema: optionalRecord(wanted.schema, `${at}.schema`) ?? {},
    strict: optionalBoolean(wanted.strict, `${at}.strict`),
  };
  return { format, description: optionalText(wanted.description, `${at}.description`) };
}
