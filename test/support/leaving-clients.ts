// Clients of the CLI backend that disconnect before their answer is complete: at every stage, at every endpoint, with and without
// tools. Two runs must never use the same moments by themselves; a seed reproduces them.

import { listOf, recordOf } from "./upstream/json.ts";
import type { Json } from "./upstream/json.ts";

export type LeftRequest = {
  /** False: the whole answer arrived first. */
  readonly wasAborted: boolean;
  /** `resumed streamed answering`: whether tool results were sent, whether it streamed, whether the answer had begun. */
  readonly stage: string;
  /** What no client should see, or null. */
  readonly odd: string | null;
};

export type Random = () => number;

/** Mulberry32: the same seed gives the same numbers. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const words = "[[long:30]][[pace:2]]";
const calls =
  '[[say:let me see]][[tools:get_weather {"city":"Paris"};get_time {}]][[then:warm at noon]][[pace:2]]';
const prompts = [words, `[[think:hm hm hm]]${words}`, "[[say:short]]", calls, calls] as const;
const parameters = { type: "object", properties: {} };
const names = ["get_weather", "get_time"];
const history: readonly Json[] = Array.from({ length: 8 }, (_, index) => ({
  role: index % 2 === 0 ? "user" : "assistant",
  content: `what was said before, ${index}`,
}));

type Endpoint = {
  readonly path: string;
  body(messages: readonly Json[], hasTools: boolean): Json;
  /** The conversation with results for every call of the answer. */
  answered(messages: readonly Json[], answer: Json): Json[];
};

const chatEndpoint: Endpoint = {
  path: "/v1/chat/completions",
  body: (messages, hasTools) => ({
    messages,
    ...(hasTools
      ? { tools: names.map((name) => ({ type: "function", function: { name, parameters } })) }
      : {}),
  }),
  answered(messages, answer) {
    const message = recordOf(recordOf(listOf(answer["choices"])[0])["message"]);
    const results = listOf(message["tool_calls"]).map((call): Json => {
      return { role: "tool", tool_call_id: recordOf(call)["id"], content: "18C" };
    });
    return [...messages, message, ...results];
  },
};

const messagesEndpoint: Endpoint = {
  path: "/v1/messages",
  body: (messages, hasTools) => ({
    messages,
    max_tokens: 4096,
    ...(hasTools ? { tools: names.map((name) => ({ name, input_schema: parameters })) } : {}),
  }),
  answered(messages, answer) {
    const content = listOf(answer["content"]);
    const results = content
      .map(recordOf)
      .filter(({ type }) => type === "tool_use")
      .map(({ id }): Json => ({ type: "tool_result", tool_use_id: id, content: "18C" }));
    return [...messages, { role: "assistant", content }, { role: "user", content: results }];
  },
};

/** One client: sends a request, and disconnects. `model` is any name of the CLI provider; `pace` times as slowly for a slower program. */
export async function leaveEarly(url: string, model: string, random: Random, pace = 1): Promise<LeftRequest> {
  const endpoint = random() < 0.5 ? chatEndpoint : messagesEndpoint;
  const prompt = prompts[Math.floor(random() * prompts.length)] ?? words;
  const hasTools = prompt === calls;
  const before = random() < 0.3 ? history : [];
  const asked = [...before, { role: "user", content: prompt }];
  const post = (messages: readonly Json[], stream: boolean, signal: AbortSignal | null): Promise<Response> =>
    fetch(`${url}${endpoint.path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model, stream, ...endpoint.body(messages, hasTools) }),
      signal,
    });

  const isResumed = hasTools && random() < 0.7;
  let messages = asked;
  if (isResumed) {
    const response = await post(asked, false, null);
    const answer = recordOf(await response.json());
    if (!response.ok) return odd("a tool turn", `${response.status} ${JSON.stringify(answer)}`);
    messages = endpoint.answered(asked, answer);
  }

  const stream = random() < 0.6;
  const stopper = new AbortController();
  let timer = setTimeout(() => undefined, 0);
  const leaveAfter = (ms: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => stopper.abort(), ms);
  };
  // Some only after the answer has begun; most of the others immediately, where most can go wrong.
  const waits = stream && random() < 0.5;
  const leaveAfterMs = waits ? random() * 60 : random() ** 2 * 200 * pace;
  if (!waits) leaveAfter(leaveAfterMs);
  const leavesAt = waits && random() < 0.5 ? Math.floor(random() * 12) : Number.POSITIVE_INFINITY;
  const isDeaf = waits && random() < 0.3;
  let state = "unanswered";
  const stage = (): string => `${isResumed ? "resumed" : "fresh"} ${stream ? "streamed" : "whole"} ${state}`;
  try {
    const response = await post(messages, stream, stopper.signal);
    if (!response.ok) return odd(stage(), `${response.status} ${await response.text()}`);
    state = "answering";
    if (waits) leaveAfter(leaveAfterMs);
    if (isDeaf) await new Promise((resolve) => stopper.signal.addEventListener("abort", resolve));
    let chunks = 0;
    let text = "";
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      chunks += 1;
      text += decoder.decode(chunk, { stream: true });
      if (chunks > leavesAt) stopper.abort();
    }
    const failed = /"error":/.exec(text);
    return { wasAborted: false, stage: stage(), odd: failed === null ? null : `${stage()}: ${text}` };
  } catch (error) {
    if (!stopper.signal.aborted) return odd(stage(), String(error));
    return { wasAborted: true, stage: stage(), odd: null };
  } finally {
    clearTimeout(timer);
  }
}

const odd = (stage: string, what: string): LeftRequest => ({
  wasAborted: false,
  stage,
  odd: `${stage}: ${what.slice(0, 600)}`,
});
