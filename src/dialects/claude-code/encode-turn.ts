// Turns a ChatRequest into the program's input: system prompt, tools, settings, the history line by line, and the last line,
// which asks. It must never pass on a client's JSON line unchanged, nor text that the program would read as a command.

import type { ChatRequest } from "../../canon/request.ts";
import { thinkingOff, asksForThinking } from "../adaptation-notes.ts";
import { encodeText } from "../anthropic-messages/encode-content.ts";
import { encodeMessages, historyRules, type WireMessage } from "../anthropic-messages/encode-messages.ts";
import type { Note } from "../dialect.ts";
import { isRecord } from "../decoding.ts";
import { orderSystem } from "../order-history.ts";
import { forcedTool, standsFor } from "./forced-tool.ts";
import { assistantLine, type ProtocolLine, userLine, type WireBlock } from "./protocol-lines.ts";
import { choiceAsText, type LiveSettings, liveSettings } from "./live-settings.ts";
import { calledNames, objectSchema, type Offer, type OfferedTool, offerTools } from "./offered-tools.ts";
import { answerSchema } from "./answer-schema.ts";
import { type OwnTools, type ToolNames, toolNames } from "./client-tool-names.ts";
import { transcript } from "./transcript.ts";

/** `awaits` "result": the next line may only follow when the program has confirmed this one. */
export type Step = { readonly line: ProtocolLine; readonly awaits: "result" | "nothing" };

/** Input that applies to the whole conversation, and input that may change with each request. */
export type TurnSetup = {
  readonly names: ToolNames;
  readonly tools: readonly OfferedTool[];
  readonly remarks: readonly string[];
  readonly jsonSchema: unknown;
  readonly live: LiveSettings;
  /** Text after the client's last message. */
  readonly lastWords: string | null;
};

export type CliTurn = TurnSetup & {
  readonly systemPrompt: string;
  readonly steps: readonly Step[];
  readonly last: ProtocolLine;
};

export type EncodeOptions = {
  readonly model: string;
  /** The program's own tools in this turn. */
  readonly ownTools: OwnTools;
  /** The reasoning effort in the program's terms; null: the program decides. */
  readonly effort: string | null;
  /** Thinking cannot be switched off. */
  readonly alwaysThinks?: boolean;
  /** A thinking budget has no effect. */
  readonly adaptsThinking?: boolean;
  /** `transcript`: for a program that does not accept the model's own messages as lines. Default: lines. */
  readonly history?: "lines" | "transcript";
  readonly note: Note;
  readonly unsupported: (parameter: string) => void;
  readonly uuid: () => string;
};

/** The program has its own tools: results of the vendor's tools and files stored at the vendor are described as text. */
const conversation = { isSameDialect: false, keepsThinking: true, isWithoutServerTools: true } as const;

export function encodeSetup(request: ChatRequest, options: EncodeOptions): TurnSetup {
  const declared = request.tools.map((tool) => tool.name);
  const forced = forcedTool(request, options.alwaysThinks === true);
  const names = toolNames([...declared, ...calledNames(request)], options.ownTools, forced?.name);
  const schema = request.format?.type === "json-schema" ? request.format.schema : null;
  const isAnswered = schema !== null && (declared.length === 0 || request.toolChoice?.type === "none");
  const offer = forced !== null || isAnswered ? keepsOwnOpaque : offerTools(request, names, options.note);
  for (const tool of request.opaqueTools) {
    options.unsupported(`tools.${tool.type}`);
    options.note(`hosted-tools-dropped:${tool.type.replace(/[^\w.-]+/g, "_").slice(0, 40)}`);
  }
  if (forced !== null) options.note("tool-choice-by-schema");
  const tools = offer.tools.length === 0 ? "none" : offer.isHistoryOnly ? "history-only" : "offered";
  const asked = { ...options, names, tools } as const;
  const setup = { names, tools: offer.tools, remarks: offer.remarks };
  if (forced !== null)
    return {
      ...setup,
      jsonSchema: acceptedSchema(objectSchema(forced.schema), options.note),
      live: liveSettings({ ...request, toolChoice: null }, { ...asked, tools: "offered" }),
      lastWords: standsFor(forced),
    };
  return {
    ...setup,
    jsonSchema: schema === null ? null : acceptedSchema(schema, options.note),
    live: liveSettings(request, asked),
    lastWords: choiceAsText(request, asked),
  };
}

function acceptedSchema(schema: unknown, note: Note): unknown {
  const taken = answerSchema(schema);
  // The name of a schema and its JSON Schema version do not affect the answer.
  const { $schema: _dialect, $id: _name, ...members } = isRecord(schema) ? schema : {};
  if (taken !== schema && !Bun.deepEquals(taken, members)) note("json-schema-simplified");
  return taken;
}

