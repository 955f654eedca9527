// Every model of the table × every parameter × every client format × every target format: models take what is sent, translated or passed through.
// The rules of the vendors are written here a second time, from their errors; the table alone is shared with the code.

import { describe, expect, test } from "bun:test";
import type { DialectName } from "../../src/canon/request.ts";
import type { Takes } from "../../src/canon/takes.ts";
import { modelRows } from "../../src/catalog/takes.generated.ts";
import { takesOf } from "../../src/catalog/model-takes.ts";
import type { TargetFacts } from "../../src/dialects/dialect.ts";
import { dialects } from "../../src/dialects/dialect-table.ts";
import { scanObject } from "../../src/wire/json.ts";

type Json = Record<string, unknown>;
const names = ["openai-chat", "openai-responses", "anthropic-messages", "google-genai"] as const;
const at = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null ? (value as Json)[key] : undefined;

const schema = { type: "object", properties: {} };
const efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/** Options of requests in each client format, by the parameter that they are about. */
const optionsOf: Readonly<Record<DialectName, Readonly<Record<string, Json>>>> = {
  "openai-chat": {
    plain: {},
    temperature: { temperature: 0.2 },
    "top p": { top_p: 0.8 },
    "both samplings": { temperature: 0.2, top_p: 0.8 },
    penalties: { frequency_penalty: 0.5, presence_penalty: 0.5, logit_bias: { "1": 5 } },
    verbosity: { verbosity: "low" },
    stop: { stop: ["END"] },
    limit: { max_tokens: 100 },
    "newer limit": { max_completion_tokens: 100 },
    ...Object.fromEntries(
      efforts.map((effort) => [
        `effort ${effort}`,
        { reasoning_effort: effort, temperature: 0.5, top_p: 0.5 },
      ]),
    ),
    schema: { response_format: { type: "json_schema", json_schema: { name: "a", schema } } },
    "forced tool": { tool_choice: { type: "function", function: { name: "f" } }, reasoning_effort: "high" },
    "one call": { parallel_tool_calls: false },
    "some tool": { tool_choice: "required" },
    prefill: {
      messages: [
        { role: "user", content: "x" },
        { role: "assistant", content: "Sure," },
      ],
    },
  },
  "openai-responses": {
    plain: {},
    temperature: { temperature: 0.2 },
    "both samplings": { temperature: 0.2, top_p: 0.8 },
    verbosity: { text: { verbosity: "low" } },
    probabilities: { top_logprobs: 2, include: ["message.output_text.logprobs"] },
    ...Object.fromEntries(
      efforts.map((effort) => [`effort ${effort}`, { reasoning: { effort }, temperature: 0.5 }]),
    ),
    schema: { text: { format: { type: "json_schema", name: "a", schema } } },
    "forced tool": { tool_choice: { type: "function", name: "f" } },
    "one call": { parallel_tool_calls: false },
    "some tool": { tool_choice: "required", reasoning: { effort: "medium" } },
    prefill: {
      input: [
        { role: "user", content: "x" },
        { role: "assistant", content: "Sure," },
      ],
    },
  },
  "anthropic-messages": {
    plain: {},
    temperature: { temperature: 0.2 },
    "all samplings": { temperature: 0.2, top_p: 0.8, top_k: 5 },
    budget: { thinking: { type: "enabled", budget_tokens: 2_000 }, max_tokens: 9_000 },
    adaptive: { thinking: { type: "adaptive" }, output_config: { effort: "max" } },
    off: { thinking: { type: "disabled" } },
    "off above high": { thinking: { type: "disabled" }, output_config: { effort: "xhigh" } },
    effort: { output_config: { effort: "medium" } },
    schema: { output_config: { format: { type: "json_schema", schema } } },
    "forced tool": { tool_choice: { type: "tool", name: "f" } },
    "one call": { tool_choice: { type: "auto", disable_parallel_tool_use: true } },
    "some tool": { tool_choice: { type: "any" } },
    stop: { stop_sequences: ["END"] },
    prefill: {
      messages: [
        { role: "user", content: "x" },
        { role: "assistant", content: "Sure," },
      ],
    },
  },
  "google-genai": {
    plain: {},
    samplings: { generationConfig: { temperature: 0.2, topP: 0.8, topK: 5, stopSequences: ["END"] } },
    ...Object.fromEntries(
      ["MINIMAL", "LOW", "MEDIUM", "HIGH"].map((thinkingLevel) => [
        `level ${thinkingLevel}`,
        { generationConfig: { thinkingConfig: { thinkingLevel } } },
      ]),
    ),
    ...Object.fromEntries(
      [-1, 0, 1, 100, 90_000].map((thinkingBudget) => [
        `budget ${thinkingBudget}`,
        { generationConfig: { thinkingConfig: { thinkingBudget, includeThoughts: true } } },
      ]),
    ),
    "some tool": { toolConfig: { functionCallingConfig: { mode: "ANY" } } },
    prefill: {
      contents: [
        { role: "user", parts: [{ text: "x" }] },
        { role: "model", parts: [{ text: "Sure," }] },
      ],
    },
  },
};

