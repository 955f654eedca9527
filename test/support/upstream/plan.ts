// The fake vendor's answer to a turn, before any format is chosen. Controlled by directives in the prompt:
//   say:TEXT echo think:TEXT long:N json:{..} tool:NAME {..} (several = one a round) tools:A {..};B {..} (parallel)
//   then:TEXT (after the tool rounds) toolresult images system history stop:REASON usage:IN,CACHED,WRITE,OUT pace:MS mode:NAME ARG

import { createHash } from "node:crypto";
import { readCalls, readDirectives } from "./directives.ts";
import type { WantedCall } from "./directives.ts";
import { exampleOf } from "./json.ts";
import { steeringOf } from "./turn.ts";
import type { Turn } from "./turn.ts";

export type Part =
  | { readonly type: "thinking"; readonly text: string; readonly signature: string }
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "tool"; readonly id: string; readonly name: string; readonly input: string };

export type Finish = "stop" | "length" | "tool" | "stop-sequence" | "refusal" | "pause";

/** Tokens. `input` includes cached parts. */
export type FakeUsage = {
  readonly input: number;
  readonly cached: number;
  readonly written: number;
  readonly output: number;
  readonly reasoning: number;
};

export type Plan = {
  readonly parts: readonly Part[];
  readonly finish: Finish;
  readonly stopSequence: string | null;
  readonly usage: FakeUsage;
  readonly paceMs: number;
  readonly mode: { readonly name: string; readonly argument: string } | null;
};

/** The signature of a thinking text; strict-anthropic.ts checks that it comes back unchanged. */
export function signatureOf(text: string): string {
  return createHash("sha256").update(`fake-vendor:${text}`).digest("base64");
}

const finishes: Readonly<Record<string, Finish>> = {
  stop: "stop",
  length: "length",
  tool: "tool",
  refusal: "refusal",
  pause: "pause",
};

/** Words with the spaces before them: the deltas of a stream, and one token each in the fake count. */
export function wordsOf(text: string): string[] {
  return text.match(/\s*\S+|\s+$/gu) ?? [];
}

function usageOf(turn: Turn, words: number, reasoning: number, override: string | undefined): FakeUsage {
  if (override !== undefined) {
    const [input = 0, cached = 0, written = 0, output = 0] = override.split(",").map(Number);
    return { input, cached, written, output, reasoning };
  }
  const input = Math.max(12, Math.ceil(turn.bodyBytes / 4));
  const cached = input >= 1024 ? Math.floor(input / 2 / 128) * 128 : 0;
  return { input, cached, written: 0, output: words + reasoning, reasoning };
}

/** Cuts the answer as `stop` and the token limit require. */
function limit(turn: Turn, text: string): { text: string; finish: Finish; stopSequence: string | null } {
  let cut = text;
  let stopSequence: string | null = null;
  for (const stop of turn.stop) {
    const at = stop === "" ? -1 : cut.indexOf(stop);
    if (at >= 0) {
      cut = cut.slice(0, at);
      stopSequence = stop;
    }
  }
  const words = wordsOf(cut);
  if (turn.maxTokens !== null && words.length > turn.maxTokens)
    return { text: words.slice(0, turn.maxTokens).join(""), finish: "length", stopSequence: null };
  return { text: cut, finish: stopSequence === null ? "stop" : "stop-sequence", stopSequence };
}

export function planAnswer(turn: Turn, nextId: () => string): Plan {
  const steering = steeringOf(turn);
  const { directives, rest } = readDirectives(steering.prompt);
  const argumentOf = (name: string): string | undefined =>
    directives.find((directive) => directive.name === name)?.argument;
  const has = (name: string): boolean => argumentOf(name) !== undefined;
  const sizes = steering.images.map((image) => image.bytes).join(",");

  const steps: WantedCall[][] = directives.flatMap(({ name, argument }) =>
    name === "tool" || name === "tools" ? [readCalls(argument)] : [],
  );
  let calls = turn.choice.type === "none" || turn.tools.length === 0 ? [] : (steps[steering.rounds] ?? []);
  const forced = turn.choice.type === "tool" ? turn.choice.name : turn.tools[0]?.name;
  const isForced = turn.choice.type === "tool" || turn.choice.type === "required";
  if (isForced && calls.length === 0) {
    const tool = turn.tools.find((candidate) => candidate.name === forced);
    const input = argumentOf("json") ?? JSON.stringify(exampleOf(tool?.schema));
    calls = [{ name: tool?.name ?? "unknown_tool", input }];
  }
  const strange = calls.find((call) => !turn.tools.some((tool) => tool.name === call.name));

  const saying = (): string => {
    if (strange) return `The tool ${strange.name} was not offered.`;
    if (steering.results.length > 0) {
      const results = steering.results.join("\n");
      if (has("toolresult")) return `result: ${results} images: ${sizes}`;
      return argumentOf("then") ?? results;
    }
    const words = argumentOf("long");
    if (words !== undefined)
      return Array.from({ length: Number(words) }, (_, index) => `word${index + 1}`).join(" ");
    if (has("echo")) return rest;
    if (has("images")) return `images: ${sizes}`;
    if (has("system")) return turn.system.join("\n");
    if (has("history"))
      return JSON.stringify(turn.messages.flatMap(({ role, texts }) => texts.map((text) => [role, text])));
    const json = argumentOf("json");
    if (json !== undefined) return json;
    const say = argumentOf("say");
    if (say !== undefined) return say;
    if (turn.answerSchema !== null) return JSON.stringify(exampleOf(turn.answerSchema));
    return steps.length > 0 ? "No tool was called." : `You said: ${rest.trim().slice(0, 200)}`;
  };

  const parts: Part[] = [];
  const thinking = argumentOf("think");
  if (thinking !== undefined && steering.rounds === 0)
    parts.push({ type: "thinking", text: thinking, signature: signatureOf(thinking) });
  const isCalling = calls.length > 0 && !strange;
  const limited = isCalling
    ? { text: argumentOf("say") ?? "", finish: "tool" as const, stopSequence: null }
    : limit(turn, saying());
  if (limited.text !== "") parts.push({ type: "text", text: limited.text });
  if (isCalling) for (const call of calls) parts.push({ type: "tool", id: nextId(), ...call });

  const reasoning = thinking === undefined ? 0 : wordsOf(thinking).length;
  const spokenWords = wordsOf(limited.text).length;
  const toolWords = isCalling
    ? calls.reduce((sum, call) => sum + Math.ceil(call.input.length / 4) + 5, 0)
    : 0;
  const mode = argumentOf("mode");
  const [modeName = "", modeArgument = ""] = (mode ?? "").split(" ");
  return {
    parts,
    finish: finishes[argumentOf("stop") ?? ""] ?? limited.finish,
    stopSequence: limited.stopSequence,
    usage: usageOf(turn, Math.max(1, spokenWords + toolWords), reasoning, argumentOf("usage")),
    paceMs: Number(argumentOf("pace") ?? "0"),
    mode: mode === undefined ? null : { name: modeName, argument: modeArgument },
  };
}
