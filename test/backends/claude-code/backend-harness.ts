// A CLI backend over the in-memory program, and requests for it. What a test changes it names; everything else is the usual.
// It must never wait: time stands still until a test moves it.

import { type Call, noRequestOptions } from "../../../src/backends/backend.ts";
import {
  type ClaudeCodeBackend,
  type ClaudeCodeBackendOptions,
  createClaudeCodeBackend,
} from "../../../src/backends/claude-code/backend.ts";
import { systemClock } from "../../../src/system/clock.ts";
import type { Prepared } from "../../../src/backends/claude-code/prepared.ts";
import type { StreamEvent } from "../../../src/canon/event.ts";
import { Failure } from "../../../src/canon/failure.ts";
import { foldReply, type Reply } from "../../../src/canon/reply.ts";
import { type Block, type ChatRequest, emptyRequest, type Message } from "../../../src/canon/request.ts";
import { isThinkingOff } from "../../../src/dialects/fit-to-model.ts";
import { type FakeOptions, type FakeProgram, fakeProgram } from "./fake-child.ts";

export type Harness = {
  readonly backend: ClaudeCodeBackend;
  readonly program: FakeProgram;
  ask(request: ChatRequest, call?: Call): Promise<Reply>;
  events(request: ChatRequest, call?: Call): Promise<StreamEvent[]>;
  /** Throws when there was none. */
  failure(request: ChatRequest, call?: Call): Promise<Failure>;
};

export type HarnessOptions = Partial<ClaudeCodeBackendOptions> & {
  readonly fake?: Partial<FakeOptions>;
  readonly prepared?: Partial<Prepared>;
};

export const launch = {
  bin: "/bin/claude",
  argv: [],
  env: {},
  cwd: "/",
  jail: null,
  program: "test program",
};

/** Says the last text of the user's again; `use:NAME ID …` calls tools. */
export const echo: FakeOptions["model"] = (messages) => {
  const last = messages.at(-1)?.content ?? [];
  const text = last.findLast((block) => block["type"] === "text")?.["text"];
  if (typeof text !== "string") return { text: `got ${last.length} results` };
  const uses = /use:(\S+)((?: \w+)+)/.exec(text);
  if (uses === null) return { text: `said ${text}` };
  const [, name = "", ids = ""] = uses;
  return {
    text: "calling",
    calls: ids
      .trim()
      .split(" ")
      .map((id) => ({ id, name, input: { of: id } })),
  };
};

export function openHarness(options: HarnessOptions = {}): Harness {
  const program = fakeProgram({ model: echo, ...options.fake });
  const backend = createClaudeCodeBackend({
    provider: "cli",
    clock: systemClock,
    prepare: async (request, call) => ({
      request,
      order: { launch, mcp: null },
      key: `${call.model} ${isThinkingOff(request)}`,
      runsTools: false,
      ownTools: [],
      startsWithoutThinking: isThinkingOff(request),
      launchedEffort: null,
      effort: null,
      showsThinking: false,
      restore: null,
      warmKey: null,
      ...options.prepared,
    }),
    startChild: program.start,
    childrenThatFit: async () => 100,
    warm: { size: 0, max: 0, idleMs: 60_000 },
    parked: { max: 8, maxPerTenant: 4, callsTtlMs: 180_000, idleTtlMs: 60_000 },
    timeoutMs: 900_000,
    targetFacts: (model) => ({ model, defaultMaxTokens: 1000, maxOutput: null }),
    onTrouble: (error) => {
      throw error;
    },
    ...options,
  });
  const events = async (request: ChatRequest, call = callOf()): Promise<StreamEvent[]> => {
    const all: StreamEvent[] = [];
    for await (const batch of backend.generate(request, call)) all.push(...batch);
    return all;
  };
  return {
    backend,
    program,
    events,
    ask: async (request, call) => foldReply(await events(request, call)),
    async failure(request, call) {
      const last = (await events(request, call)).at(-1);
      if (last?.type !== "failure") throw new Error(`no failure but ${JSON.stringify(last)}`);
      return last.failure;
    },
  };
}

export function callOf(more: Partial<Call> = {}): Call {
  return {
    requestId: "r",
    model: "opus",
    signal: new AbortController().signal,
    abort: () => undefined,
    passHeaders: {},
    onHeaders: () => undefined,
    tenant: null,
    session: null,
    requestOptions: noRequestOptions,
    ...more,
  };
}

export const text = (value: string): Block => ({ type: "text", text: value });
export const user = (...content: (Block | string)[]): Message => ({
  role: "user",
  content: content.map((each) => (typeof each === "string" ? text(each) : each)),
});
export const model = (...content: (Block | string)[]): Message => ({
  ...user(...content),
  role: "assistant",
});
export const result = (callId: string, value = "done", isError = false): Block => ({
  type: "tool-result",
  callId,
  content: [{ type: "text", text: value }],
  isError,
});
export const asking = (
  messages: readonly (Message | string)[],
  more: Partial<ChatRequest> = {},
): ChatRequest => ({
  ...emptyRequest,
  system: [{ type: "text", text: "You are X." }],
  messages: messages.map((each) => (typeof each === "string" ? user(each) : each)),
  ...more,
});
export const tool = { name: "look", description: "Looks", schema: { type: "object", properties: {} } };
export const textOf = (reply: Reply): string =>
  reply.content.map((block) => (block.type === "text" ? block.text : "")).join("");
/** The request that continues after `reply`. */
export const after = (request: ChatRequest, reply: Reply, ...messages: Message[]): ChatRequest => ({
  ...request,
  messages: [...request.messages, { role: "assistant", content: reply.content }, ...messages],
});
export const nothingLeft = { running: 0, warm: 0, starting: 0, parked: { calls: 0, idle: 0 }, stopping: 0 };