const plain: Readonly<Record<DialectName, Json>> = {
  "openai-chat": {
    model: "m",
    messages: [{ role: "user", content: "x" }],
    tools: [{ type: "function", function: { name: "f", parameters: schema } }],
  },
  "openai-responses": {
    model: "m",
    input: [{ role: "user", content: "x" }],
    tools: [{ type: "function", name: "f", parameters: schema }],
  },
  "anthropic-messages": {
    model: "m",
    max_tokens: 4_096,
    messages: [{ role: "user", content: "x" }],
    tools: [{ name: "f", input_schema: schema }],
  },
  "google-genai": {
    contents: [{ role: "user", parts: [{ text: "x" }] }],
    tools: [{ functionDeclarations: [{ name: "f", parametersJsonSchema: schema }] }],
  },
};

/** What the vendor of this model answers with 400. */
function refusals(format: DialectName, body: Json, takes: Takes): string[] {
  const said: string[] = [];
  const refuse = (isSo: boolean, what: string): void => {
    if (isSo) said.push(what);
  };
  const config = format === "google-genai" ? (body["generationConfig"] as Json | undefined) : body;
  const given = (...keys: string[]): boolean => keys.some((key) => (config?.[key] ?? null) !== null);
  const effort =
    format === "openai-chat"
      ? body["reasoning_effort"]
      : format === "openai-responses"
        ? at(body["reasoning"], "effort")
        : at(body["output_config"], "effort");
  const isUnthinking = takes.samplesUnthinking && effort === "none";
  refuse(
    takes.sampling === "none" && !isUnthinking && given("temperature", "top_p", "top_k", "topP", "topK"),
    "sampling is deprecated for this model",
  );
  refuse(
    takes.sampling === "one" && given("temperature") && given("top_p", "topP"),
    "`temperature` and `top_p` cannot both be specified",
  );
  const messages = (body["messages"] ?? body["input"] ?? body["contents"]) as Json[];
  const last = messages.at(-1)?.["role"];
  refuse(!takes.prefill && (last === "assistant" || last === "model"), "must end with a user message");
  const choice = body["tool_choice"];
  const mode = at(at(body["toolConfig"], "functionCallingConfig"), "mode");
  const isForced =
    choice === "required" ||
    ["function", "any", "tool"].includes(String(at(choice, "type"))) ||
    mode === "ANY";
  const shape = JSON.stringify([body["response_format"], body["text"], at(body["output_config"], "format")]);
  refuse(!takes.schemas && shape.includes("schema"), "structured outputs are not supported");
  refuse(!takes.forcedTools && isForced, "tool_choice forces tool use");
  const thinking = at(body["thinking"], "type");
  switch (format) {
    case "openai-chat":
    case "openai-responses":
      refuse(!takes.penalties && given("frequency_penalty", "presence_penalty", "logit_bias"), "penalties");
      refuse(!takes.penalties && !isUnthinking && given("logprobs", "top_logprobs"), "logprobs");
      refuse(!takes.parallelChoice && given("parallel_tool_calls"), "parallel_tool_calls is not supported");
      refuse(!takes.stops && given("stop"), "stop is not supported with this model");
      refuse(takes.newerLimit && given("max_tokens"), "use max_completion_tokens");
      refuse(
        !takes.verbosity && (given("verbosity") || at(body["text"], "verbosity") !== undefined),
        "verbosity",
      );
      if (takes.thinking !== "budget" && typeof effort === "string" && effort !== "none")
        refuse(takes.efforts?.includes(effort as never) === false, `effort ${effort}`);
      refuse(takes.thinking !== "none" && effort === "none" && !takes.thinkingOff, "effort none");
      refuse(takes.thinking === "none" && (effort ?? null) !== null, "reasoning effort is not recognized");
      break;
    case "anthropic-messages":
      refuse(thinking === "enabled" && takes.thinking !== "budget", "thinking.type.enabled is not supported");
      refuse(thinking === "adaptive" && takes.thinking !== "adaptive", "adaptive thinking is not supported");
      refuse(thinking === "disabled" && !takes.thinkingOff, "thinking cannot be disabled");
      refuse(
        thinking === "disabled" && !takes.thinkingOffAboveHigh && (effort === "xhigh" || effort === "max"),
        "thinking cannot be disabled above high",
      );
      refuse(effort !== undefined && takes.efforts?.includes(effort as never) === false, "effort");
      refuse(isForced && (thinking === "enabled" || thinking === "adaptive"), "thinking with a forced tool");
      break;
    case "google-genai": {
      const option = config?.["thinkingConfig"];
      const level = at(option, "thinkingLevel");
      const budget = at(option, "thinkingBudget");
      refuse(takes.thinking === "none" && (level ?? budget) !== undefined, "thinking is not enabled");
      refuse(level !== undefined && takes.thinking !== "adaptive", "thinking level is not supported");
      if (typeof level === "string")
        refuse(takes.efforts?.includes(level.toLowerCase() as never) === false, `level ${level}`);
      if (typeof budget === "number" && budget >= 0 && takes.budgets !== null) {
        const { least, most } = takes.budgets;
        refuse(budget === 0 ? !takes.thinkingOff : budget < least || budget > most, `budget ${budget}`);
      }
    }
  }
  return said;
}