/** The program's answer tool is the only tool: the API accepts that, and `none` would forbid it. */
const keepsOwnOpaque: Offer = { tools: [], remarks: [], isHistoryOnly: false };

export function encodeTurn(request: ChatRequest, options: EncodeOptions): CliTurn {
  const frame = encodeSetup(request, options);
  // The program has no line for a system message in the middle, so all of them move to the system prompt.
  const { messages, hoisted } = encodeMessages(request.messages, {
    ...conversation,
    note: options.note,
  });
  const systemPrompt = [
    ...orderSystem(request.system, historyRules(conversation), options.note).flatMap((block) =>
      block.type === "text" ? encodeText(block) : [],
    ),
    ...hoisted,
  ].map((block) => String(block["text"]));
  return {
    ...frame,
    live:
      options.alwaysThinks === true
        ? frame.live
        : withoutImpossibleThinking(frame.live, request, messages, options.note),
    systemPrompt: [...systemPrompt, ...frame.remarks, ...askForJsonObject(request, options.note)].join(
      "\n\n",
    ),
    ...encodeLines(messages, frame, options),
  };
}

/** The line that continues a conversation which the program still holds: `messages` are the new user messages. */
export function encodeNext(
  messages: ChatRequest["messages"],
  frame: Pick<TurnSetup, "names" | "lastWords">,
  options: EncodeOptions,
): ProtocolLine {
  const next = encodeMessages(messages, { ...conversation, note: options.note });
  return encodeLines(next.messages, frame, options).last;
}

function encodeLines(
  messages: readonly WireMessage[],
  { names, lastWords }: Pick<TurnSetup, "names" | "lastWords">,
  options: EncodeOptions,
): { steps: Step[]; last: ProtocolLine } {
  const steps: Step[] = [];
  const isAsked = messages.at(-1)?.role === "user";
  const history = isAsked ? messages.slice(0, -1) : messages;
  if (!isAsked) options.note("user-turn-added");
  const lastContent = isAsked ? (messages.at(-1)?.content ?? []) : [{ type: "text", text: "(continue)" }];
  const asked = lastWords === null ? lastContent : [...lastContent, { type: "text", text: lastWords }];
  if (options.history === "transcript" && history.length > 0) {
    options.note("history-as-transcript");
    return { steps, last: userLine(userContent(transcript(history, asked), names), true) };
  }
  for (const { role, content } of history) {
    if (role === "assistant") {
      const line = assistantLine(
        content.map((block) => plainBlock(block, names)),
        options.model,
        options.uuid(),
      );
      steps.push({ line, awaits: "nothing" });
    } else steps.push({ line: userLine(userContent(content, names), false), awaits: "result" });
  }
  return { steps, last: userLine(userContent(asked, names), true) };
}

/** The program sets its own cache marks, and the API counts them together. */
function plainBlock(block: WireBlock, names: ToolNames): WireBlock {
  const { cache_control: _mark, ...kept } = block;
  if (kept["type"] === "tool_use") kept["name"] = names.toWire(String(kept["name"]));
  if (Array.isArray(kept["content"]))
    kept["content"] = kept["content"].map((each: unknown) =>
      isRecord(each) ? plainBlock(each, names) : each,
    );
  return kept;
}

/**
 * The program reads text that begins with "/" as a command, and the last text of a message decides; a leading line
 * break makes it text.
 */
function userContent(content: readonly WireBlock[], names: ToolNames): WireBlock[] {
  const blocks = content.map((block) => plainBlock(block, names));
  const last = blocks.findLast((block) => block["type"] === "text");
  if (last !== undefined && typeof last["text"] === "string" && last["text"].trimStart().startsWith("/"))
    last["text"] = `\n${last["text"]}`;
  return blocks;
}

/**
 * With a budget the API refuses a running tool turn that does not begin with its thinking, which most formats
 * cannot carry.
 */
function withoutImpossibleThinking(
  live: LiveSettings,
  request: ChatRequest,
  messages: readonly WireMessage[],
  note: Note,
): LiveSettings {
  if (live.thinkingTokens === 0) return live;
  const turn = messages.at(-2);
  const holdsResult = messages.at(-1)?.content.some((block) => block["type"] === "tool_result") ?? false;
  const first = turn?.content[0]?.["type"];
  if (!holdsResult || turn?.role !== "assistant" || first === "thinking" || first === "redacted_thinking")
    return live;
  if (asksForThinking(request)) note(thinkingOff);
  return { ...live, thinkingTokens: 0 };
}

/** json_object has no equivalent here: an instruction asks for JSON. The loss: nothing enforces it. */
function askForJsonObject(request: ChatRequest, note: Note): string[] {
  if (request.format?.type !== "json-object") return [];
  note("json-object-in-words");
  return ["Answer with a single JSON object and nothing else: no prose, no code fence."];
}
