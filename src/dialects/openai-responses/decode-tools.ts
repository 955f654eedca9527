// Turns the client's `tools`, `tool_choice` and `text` into canonical ones. It must never judge a JSON schema: the
// model's vendor does.

import type { AnswerFormat, OpaqueTool, Tool, ToolChoice } from "../../canon/request.ts";
import { isRecord } from "../decoding.ts";
import { asFound, decodeSearchTool, searchType } from "./client-tool-search.ts";
import { describedText, freeTextSchema } from "../free-text-tools.ts";
import {
  invalid,
  optionalBoolean,
  optionalList,
  optionalRecord,
  optionalText,
  recordAt,
  shown,
  unsupported,
  wordAt,
  wrongKind,
} from "../read-fields.ts";
import { toExtras, name as dialect, extrasOf, type Wire } from "./extras.ts";
import { joinedName } from "./tool-id.ts";

export type DecodedTools = {
  readonly tools: Tool[];
  readonly opaqueTools: OpaqueTool[];
  /** Offered with every request and rarely called: left out where another API has no such tool. */
  readonly hosted: Wire[];
};

/** Codex declares these on every turn; without them the model answers without searching. */
const isSearch = (type: string): boolean => type.startsWith("web_search") || type === "tool_search";

export function decodeTools(value: unknown): DecodedTools {
  const tools: Tool[] = [];
  const opaqueTools: OpaqueTool[] = [];
  const hosted: Wire[] = [];
  for (const [i, each] of optionalList(value, "tools").entries()) {
    const param = `tools[${i}]`;
    const raw = recordAt(each, param);
    const type = wordAt(raw.type, `${param}.type`);
    if (type === "function") tools.push(decodeFunction(raw, param, null));
    else if (type === "custom") tools.push(decodeFreeText(raw, param, null));
    else if (type === "namespace") tools.push(...decodeNamespace(raw, param));
    else if (isSearch(type)) {
      const search = decodeSearchTool(raw);
      if (search === null) hosted.push(raw);
      else tools.push(search);
    } else opaqueTools.push({ dialect, type, value: raw });
  }
  return { tools, opaqueTools, hosted };
}

/** Tools that a search has found, except those already declared or specific to this API. */
export function decodeFoundTools(found: readonly unknown[], declared: readonly Tool[]): Tool[] {
  const known = new Set(declared.map(({ name }) => name));
  const plain = found.filter((each) => isRecord(each) && foundTypes.has(each.type));
  if (plain.length === 0) return [];
  return decodeTools(plain).tools.flatMap((tool) => {
    if (known.has(tool.name)) return [];
    known.add(tool.name);
    return [asFound(tool)];
  });
}

const foundTypes: ReadonlySet<unknown> = new Set(["function", "custom", "namespace", searchType]);

const functionMembers: ReadonlySet<string> = new Set(["type", "name", "description", "parameters"]);

function restOf(raw: Wire, known: ReadonlySet<string>): Wire {
  return Object.fromEntries(
    Object.entries(raw).filter(([key, value]) => !known.has(key) && key !== "__proto__" && value !== null),
  );
}

/** The function's name; inside a namespace the client's own name goes into extras. */
function named(raw: Wire, param: string, namespace: Wire | null): { name: string; ownExtras: Wire } {
  const name = wordAt(raw.name, `${param}.name`);
  if (namespace === null) return { name, ownExtras: {} };
  return { name: joinedName(wordAt(namespace.name, `${param}.name`), name), ownExtras: { name, namespace } };
}

function decodeFunction(raw: Wire, param: string, namespace: Wire | null): Tool {
  const { name, ownExtras } = named(raw, param, namespace);
  const strict = optionalBoolean(raw.strict, `${param}.strict`);
  return {
    name,
    ...(strict === true ? { strict } : {}),
    description: optionalText(raw.description, `${param}.description`),
    schema: optionalRecord(raw.parameters, `${param}.parameters`) ?? { type: "object", properties: {} },
    ...toExtras({ ...restOf(raw, functionMembers), ...ownExtras }),
  };
}

/**
 * A free-text tool as a function with one string; the grammar becomes a description, because no other API enforces one.
 */
function decodeFreeText(raw: Wire, param: string, namespace: Wire | null): Tool {
  const { name, ownExtras } = named(raw, param, namespace);
  const description = optionalText(raw.description, `${param}.description`);
  return {
    name,
    description: describedText(description, optionalRecord(raw.format, `${param}.format`)),
    schema: freeTextSchema,
    ...toExtras({ ...restOf(raw, new Set(["name"])), ...ownExtras, type: "custom" }),
  };
}

function decodeNamespace(raw: Wire, param: string): Tool[] {
  const { tools, ...namespace } = raw;
  return optionalList(tools, `${param}.tools`).map((each, i) => {
    const at = `${param}.tools[${i}]`;
    const inner = recordAt(each, at);
    if (inner.type === "function") return decodeFunction(inner, at, namespace);
    if (inner.type === "custom") return decodeFreeText(inner, at, namespace);
    throw unsupported(
      `${at}.type`,
      `${at} is a tool of type ${shown(inner.type)}; a namespace holds tools of type function or custom.`,
    );
  });
}

/** `foreign`: a choice that only this API knows (an allow-list, a hosted tool), as the client wrote it. */
export function decodeToolChoice(
  value: unknown,
  tools: readonly Tool[],
): { toolChoice: ToolChoice | null; foreign: unknown } {
  if (value === undefined || value === null) return { toolChoice: null, foreign: null };
  if (value === "none" || value === "auto" || value === "required")
    return { toolChoice: { type: value }, foreign: null };
  if (!isRecord(value))
    throw invalid(
      "tool_choice",
      `tool_choice must be none, auto, required or an object that names a tool, not ${shown(value)}.`,
    );
  const type = wordAt(value.type, "tool_choice.type");
  if (type !== "function" && type !== "custom") return { toolChoice: null, foreign: value };
  const name = wordAt(value.name, "tool_choice.name");
  const chosen = tools.find((tool) => tool.name === name || extrasOf(tool.extras).name === name);
  if (chosen === undefined)
    throw invalid("tool_choice.name", `tool_choice names ${shown(name)}, which is not among tools.`);
  return { toolChoice: { type: "tool", name: chosen.name }, foreign: null };
}

/** `rest`: verbosity and other members of `text`, and the description of a schema. */
export function decodeText(value: unknown): { format: AnswerFormat | null; rest: Wire | null } {
  const { format: raw, ...rest } = optionalRecord(value, "text") ?? {};
  const wanted = optionalRecord(raw, "text.format");
  const described = wanted === null ? null : optionalText(wanted.description, "text.format.description");
  if (described !== null) rest["format.description"] = described;
  return { format: decodeFormat(wanted), rest: Object.keys(rest).length > 0 ? rest : null };
}

function decodeFormat(wanted: Wire | null): AnswerFormat | null {
  if (wanted === null || wanted.type === "text") return null;
  if (wanted.type === "json_object") return { type: "json-object" };
  if (wanted.type !== "json_schema")
    throw wrongKind("text.format.type", "text, json_object or json_schema", wanted.type);
  return {
    type: "json-schema",
    name: wordAt(wanted.name, "text.format.name"),
    schema: optionalRecord(wanted.schema, "text.format.schema") ?? {},
    strict: optionalBoolean(wanted.strict, "text.format.strict"),
  };
}
