// Named rewrites for vendors that deviate from the format they claim to speak. A deviation is a function here with a name
// in the vendor's row, never an `if` in the middle of the pipeline.

import type { Takes } from "../../canon/takes.ts";
import { noteDropped, thinkingOff } from "../../dialects/adaptation-notes.ts";
import { holdsLongerText } from "../../dialects/member-texts.ts";
import type { Note, ScannedBody } from "../../dialects/dialect.ts";
import type { NameRule } from "../../dialects/tool-names.ts";
import type { TranslateReason } from "../../canon/translate-reason.ts";
import { memberNamed, searchPlaces } from "../../wire/json.ts";
import {
  type Body,
  isBody,
  without,
  renamed,
  eachMessage,
  hasTools,
  withShortIds,
  withSignature,
  lacksThoughts,
  withoutExtra,
} from "./body-rewrites.ts";

export type Quirk = {
  /** Top-level members whose presence calls for the rewrite: a body without any of them may pass as bytes. */
  readonly touches: readonly string[];
  /** The same for nested members, judged from the bytes. */
  readonly declines?: (bytes: Buffer) => boolean;
  /** The models it applies to. Absent: all models of the vendor. */
  readonly models?: RegExp;
  /** Tool name rules where the vendor is stricter than its format. */
  readonly toolNames?: NameRule;
  /** Changes the parsed body of a request before it is sent. `takes`: what is known about its model. */
  readonly rewrite: (body: Body, takes: Takes | null) => Body;
  /** Why it exists: the vendor and its behaviour. */
  readonly reason: string;
};

const dropping = (keys: readonly string[], reason: string, models?: RegExp): Quirk => ({
  touches: keys,
  ...(models === undefined ? {} : { models }),
  rewrite: (body) => without(body, ...keys),
  reason,
});

/** Nothing to rewrite: when translating, the encoders write ids that fit. */
function tooLongIds(member: string, longest: number, reason: string, models?: RegExp): Quirk {
  const name = Buffer.from(`"${member}"`);
  return {
    touches: [],
    ...(models === undefined ? {} : { models }),
    declines: (bytes) => holdsLongerText(bytes, searchPlaces(bytes, name), longest),
    rewrite: (body) => body,
    reason,
  };
}

/** Its own word first. */
const groqThoughts = ["reasoning", "reasoning_content", "reasoning_details", "reasoning_text", "thinking"];

/** Members of an answer that OpenAI's SDK sends back with it. */
const echoed = ["annotations", "refusal", "audio", "function_call"];

/** Members that OpenAI accepts and Mistral's API does not; it refuses every unknown member. */
const unknownToMistral = [
  "stream_options",
  "store",
  "user",
  "metadata",
  "logit_bias",
  "logprobs",
  "top_logprobs",
  "service_tier",
  "verbosity",
  "modalities",
  "prompt_cache_key",
  "prompt_cache_retention",
  "safety_identifier",
] as const;

const storeWord = Buffer.from('"store"');

/** Anywhere in the body: a false alarm costs only time. */
const asksToStore = (bytes: Buffer): boolean =>
  searchPlaces(bytes, storeWord).some((place) =>
    /^\s*:\s*true/.test(bytes.toString("latin1", place, place + 16)),
  );

