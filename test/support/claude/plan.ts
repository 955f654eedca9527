// What the stand-in's model answers to a request, as steps: raw Anthropic events, and actions for what no event can express.
// Directives in the last text of a person (as for the fake vendor):
//   say:TEXT echo think:TEXT long:N tool:NAME {..} (several = one a round) tools:A {..};B {..} (parallel) then:TEXT json:{..}
//   toolresult request (the whole request body as JSON) stop:REASON usage:IN,CACHED,WRITE,OUT pace:MS mode:NAME ARG (modes.ts)

import { readCalls, readDirectives } from "../upstream/directives.ts";
import { exampleOf, listOf, numberOf, parsed, recordOf, textOf } from "../upstream/json.ts";
import type { Json } from "../upstream/json.ts";
import { signatureOf, wordsOf } from "../upstream/plan.ts";
import { inMode } from "./modes.ts";
import type { Said, Step } from "./modes.ts";

export const resumeText =
  "Output token limit hit. Resume directly, with no apology and no recap of what you were doing.";

const blocksOf = (content: unknown): readonly Json[] =>
  typeof content === "string" ? [{ type: "text", text: content }] : listOf(content).map(recordOf);

/** Texts of a person in a user message, without reminders and the program's own texts. */
function humanTexts(message: Json): readonly string[] {
  if (message["role"] !== "user") return [];
  return blocksOf(message["content"])
    .filter(({ type }) => type === "text")
    .map(({ text }) => textOf(text))
    .filter((text) => !text.startsWith("<system-reminder>") && text !== resumeText);
}

const flat = (content: unknown): string =>
  blocksOf(content)
    .map((block) => (block["type"] === "image" ? "(image)" : textOf(block["text"])))
    .join(" ");

function lastResults(messages: readonly Json[]): readonly string[] {
  return blocksOf(messages.at(-1)?.["content"])
    .filter(({ type }) => type === "tool_result")
    .map((block) => (block["is_error"] === true ? "error: " : "") + flat(block["content"]));
}

/** `rounds`: assistant messages since the last text of a person. */
function steeringOf(body: Json): {
  readonly prompt: string;
  readonly rounds: number;
  readonly messages: readonly Json[];
} {
  const messages = listOf(body["messages"]).map(recordOf);
  const at = messages.findLastIndex((message) => humanTexts(message).length > 0);
  const prompt = humanTexts(messages[at] ?? {}).at(-1) ?? "";
  const rounds = messages.slice(at + 1).filter(({ role }) => role === "assistant").length;
  return { prompt, rounds, messages };
}

export function planned(body: Json, nextId: (kind: "msg" | "toolu") => string): readonly Step[] {
  const { prompt, rounds, messages } = steeringOf(body);
  const { directives, rest } = readDirectives(prompt);
  const argumentOf = (name: string): string | undefined =>
    directives.find((directive) => directive.name === name)?.argument;
  const has = (name: string): boolean => argumentOf(name) !== undefined;

  const tools = listOf(body["tools"]).map(recordOf);
  const steps = directives.flatMap(({ name, argument }) =>
    name === "tool" || name === "tools" ? [readCalls(argument)] : [],
  );
  const choice = recordOf(body["tool_choice"]);
  const structured = tools.find(({ name }) => name === "StructuredOutput");
  let calls = choice["type"] === "none" ? [] : (steps[rounds] ?? []);
  const forced =
    choice["type"] === "tool"
      ? textOf(choice["name"])
      : choice["type"] === "any"
        ? textOf(tools[0]?.["name"])
        : null;
  const wanted = forced ?? (structured && steps[rounds] === undefined ? "StructuredOutput" : null);
  if (wanted !== null && calls.length === 0) {
    const schema = tools.find(({ name }) => name === wanted)?.["input_schema"];
    calls = [{ name: wanted, input: argumentOf("json") ?? JSON.stringify(exampleOf(schema)) }];
  }
  const strange = calls.find((call) => !tools.some(({ name }) => name === call.name));
  const isCalling = calls.length > 0 && strange === undefined;
  // Next to a newer text of a person they belong to the earlier turn.
  const results = rounds > 0 ? lastResults(messages) : [];

  const saying = (): string => {
    if (strange) return `The tool ${strange.name} was not offered.`;
    if (has("request")) return JSON.stringify(body);
    if (results.length > 0)
      return has("toolresult") ? `result: ${results.join("\n")}` : (argumentOf("then") ?? results.join("\n"));
    if (rounds > 0) return "and that was all.";
    const words = argumentOf("long");
    if (words !== undefined)
      return Array.from({ length: Number(words) }, (_, index) => `word${index + 1}`).join(" ");
    if (has("echo")) return rest;
    return argumentOf("say") ?? argumentOf("json") ?? `You said: ${rest.trim().slice(0, 200)}`;
  };
  const limited = isCalling
    ? { text: argumentOf("say") ?? "", reason: "tool_use", stop: null }
    : limit(body, saying(), rounds);

  const blocks: Said["blocks"][number][] = [];
  const thinking = argumentOf("think");
  const isOff = recordOf(body["thinking"])["type"] === "disabled";
  if (thinking !== undefined && rounds === 0 && !isOff)
    blocks.push({ type: "thinking", thinking, signature: signatureOf(thinking) });
  if (limited.text !== "") blocks.push({ type: "text", text: limited.text });
  if (isCalling)
    for (const { name, input } of calls)
      blocks.push({
        type: "tool_use",
        id: nextId("toolu"),
        name,
        input: parsed(input) === undefined ? "{}" : input,
      });

  const [input, cached = 0, written = 0, output] = (argumentOf("usage") ?? "")
    .split(",")
    .filter(Boolean)
    .map(Number);
  const stop = rounds === 0 ? argumentOf("stop") : undefined;
  const said: Said = {
    id: nextId("msg"),
    model: textOf(body["model"]),
    blocks,
    stopReason: stop ?? limited.reason,
    stopSequence: limited.stop,
    usage: {
      input: input ?? Math.ceil(JSON.stringify(body).length / 4),
      cached,
      written,
      output:
        output ??
        wordsOf(limited.text).length +
          (thinking === undefined ? 0 : wordsOf(thinking).length) +
          calls.length * 20,
    },
    paceMs: Number(argumentOf("pace") ?? "0"),
  };
  const [name = "", argument = ""] = (argumentOf("mode") ?? "").split(" ");
  // A mode applies to the first message of the turn; `then-` moves it to the ones after a tool round.
  const mode = name.startsWith("then-") ? (rounds > 0 ? name.slice(5) : "") : rounds === 0 ? name : "";
  return inMode(said, mode, argument);
}

function limit(body: Json, text: string, rounds: number) {
  let cut = text;
  let stop: string | null = null;
  for (const word of listOf(body["stop_sequences"]).map(textOf)) {
    const at = word === "" ? -1 : cut.indexOf(word);
    if (at < 0) continue;
    cut = cut.slice(0, at);
    stop = word;
  }
  const words = wordsOf(cut);
  const most = numberOf(body["max_tokens"]);
  if (rounds === 0 && most !== null && words.length > most)
    return { text: words.slice(0, most).join(""), reason: "max_tokens", stop: null };
  return { text: cut, reason: stop === null ? "end_turn" : "stop_sequence", stop };
}
