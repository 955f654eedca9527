// Turns the client's `tools` and `toolConfig` into canonical ones. Google's own tools (search, code execution, maps) become
// opaque tools. It must never check a schema: the vendor of the model does.

import type { OpaqueTool, Tool, ToolChoice } from "../../canon/request.ts";
import {
  invalid,
  optionalList,
  optionalRecord,
  optionalText,
  shown,
  textAt,
  wordAt,
} from "../read-fields.ts";
import { messageAt, optionalMessage } from "./camel-keys.ts";
import { jsonSchemaOf } from "./openapi-schema.ts";
import { toExtras, type Members, name, restOf } from "./extras.ts";

export type DecodedTools = { readonly tools: Tool[]; readonly opaqueTools: OpaqueTool[] };

export function decodeTools(value: unknown): DecodedTools {
  const found: DecodedTools = { tools: [], opaqueTools: [] };
  // Google accepts a single tool in place of a list.
  const list = typeof value === "object" && value !== null && !Array.isArray(value) ? [value] : value;
  for (const [i, each] of optionalList(list, "tools").entries()) {
    const param = `tools[${i}]`;
    const raw = messageAt(each, param);
    const declared = optionalList(raw["functionDeclarations"], `${param}.functionDeclarations`);
    for (const [j, one] of declared.entries())
      found.tools.push(decodeTool(one, `${param}.functionDeclarations[${j}]`));
    for (const [type, settings] of Object.entries(raw))
      if (type !== "functionDeclarations" && settings !== null)
        found.opaqueTools.push({ dialect: name, type, value: { [type]: settings } });
  }
  return found;
}

const known: ReadonlySet<string> = new Set(["name", "description", "parameters", "parametersJsonSchema"]);

function decodeTool(value: unknown, param: string): Tool {
  const raw = messageAt(value, param);
  const openApi = optionalRecord(raw["parameters"], `${param}.parameters`);
  const jsonSchema = optionalRecord(raw["parametersJsonSchema"], `${param}.parametersJsonSchema`);
  const rest = restOf(raw, known);
  const ownExtras: Record<string, unknown> = {};
  if (openApi !== null) ownExtras["parameters"] = openApi;
  else if (jsonSchema === null) ownExtras["isWithoutSchema"] = true;
  if (Object.keys(rest).length > 0) ownExtras["rest"] = rest;
  return {
    name: wordAt(raw["name"], `${param}.name`),
    description: optionalText(raw["description"], `${param}.description`),
    schema: jsonSchema ?? (openApi === null ? { type: "object", properties: {} } : jsonSchemaOf(openApi)),
    ...toExtras(ownExtras),
  };
}

export type DecodedToolChoice = {
  readonly choice: ToolChoice | null;
  /** The client's own `toolConfig`, for a request to Google. */
  readonly toolConfig: Members | null;
};

export function decodeToolConfig(value: unknown, tools: readonly Tool[]): DecodedToolChoice {
  const toolConfig = optionalMessage(value, "toolConfig");
  const at = "toolConfig.functionCallingConfig";
  const calling = optionalMessage(toolConfig?.["functionCallingConfig"], at);
  if (calling === null) return { choice: null, toolConfig };
  const names = optionalList(calling["allowedFunctionNames"], `${at}.allowedFunctionNames`).map((each, i) =>
    textAt(each, `${at}.allowedFunctionNames[${i}]`),
  );
  const missing = names.find((each) => !tools.some((tool) => tool.name === each));
  if (missing !== undefined)
    throw invalid(
      `${at}.allowedFunctionNames`,
      `${at}.allowedFunctionNames holds ${shown(missing)}, which is not among tools.`,
    );
  return { choice: choiceOf(calling["mode"], names, `${at}.mode`), toolConfig };
}

function choiceOf(mode: unknown, names: readonly string[], param: string): ToolChoice | null {
  const [only] = names;
  switch (mode) {
    case undefined:
    case null:
    case "MODE_UNSPECIFIED":
      return null;
    case "AUTO":
    case "VALIDATED":
      return { type: "auto" };
    case "NONE":
      return { type: "none" };
    case "ANY":
      return names.length === 1 && only !== undefined ? { type: "tool", name: only } : { type: "required" };
    default:
      throw invalid(param, `${param} must be AUTO, ANY, NONE or VALIDATED, not ${shown(mode)}.`);
  }
}