export const quirks = {
  "no-stream-options": {
    touches: ["stream", "stream_options"],
    rewrite: (body) => without(body, "stream_options"),
    reason: "Servers from before 2024 refuse the unknown member stream_options.",
  },
  "max-completion-tokens": {
    touches: ["max_tokens"],
    rewrite: (body) => renamed(body, "max_tokens", "max_completion_tokens"),
    reason: "OpenAI's reasoning models refuse max_tokens (since o1).",
  },
  "openai-tools-without-effort": {
    touches: ["tools"],
    models: /^gpt-(?:5\.[4-9]|[6-9]|\d\d)/,
    rewrite(body, takes) {
      if (!hasTools(body)) return body;
      // "Unsupported value": some of the newest know no none, and an effort beside tools is refused in any case.
      return takes?.thinkingOff === false
        ? without(body, "reasoning_effort")
        : { ...body, reasoning_effort: "none" };
    },
    reason:
      "OpenAI's chat completions refuse an effort beside function tools to models since gpt-5.4, and take none where the model knows it; backend openai-responses takes both (litellm#34569, openai-openapi#541, sub2api#6740).",
  },
  "openai-tool-ids": tooLongIds(
    "tool_call_id",
    40,
    "OpenAI's chat completions refuse tool call ids over 40 characters, which vLLM and others make, through resellers too (vercel/ai#5171, agno#5382, openclaw#875).",
    /^(?:openai\/|gpt-|chatgpt-|o\d)/,
  ),
  "openai-tool-names": tooLongIds(
    "name",
    64,
    "OpenAI refuses tool names over 64 characters: string too long (cline#11885, fastapi_mcp#161, opencode#3523).",
    /^(?:openai\/|gpt-|chatgpt-|o\d)/,
  ),
  "kimi-tool-names": {
    touches: [],
    toolNames: {
      pattern: /^[A-Za-z][A-Za-z0-9_-]*$/,
      longest: 64,
      source: "platform.moonshot.ai/docs/guide/use-kimi-api-to-complete-tool-calls",
    },
    rewrite: (body) => body,
    reason: "Moonshot refuses function names that do not begin with a letter.",
  },
  "openai-call-ids": tooLongIds("call_id", 64, "OpenAI's Responses API refuses call ids over 64 characters."),
  "deepseek-retired-names": {
    touches: ["model"],
    models: /^deepseek-(?:chat|reasoner)$/,
    rewrite(body) {
      const isChat = body["model"] === "deepseek-chat";
      const isUnsaid = body["thinking"] === undefined && body["reasoning_effort"] === undefined;
      return {
        ...body,
        model: "deepseek-flash",
        ...(isUnsaid ? { thinking: { type: isChat ? "disabled" : "enabled" } } : {}),
      };
    },
    reason:
      "DeepSeek retired deepseek-chat and deepseek-reasoner on 24 July 2026; they were its flash model without and with thinking (api-docs.deepseek.com).",
  },
  "reasoning-content-returned": {
    touches: ["tools"],
    rewrite: (body) =>
      eachMessage(body, (message) =>
        message["role"] === "assistant" && message["reasoning_content"] === undefined
          ? { ...message, reasoning_content: "" }
          : message,
      ),
    reason:
      "DeepSeek and Kimi refuse a thinking turn with tools when an earlier answer comes back without reasoning_content; empty is enough (opencode#24722, pi-ai).",
  },
  "adaptive-thinking-only": {
    touches: ["thinking"],
    models: /^minimax-m(?:[3-9]|\d\d)/i,
    rewrite: (body) =>
      isBody(body["thinking"]) && body["thinking"]["type"] === "enabled"
        ? { ...body, thinking: { type: "adaptive" } }
        : body,
    reason:
      "MiniMax-M3 refuses thinking.type enabled: allowed are adaptive and disabled (cherry-studio#16431).",
  },
  "tool-thoughts-or-none": {
    touches: [],
    // A history with calls but no thinking, for DeepSeek's Messages address.
    declines: (bytes) =>
      bytes.includes('"tool_use"') &&
      !bytes.includes('"type":"thinking"') &&
      !bytes.includes('"type": "thinking"'),
    rewrite: (body) =>
      lacksThoughts(body) ? { ...without(body, "output_config"), thinking: { type: "disabled" } } : body,
    reason:
      "DeepSeek thinks by default, and its Messages address refuses a thinking turn when an earlier call comes back without its thinking (aether#31, 9router#2397, CSSwitch#73).",
  },
  "google-call-signatures": {
    touches: [],
    models: /^(?!(?:models\/|google\/)?gemini-[12](?:[.-]|$))/,
    // A history of other models' calls, for Google's chat address.
    declines: (bytes) => bytes.includes('"tool_calls"') && !bytes.includes('"thought_signature"'),
    rewrite: (body) => eachMessage(body, withSignature),
    reason:
      "Gemini 3 refuses a call without the signature that it wrote, at its OpenAI-compatible address as well; where the client could not keep it, this value skips the check (ai.google.dev/gemini-api/docs/thought-signatures; securo#884, new-api#2257).",
  },
  "mistral-tool-ids": {
    touches: ["tools"],
    rewrite: (body) => eachMessage(body, withShortIds),
    reason:
      "Mistral refuses tool call ids that are not nine letters and digits (langchain#24668, opencode#1680).",
  },
  "mistral-members": {
    // Passing through would ask for usage in every stream, and Mistral sends it unasked.
    touches: ["stream", "seed", "max_completion_tokens", ...unknownToMistral],
    rewrite(body) {
      const known = without(body, ...unknownToMistral);
      const named = renamed(renamed(known, "seed", "random_seed"), "max_completion_tokens", "max_tokens");
      return eachMessage(named, (message) =>
        withoutExtra(
          without(message, "reasoning_content", "reasoning", "reasoning_details", "name", ...echoed),
        ),
      );
    },
    reason:
      "Mistral answers members that it does not know with 422 extra_forbidden (anon-kode#53, crush#1590, openclaude#739).",
  },
  "groq-members": dropping(
    ["logprobs", "top_logprobs", "logit_bias"],
    "Groq answers these members with 400 (console.groq.com/docs/openai).",
  ),
  "groq-thoughts": {
    touches: [],
    declines: (bytes) => groqThoughts.some((key) => bytes.includes(`"${key}"`)),
    rewrite(body) {
      const keepsOwn = /gpt-oss|qwen/i.test(String(body["model"]));
      const refused = keepsOwn ? groqThoughts.slice(1) : groqThoughts;
      const holds = (message: Body): boolean => refused.some((key) => message[key] !== undefined);
      const { messages } = body;
      if (!Array.isArray(messages) || !messages.some((message) => isBody(message) && holds(message)))
        return body;
      return eachMessage(body, (message) => without(message, ...refused));
    },
    reason:
      "Groq refuses thinking under any name but its own, reasoning, and even that one for models that do not think (jan#8136, req_llm#772, vercel/ai#8057).",
  },
  "cerebras-members": dropping(
    ["frequency_penalty", "presence_penalty", "logit_bias", "store", "verbosity", "prompt_cache_key"],
    "Cerebras answers these members with 400 (inference-docs.cerebras.ai/resources/openai).",
  ),
  "xai-reasoning-members": dropping(
    ["presence_penalty", "frequency_penalty", "stop"],
    "xAI's reasoning models answer these members with an error (docs.x.ai/docs/guides/reasoning).",
    /^(?!.*non-reasoning)/,
  ),
  "kimi-fixed-sampling": dropping(
    ["temperature", "top_p", "n", "presence_penalty", "frequency_penalty"],
    "Kimi models refuse any sampling value but their own: only 1 is allowed for this model (hermes-agent#12668).",
    /^(?:kimi-|k\d)/,
  ),
  "responses-not-kept": {
    touches: ["previous_response_id"],
    declines: asksToStore,
    rewrite(body) {
      const rest = without(body, "previous_response_id");
      return rest["store"] === true ? { ...rest, store: false } : rest;
    },
    reason:
      "The Responses API of OpenRouter, Groq, Ollama, vLLM and llama.cpp keeps no answers: the gateway does it in their place.",
  },
} as const satisfies Record<string, Quirk>;