/** The models of a format's own family are asked in that format; others are sold there by resellers. */
const makers: Readonly<Record<DialectName, RegExp>> = {
  "openai-chat": /./,
  "openai-responses": /./,
  "anthropic-messages": /^claude/,
  "google-genai": /^gem/,
};
const listed = modelRows
  .trim()
  .split("\n")
  .map((line) => line.split(" ")[0] ?? "");
const unlisted = ["claude-sonnet-9", "claude-nova-2", "gpt-8", "o7", "gemini-7-flash", "gemini-8-ultra"];

describe.each([...listed, ...unlisted])("%s", (model) => {
  const takes = takesOf(model);
  if (takes === null) throw new Error(`${model} is in no table`);
  const target: TargetFacts = {
    model,
    defaultMaxTokens: 4_096,
    maxOutput: null,
    canThink: takes.thinking === "none" ? false : null,
    takes,
  };

  test.each(names.filter((name) => makers[name].test(model)))(
    "takes what %s is sent from every client format",
    (to) => {
      for (const from of names)
        for (const [what, option] of Object.entries(optionsOf[from])) {
          const body = { ...plain[from], ...option };
          const notes: string[] = [];
          const decoded = { ...dialects[from].client.decodeRequest(body), model };
          // A request that asks for probabilities in an answer of this format is always passed through.
          const sent = dialects[to].backend.encodeRequest(decoded, target, (word) => notes.push(word));
          expect({ from, what, refused: refusals(to, sent, takes), sent }).toEqual({
            from,
            what,
            refused: [],
            sent,
          });
          // What was there and is not is named.
          const hasSampling = /"(?:temperature|top_?p|top_?k)"/i;
          if (hasSampling.test(JSON.stringify(body)) && !hasSampling.test(JSON.stringify(sent)))
            expect([
              from,
              what,
              notes.filter((word) => /^(?:temperature|top-[pk])-dropped$/.test(word)).length > 0,
            ]).toEqual([from, what, true]);
          if (/forced|some tool/.test(what) && !takes.forcedTools)
            expect(notes).toContain("tool-choice-auto");
          if (what === "one call" && !takes.parallelChoice)
            expect(notes).toContain("one-call-at-a-time-dropped");
          if (what === "schema" && !takes.schemas) expect(notes).toContain("json-schema-in-words");
          if (what === "prefill" && !takes.prefill) expect(notes).toContain("prefill-continued");
        }
    },
  );

  test.each(names.filter((name) => makers[name].test(model)))(
    "of %s bodies, none passes as bytes that it refuses",
    (from) => {
      for (const [what, option] of Object.entries(optionsOf[from])) {
        const body = { ...plain[from], ...option };
        const refused = refusals(from, body, takes);
        if (refused.length === 0) continue;
        const bytes = Buffer.from(JSON.stringify(body));
        const { passthrough } = dialects[from].backend;
        const scan = scanObject(bytes, 64, passthrough.watchedWords);
        const isSeen =
          passthrough.reasonToTranslate({ scan, bytes }, target, takes, target.canThink === false) !== null ||
          // Refused by every model: the client's own mistake.
          refused.every((why) => why === "thinking with a forced tool");
        expect({ what, refused, isSeen }).toEqual({ what, refused, isSeen: true });
        const { repair } = passthrough;
        if (repair !== undefined)
          expect({ what, refused: refusals(from, repair(body, target), takes) }).toEqual({
            what,
            refused: [],
          });
      }
    },
  );
});

test("a model with unknown levels is asked for those of Anthropic's API", () => {
  const takes = takesOf("own-model", { thinking: "adaptive", thinking_off: false });
  const target = { model: "own-model", defaultMaxTokens: 4_096, maxOutput: null, takes };
  for (const from of names)
    for (const option of Object.values(optionsOf[from])) {
      const decoded = dialects[from].client.decodeRequest({ ...plain[from], ...option });
      const sent = dialects["anthropic-messages"].backend.encodeRequest(decoded, target);
      const effort = at(sent["output_config"], "effort");
      expect([undefined, "low", "medium", "high", "xhigh", "max"]).toContain(effort as string | undefined);
    }
});
