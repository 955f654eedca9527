// Gemini's own rules for a generateContent body, as its API enforces them. The first rule broken is returned as a sentence; null is good.

import { listOf, recordOf, textOf } from "./json.ts";
import type { Json } from "./json.ts";
import { signatureOf } from "./plan.ts";
import { contentsOf } from "./turn-google.ts";

const words = (text: string): ReadonlySet<string> => new Set(text.split(" "));
const members = words(
  "contents systemInstruction tools toolConfig safetySettings generationConfig cachedContent model labels",
);
const configMembers = words(
  "stopSequences responseMimeType responseSchema responseJsonSchema responseModalities candidateCount maxOutputTokens temperature topP " +
    "topK seed presencePenalty frequencyPenalty responseLogprobs logprobs speechConfig thinkingConfig mediaResolution imageConfig",
);
const partMembers = words(
  "text inlineData fileData functionCall functionResponse executableCode codeExecutionResult toolCall toolResponse thought thoughtSignature " +
    "videoMetadata partMetadata",
);
const dataMembers =
  "text inlineData fileData functionCall functionResponse executableCode codeExecutionResult toolCall toolResponse".split(
    " ",
  );
/** The `Schema` message; other parts of JSON Schema are valid only in `parametersJsonSchema` and `responseJsonSchema`. */
const schemaMembers = words(
  "type format title description nullable enum maxItems minItems properties required minProperties maxProperties minLength maxLength " +
    "pattern example anyOf propertyOrdering default items minimum maximum",
);

function unknownIn(value: Json, known: ReadonlySet<string>, at: string): string | null {
  const name = Object.keys(value).find((key) => !known.has(key));
  return name === undefined
    ? null
    : `Invalid JSON payload received. Unknown name "${name}" at '${at}': Cannot find field.`;
}

function breachInSchema(value: unknown, at: string): string | null {
  if (value === undefined) return null;
  const schema = recordOf(value);
  const own = unknownIn(schema, schemaMembers, at);
  if (own) return own;
  const inner = [
    ...Object.entries(recordOf(schema.properties)),
    ...listOf(schema.anyOf).map((entry, index) => [`any_of[${index}]`, entry] as const),
    ...(schema.items === undefined ? [] : [["items", schema.items] as const]),
  ];
  for (const [name, entry] of inner) {
    const breach = breachInSchema(entry, `${at}.${name}`);
    if (breach) return breach;
  }
  return null;
}

/** The second one is the vendor's own value for content of another origin. */
const isSealOf = (name: string, seal: string): boolean =>
  seal === signatureOf(name) || seal === "skip_thought_signature_validator";

function breachInContent(content: Json, at: string): string | null {
  if (content.role !== undefined && content.role !== "user" && content.role !== "model")
    return `Please use a valid role: user, model (${at}).`;
  const parts = listOf(content.parts).map(recordOf);
  if (parts.length === 0) return `${at}.parts: contents.parts must not be empty.`;
  for (const part of parts) {
    const breach = unknownIn(part, partMembers, `${at}.parts`);
    if (breach) return breach;
    const hasData = dataMembers.some((name) => name in part);
    if (!hasData) return `${at}.parts: required oneof field 'data' must have one initialized field`;
    const seal = textOf(part.thoughtSignature);
    if (
      part.functionCall !== undefined &&
      seal !== "" &&
      !isSealOf(textOf(recordOf(part.functionCall).name), seal)
    )
      return `${at}: Thought signature is not valid.`;
    if (part.functionCall !== undefined && content.role !== "model")
      return `${at}: function call in a turn of role ${textOf(content.role)}.`;
  }
  return null;
}

/** Calls must be answered all together, by their names. */
function breachInCalls(contents: readonly Json[]): string | null {
  const namesIn = (content: Json | undefined, member: string): string[] =>
    listOf(content?.parts)
      .map((part) => recordOf(part)[member])
      .filter((call) => call !== undefined)
      .map((call) => textOf(recordOf(call).name))
      .sort();
  for (const [index, content] of contents.entries()) {
    const results = namesIn(content, "functionResponse").join();
    const calls = namesIn(contents[index - 1], "functionCall").join();
    if (results !== calls)
      return "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.";
    if (index === 0 && namesIn(content, "functionCall").length > 0)
      return "Please ensure that function call turn comes immediately after a user turn or after a function response turn.";
  }
  return null;
}

export function breachOfGoogle(body: Json): string | null {
  const own = unknownIn(body, members, "");
  if (own) return own;
  const config = recordOf(body.generationConfig);
  const configBreach = unknownIn(config, configMembers, "generation_config");
  if (configBreach) return configBreach;
  const contents = listOf(body.contents).map(recordOf);
  if (contents.length === 0) return "* GenerateContentRequest.contents: contents is not specified";
  const schemaBreach = breachInSchema(config.responseSchema, "generation_config.response_schema");
  if (schemaBreach) return schemaBreach;
  if (listOf(config.stopSequences).length > 5) return "stop_sequences: at most 5 items.";
  for (const tool of listOf(body.tools)) {
    for (const value of listOf(recordOf(tool).functionDeclarations)) {
      const declaration = recordOf(value);
      if (!/^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$/.test(textOf(declaration.name)))
        return `Invalid function name: '${textOf(declaration.name)}'.`;
      if (declaration.parameters !== undefined && declaration.parametersJsonSchema !== undefined)
        return "parameters and parameters_json_schema are mutually exclusive.";
      const breach = breachInSchema(declaration.parameters, "tools.function_declarations.parameters");
      if (breach) return breach;
    }
  }
  for (const [index, content] of contents.entries()) {
    const breach = breachInContent(content, `contents[${index}]`);
    if (breach) return breach;
  }
  return breachInCalls(contentsOf(body));
}