export type QuirkName = keyof typeof quirks;

function concerns(quirk: Quirk, model: string): boolean {
  return quirk.models === undefined || quirk.models.test(model);
}

/** Members that affect the answer: their loss is noted, that of a name or of bookkeeping is not. */
const steering = [
  "stop",
  "temperature",
  "top_p",
  "seed",
  "presence_penalty",
  "frequency_penalty",
  "logit_bias",
  "verbosity",
] as const;

function noteQuirks(before: Body, after: Body, note: Note): void {
  // Renamed is not lost.
  const isLost = (key: string): boolean => after[key] === undefined && after[`random_${key}`] === undefined;
  noteDropped(before, steering.filter(isLost), note);
  const { reasoning_effort: effort } = after;
  if (asksForEffort(before["reasoning_effort"]) && !asksForEffort(effort))
    note(effort === undefined ? "effort-dropped" : thinkingOff);
  if (isThinking(before["thinking"]) && !isThinking(after["thinking"])) note(thinkingOff);
}

const isThinking = (thinking: unknown): boolean => isBody(thinking) && thinking["type"] !== "disabled";
const asksForEffort = (effort: unknown): boolean => typeof effort === "string" && effort !== "none";

/** The quirks implied by the address plus the operator's: `name` adds, `!name` removes, in order. */
export function settledQuirks(
  implied: readonly QuirkName[],
  written: readonly string[],
): readonly QuirkName[] {
  if (written.length === 0) return implied;
  const names = new Set<QuirkName>(implied);
  for (const word of written) {
    const name = word.replace(/^!/, "");
    if (!isQuirkName(name)) continue;
    if (word.startsWith("!")) names.delete(name);
    else names.add(name);
  }
  return [...names];
}

export const quirkNames = Object.keys(quirks) as readonly QuirkName[];

export const isQuirkName = (name: string): name is QuirkName => Object.hasOwn(quirks, name);

export function nameRuleOf(names: readonly QuirkName[]): NameRule | null {
  for (const name of names) {
    const { toolNames }: Quirk = quirks[name];
    if (toolNames !== undefined) return toolNames;
  }
  return null;
}

export function applyQuirks(
  names: readonly QuirkName[],
  body: Body,
  note?: Note,
  takes: Takes | null = null,
): Body {
  if (names.length === 0) return body;
  const model = typeof body["model"] === "string" ? body["model"] : "";
  const rewritten = names.reduce((current, name) => {
    const quirk: Quirk = quirks[name];
    return concerns(quirk, model) ? quirk.rewrite(current, takes) : current;
  }, body);
  if (note !== undefined && rewritten !== body) noteQuirks(body, rewritten, note);
  return rewritten;
}

/** Why a vendor with these quirks needs a body rewritten for a model; null: it may pass as bytes. */
export type QuirkJudge = (body: ScannedBody, model: string) => TranslateReason | null;

const noQuirks: QuirkJudge = () => null;

/** The check for one vendor; its results are created here once. */
export function quirkJudgeOf(names: readonly QuirkName[]): QuirkJudge {
  if (names.length === 0) return noQuirks;
  const rows = names.map((name): { quirk: Quirk; reason: TranslateReason } => ({
    quirk: quirks[name],
    reason: `quirk:${name}`,
  }));
  const withDeclines = rows.filter(({ quirk }) => quirk.declines !== undefined);
  return (body, model) => {
    for (const { quirk, reason } of rows)
      if (concerns(quirk, model) && holdsMember(body, quirk.touches)) return reason;
    // The bytes are searched only where no member has decided it.
    for (const { quirk, reason } of withDeclines)
      if (concerns(quirk, model) && quirk.declines?.(body.bytes) === true) return reason;
    return null;
  };
}

function holdsMember({ scan }: ScannedBody, keys: readonly string[]): boolean {
  for (const key of keys) if (memberNamed(scan, key) !== undefined) return true;
  return false;
}
