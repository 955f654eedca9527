// The real `claude` program behind the CLI backend, against a fake Anthropic API on loopback: text, tools, history, JSON.
// Run it by path: bun test ./test/heavy/claude-backend.heavy.ts. It never logs in and never leaves loopback but for npm.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Call } from "../../src/backends/backend.ts";
import { noRequestOptions } from "../../src/backends/backend.ts";
import { type ClaudeCodeBackend, createClaudeCodeBackend } from "../../src/backends/claude-code/backend.ts";
import { startAgentProcess } from "../../src/backends/agent-process/child-process.ts";
import { launchOf } from "../../src/backends/claude-code/launch.ts";
import type { StreamEvent } from "../../src/canon/event.ts";
import type { Failure } from "../../src/canon/failure.ts";
import { foldReply, type Reply } from "../../src/canon/reply.ts";
import { type ChatRequest, emptyRequest, type Message, type Tool } from "../../src/canon/request.ts";
import { isThinkingOff } from "../../src/dialects/fit-to-model.ts";
import { systemClock } from "../../src/system/clock.ts";
import type { Upstream } from "../support/upstream.ts";
import { startUpstream } from "../support/upstream.ts";
import { listOf, recordOf, textOf } from "../support/upstream/json.ts";
import type { Json } from "../support/upstream/json.ts";
import { claudeProgram, versionBehaviour } from "./claude-program.ts";

const slowMs = 60_000;

let upstream: Upstream;
let dir: string;
let bin: string;
const backends: ClaudeCodeBackend[] = [];

beforeAll(() => {
  bin = claudeProgram();
  upstream = startUpstream();
  dir = mkdtempSync(join(tmpdir(), "claude-backend-"));
  for (const each of ["home", "config", "work"]) mkdirSync(join(dir, each));
}, 300_000);
afterEach(async () => {
  await Promise.all(backends.splice(0).map((backend) => backend.stop()));
  upstream.reset();
}, slowMs);
afterAll(() => {
  upstream?.stop();
  if (dir) rmSync(dir, { recursive: true, force: true });
});

type Wanted = { readonly serverTools?: readonly string[]; readonly warm?: number };

function open(wanted: Wanted = {}): ClaudeCodeBackend {
  const serverTools = wanted.serverTools ?? "none";
  const backend = createClaudeCodeBackend({
    provider: "cli",
    clock: systemClock,
    startChild: ({ launch }) => startAgentProcess(launch),
    childrenThatFit: async () => 8,
    warm: { size: wanted.warm ?? 0, max: 2, idleMs: 60_000 },
    parked: { max: 4, maxPerTenant: 4, callsTtlMs: 60_000, idleTtlMs: 60_000 },
    timeoutMs: slowMs,
    targetFacts: (model) => ({ model, defaultMaxTokens: 32_000, maxOutput: null }),
    onTrouble: (error) => console.error(error),
    async prepare(request, call) {
      const isOff = isThinkingOff(request);
      const launch = launchOf({
        model: call.model,
        thinking: isOff ? "off" : "default",
        serverTools,
        environment: { PATH: process.env["PATH"], LANG: "C.UTF-8" },
        gatewayId: "heavy-test",
        workspace: {
          tenant: null,
          bin,
          home: join(dir, "home"),
          configDir: join(dir, "config"),
          workingDir: join(dir, "work"),
          env: { ANTHROPIC_BASE_URL: upstream.url, ANTHROPIC_API_KEY: "sk-ant-dummy" },
          pluginDirs: [],
          addDirs: [],
          permissionMode: null,
          jail: null,
        },
      });
      return {
        request,
        order: { launch, mcp: null },
        key: `${call.model} ${isOff}`,
        runsTools: serverTools !== "none",
        ownTools: serverTools === "none" ? [] : serverTools,
        alwaysThinks: !versionBehaviour.opusCanStop,
        startsWithoutThinking: isOff,
        launchedEffort: null,
        effort: request.effort,
        showsThinking: false,
        restore: null,
        warmKey: null,
      };
    },
  });
  backends.push(backend);
  return backend;
}

function callOf(notes: string[] = [], signal = new AbortController().signal): Call {
  return {
    requestId: "request",
    model: "opus",
    signal,
    abort: () => undefined,
    passHeaders: {},
    onHeaders: () => undefined,
    note: (word) => void notes.push(word),
    tenant: null,
    session: null,
    requestOptions: noRequestOptions,
  };
}

async function eventsOf(
  backend: ClaudeCodeBackend,
  request: ChatRequest,
  call = callOf(),
  onEvents: (events: readonly StreamEvent[]) => void = () => undefined,
): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const batch of backend.generate(request, call)) {
    events.push(...batch);
    onEvents(events);
  }
  return events;
}
const ask = async (backend: ClaudeCodeBackend, request: ChatRequest, call = callOf()): Promise<Reply> =>
  foldReply(await eventsOf(backend, request, call));

const says = (role: Message["role"], text: string): Message => ({ role, content: [{ type: "text", text }] });
const asking = (text: string, more: Partial<ChatRequest> = {}): ChatRequest => ({
  ...emptyRequest,
  system: [{ type: "text", text: "You are X." }],
  stream: true,
  messages: [says("user", text)],
  ...more,
});
const textIn = (reply: Reply): string =>
  reply.content.map((block) => (block.type === "text" ? block.text : "")).join("");
const bodies = (): Json[] =>
  upstream.requests.filter(({ method }) => method === "POST").map(({ body }) => body);
const lastBody = (): Json => bodies().at(-1) ?? {};
/** Messages of a body without the program's own reminders: in the first one on 2.1.197, of their own on 2.1.329. */
const messagesOf = (body: Json): unknown[] =>
  listOf(body["messages"]).flatMap((message) => {
    const { role, content } = recordOf(message);
    if (role === "system") return [];
    const blocks = listOf(content).map((block): Json => {
      const { cache_control: _mark, ...kept } = recordOf(block);
      return kept;
    });
    return {
      role,
      content: blocks.filter((block) => !textOf(block["text"]).startsWith("<system-reminder>")),
    };
  });

const weather: Tool = {
  name: "get_weather",
  description: "Weather by city",
  schema: {
    type: "object",
    properties: { city: { $ref: "#/$defs/city" } },
    $defs: { city: { type: "string" } },
    required: ["city"],
    additionalProperties: false,
  },
};
const pixel =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

describe("answers", () => {
  test(
    "text arrives in pieces, with system prompt, settings, usage and cost",
    async () => {
      const backend = open();
      const request = asking("[[say:one two three]]", {
        maxTokens: 5_000,
        stop: ["ZZ"],
        effort: "low",
      });
      const events = await eventsOf(backend, request);
      const reply = foldReply(events);
      expect(textIn(reply)).toBe("one two three");
      expect(reply.finish).toBe("stop");
      expect(events.filter(({ type }) => type === "text-delta").length).toBeGreaterThan(1);
      const finish = events.at(-1);
      expect(finish?.type === "finish" && (finish.costUsd ?? 0) > 0).toBe(true);
      expect(reply.usage.output).toBe(3);
      const body = lastBody();
      expect(body["max_tokens"]).toBe(5_000);
      expect(body["stop_sequences"]).toEqual(["ZZ"]);
      expect(recordOf(body["output_config"])["effort"]).toBe("low");
      expect(textOf(recordOf(listOf(body["system"]).at(-1))["text"])).toBe("You are X.");
      expect(backend.counts()).toEqual({
        running: 0,
        warm: 0,
        starting: 0,
        parked: { calls: 0, idle: 1 },
        stopping: 0,
      });
    },
    slowMs,
  );

  test(
    "the next turn goes on in the same process, the one after an edit does not",
    async () => {
      const backend = open();
      const first = asking("[[say:first answer]]");
      const reply = await ask(backend, first);
      const second = {
        ...first,
        messages: [...first.messages, says("assistant", textIn(reply)), says("user", "/then [[say:second]]")],
      };
      expect(textIn(await ask(backend, second))).toBe("second");
      expect(messagesOf(lastBody())).toEqual([
        { role: "user", content: [{ type: "text", text: "[[say:first answer]]" }] },
        { role: "assistant", content: [{ type: "text", text: "first answer" }] },
        { role: "user", content: [{ type: "text", text: "\n/then [[say:second]]" }] },
      ]);
      const sessions = (): unknown[] =>
        upstream.requests
          .filter(({ method }) => method === "POST")
          .map(({ headers }) => headers["x-claude-code-session-id"]);
      expect(new Set(sessions()).size).toBe(1);
      const edited = {
        ...first,
        messages: [...first.messages, says("assistant", "other words"), says("user", "[[history]]")],
      };
      expect(textIn(await ask(backend, edited))).toContain("other words");
      expect(new Set(sessions()).size).toBe(2);
      expect(bodies()).toHaveLength(3);
    },
    slowMs,
  );

  test(
    "thinking is shown with its signature to who asked, and off when it is to be off",
    async () => {
      const backend = open();
      const reply = await ask(
        backend,
        asking("[[think:let me see]][[say:done]]", { thinking: { mode: "adaptive" } }),
      );
      expect(reply.content[0]).toMatchObject({ type: "thinking", text: "let me see" });
      expect(reply.content[0]?.type === "thinking" && (reply.content[0].signature ?? "") !== "").toBe(true);
      const hidden = await ask(backend, asking("[[think:let me see]][[say:done again]]"));
      expect(hidden.content).toEqual([{ type: "text", text: "done again" }]);
      const notes: string[] = [];
      const off = asking("[[think:hm]][[say:off]]", { thinking: { mode: "off" }, temperature: 0.25 });
      expect((await ask(backend, off, callOf(notes))).content).toEqual([{ type: "text", text: "off" }]);
      if (versionBehaviour.opusCanStop)
        expect(lastBody()).toMatchObject({ thinking: { type: "disabled" }, temperature: 0.25 });
      else {
        expect(lastBody()).toMatchObject({ thinking: { type: "adaptive" } });
        expect(notes).toEqual(["thinking-at-least", "temperature-dropped"]);
      }
    },
    slowMs,
  );

  test(
    "text of a client is neither a command nor a file",
    async () => {
      const backend = open();
      await ask(backend, asking("/compact [[say:ok]]"));
      expect(messagesOf(lastBody())).toEqual([
        { role: "user", content: [{ type: "text", text: "\n/compact [[say:ok]]" }] },
      ]);
      const history = [
        says("user", "/clear please"),
        says("assistant", "no"),
        says("user", "@/etc/hostname [[say:ok]]"),
      ];
      await ask(backend, asking("", { messages: history }));
      expect(messagesOf(lastBody())).toEqual([
        { role: "user", content: [{ type: "text", text: "\n/clear please" }] },
        { role: "assistant", content: [{ type: "text", text: "no" }] },
        { role: "user", content: [{ type: "text", text: "@/etc/hostname [[say:ok]]" }] },
      ]);
      expect(JSON.stringify(lastBody())).not.toContain("Read tool");
    },
    slowMs,
  );

  test(
    "a history of 20 messages arrives in order, with calls, results and an image",
    async () => {
      const backend = open();
      const messages: Message[] = [];
      for (let turn = 0; turn < 6; turn++)
        messages.push(says("user", `question ${turn}`), says("assistant", `answer ${turn}`));
      for (let turn = 0; turn < 2; turn++)
        messages.push(
          {
            role: "user",
            content: [
              { type: "text", text: `look ${turn}` },
              { type: "image", source: { kind: "base64", mediaType: "image/png", data: pixel } },
            ],
          },
          {
            role: "assistant",
            content: [{ type: "tool-call", id: `call_${turn}`, name: "get_weather", input: '{"city":"A"}' }],
          },
          {
            role: "user",
            content: [
              {
                type: "tool-result",
                callId: `call_${turn}`,
                content: [{ type: "text", text: "1C" }],
                isError: turn === 1,
              },
            ],
          },
          says("assistant", `seen ${turn}`),
        );
      messages.push(says("user", "[[say:all of it]]"));
      expect(textIn(await ask(backend, asking("", { messages, tools: [weather] })))).toBe("all of it");
      const sent = messagesOf(lastBody()).map((each) => recordOf(each));
      expect(sent.map(({ role }) => role)).toEqual(messages.map(({ role }) => role));
      expect(sent[12]).toEqual({
        role: "user",
        content: [
          { type: "text", text: "look 0" },
          { type: "image", source: { type: "base64", media_type: "image/png", data: pixel } },
        ],
      });
      expect(sent[13]).toEqual({
        role: "assistant",
        content: [{ type: "tool_use", id: "call_0", name: "get_weather", input: { city: "A" } }],
      });
      expect(listOf(recordOf(sent[18])["content"])[0]).toMatchObject({
        type: "tool_result",
        tool_use_id: "call_1",
        is_error: true,
      });
      expect(bodies()).toHaveLength(1);
    },
    slowMs,
  );

  test(
    "an answer with a schema is the JSON itself",
    async () => {
      const backend = open();
      const schema = {
        type: "object",
        properties: { n: { type: "integer" } },
        required: ["n"],
        additionalProperties: false,
      };
      const turn = (say: string): Json => ({ say });
      upstream.script((request) =>
        request.method !== "POST" ||
        listOf(request.body["messages"]).some((message) => recordOf(message)["role"] === "assistant")
          ? undefined
          : { chunks: structured(turn('{"n":7}')) },
      );
      const reply = await ask(
        backend,
        asking("give it [[say:done]]", { format: { type: "json-schema", name: "n", schema, strict: true } }),
      );
      expect(reply.content).toEqual([{ type: "text", text: '{"n":7}' }]);
      expect(reply.finish).toBe("stop");
    },
    slowMs,
  );

  test(
    "errors are reported by their kind and name no host",
    async () => {
      const backend = open();
      const failed = async (request: ChatRequest, call = callOf()): Promise<Failure> => {
        const last = (await eventsOf(backend, request, call)).at(-1);
        if (last?.type !== "failure") throw new Error(`no failure: ${JSON.stringify(last)}`);
        return last.failure;
      };
      const status = (code: number, message: string) =>
        upstream.script((request) =>
          request.method === "POST"
            ? {
                status: code,
                headers: { "retry-after": "0" },
                body: { type: "error", error: { type: "x", message } },
              }
            : undefined,
        );
      status(529, "Overloaded");
      expect((await failed(asking("a"))).kind).toBe("overloaded");
      status(401, "invalid x-api-key");
      expect((await failed(asking("b"))).kind).toBe("credentials-rejected");
      status(400, "prompt is too long: 300000 tokens > 200000 maximum");
      expect((await failed(asking("c"))).kind).toBe("context-exceeded");
      status(404, "model: nothing");
      const missing = await failed(asking("d"));
      expect(missing.kind).toBe("model-missing");
      expect(missing.message).not.toContain("127.0.0.1");
      expect(backend.counts().parked).toEqual({ calls: 0, idle: 0 });
    },
    slowMs,
  );

  test(
    "thinking of the history comes back with its signature",
    async () => {
      const backend = open();
      const thinking = { type: "thinking", text: "hm", signature: "c2ln" } as const;
      const messages: Message[] = [
        says("user", "q"),
        { role: "assistant", content: [thinking, { type: "text", text: "a" }] },
        says("user", "[[say:ok]]"),
      ];
      await ask(backend, asking("", { messages }));
      expect(listOf(recordOf(messagesOf(lastBody())[1])["content"])[0]).toEqual({
        type: "thinking",
        thinking: "hm",
        signature: "c2ln",
      });
    },
    slowMs,
  );

  test(
    "an abort in mid-stream closes the request upstream and ends the process",
    async () => {
      const backend = open();
      const abort = new AbortController();
      const events = backend.generate(asking("[[long:500]][[pace:20]]"), callOf([], abort.signal));
      for (;;) {
        const { value } = await events.next();
        if (value?.some(({ type }) => type === "text-delta")) break;
      }
      abort.abort();
      expect((await upstream.waitFor((request) => request.isAborted, slowMs)).isAborted).toBe(true);
      await events.return();
      await backend.stop();
      expect(backend.counts()).toEqual({
        running: 0,
        warm: 0,
        starting: 0,
        parked: { calls: 0, idle: 0 },
        stopping: 0,
      });
    },
    slowMs,
  );

  test(
    "a connection that is lost in mid-stream is a failure: no word is lost or said twice",
    async () => {
      const backend = open();
      const heard = Promise.withResolvers<void>();
      upstream.script((request) =>
        request.method === "POST"
          ? {
              chunks: spoken(["one ", "two ", "three"]).slice(0, 4),
              ending: "fin",
              endsAfter: heard.promise,
            }
          : undefined,
      );
      const wordsOf = (events: readonly StreamEvent[]): string =>
        events.flatMap((event) => (event.type === "text-delta" ? [event.text] : [])).join("");
      // Words that reach the program together with the end of the connection never leave it.
      const events = await eventsOf(backend, asking("q"), callOf(), (soFar) => {
        if (wordsOf(soFar) === "one two ") heard.resolve();
      });
      expect(wordsOf(events)).toBe("one two ");
      const last = events.at(-1);
      expect(last?.type === "failure" && last.failure).toMatchObject({
        kind: "upstream-error",
        maybeBilled: true,
      });
      expect(bodies()).toHaveLength(1);
    },
    slowMs,
  );

  test(
    "an answer that is cut at its limit ends there",
    async () => {
      const backend = open();
      const reply = await ask(backend, asking("[[long:50]]", { maxTokens: 10 }));
      expect(reply.finish).toBe("length");
      expect(textIn(reply).split(" ")).toHaveLength(10);
      // Before it is killed the program may have asked its model again, in 4 of 57 answers: once at most, and for nobody.
      const resumed = bodies().filter((body) => JSON.stringify(body).includes("Output token limit hit"));
      expect(resumed.length).toBeLessThanOrEqual(1);
      expect(bodies().length - resumed.length).toBe(1);
    },
    slowMs,
  );
});

describe("tools of the client", () => {
  const result = (callId: string, text: string): Message => ({
    role: "user",
    content: [{ type: "tool-result", callId, content: [{ type: "text", text }], isError: false }],
  });

  test(
    "a call ends the answer, and its result goes on in the same process",
    async () => {
      const backend = open();
      const first = asking('[[say:let me look]][[tool:get_weather {"city":"Paris"}]][[toolresult]]', {
        tools: [weather],
      });
      const reply = await ask(backend, first);
      expect(reply.finish).toBe("tool-calls");
      const call = reply.content.find((block) => block.type === "tool-call");
      if (call?.type !== "tool-call") throw new Error("no call");
      expect(call).toMatchObject({ name: "get_weather", input: '{"city":"Paris"}' });
      expect(recordOf(listOf(lastBody()["tools"])[0])["input_schema"]).toEqual(recordOf(weather.schema));
      expect(backend.counts().parked).toEqual({ calls: 1, idle: 0 });
      const large = `18C ${"x".repeat(300_000)}`;
      const second = {
        ...first,
        messages: [
          ...first.messages,
          { role: "assistant", content: reply.content } as const,
          result(call.id.replaceAll("_", ""), large),
        ],
      };
      expect(textIn(await ask(backend, second))).toBe(`result: ${large} images: `);
      expect(bodies()).toHaveLength(2);
      expect(backend.counts().parked).toEqual({ calls: 0, idle: 1 });
    },
    slowMs,
  );

  test(
    "several calls at once, one of them an error, one an image",
    async () => {
      const backend = open();
      const first = asking(
        '[[tools:get_weather {"city":"A"};get_weather {"city":"B"};get_weather {"city":"C"}]][[then:all there]]',
        { tools: [weather] },
      );
      const reply = await ask(backend, first);
      const calls = reply.content.filter((block) => block.type === "tool-call");
      expect(calls.map((call) => call.input)).toEqual(['{"city":"A"}', '{"city":"B"}', '{"city":"C"}']);
      const [a, b, c] = calls.map((call) => call.id);
      const results: Message = {
        role: "user",
        content: [
          {
            type: "tool-result",
            callId: c ?? "",
            content: [{ type: "image", source: { kind: "base64", mediaType: "image/png", data: pixel } }],
            isError: false,
          },
          { type: "tool-result", callId: a ?? "", content: [{ type: "text", text: "1C" }], isError: false },
          {
            type: "tool-result",
            callId: b ?? "",
            content: [{ type: "text", text: "no such city" }],
            isError: true,
          },
        ],
      };
      const second = {
        ...first,
        messages: [...first.messages, { role: "assistant", content: reply.content } as const, results],
      };
      expect(textIn(await ask(backend, second))).toBe("all there");
      const sent = listOf(recordOf(messagesOf(lastBody()).at(-1))["content"]).map(recordOf);
      const by = (id: string | undefined): Json => sent.find((block) => block["tool_use_id"] === id) ?? {};
      expect(by(a)["content"]).toEqual([{ type: "text", text: "1C" }]);
      expect(by(b)).toMatchObject({ is_error: true, content: "no such city" });
      expect(JSON.stringify(by(c)["content"])).toContain(pixel);
      expect(bodies()).toHaveLength(2);
    },
    slowMs,
  );

  test(
    "a forced tool is forced once; a long description arrives whole; odd names come back",
    async () => {
      const backend = open();
      const words = Array.from({ length: 600 }, (_, at) => `word${at}`).join(" ");
      const odd: Tool = {
        name: "files.read:all",
        description: words,
        schema: { type: "object", properties: {} },
      };
      const forced = versionBehaviour.opusCanStop ? "" : "[[tool:StructuredOutput {}]]";
      const first = asking(`${forced}[[then:read]]`, {
        tools: [odd],
        toolChoice: { type: "tool", name: "files.read:all" },
      });
      const reply = await ask(backend, first);
      const call = reply.content.find((block) => block.type === "tool-call");
      if (call?.type !== "tool-call") throw new Error("no call");
      expect(call.name).toBe("files.read:all");
      const body = lastBody();
      expect(body["tool_choice"]).toEqual(
        versionBehaviour.opusCanStop ? { type: "tool", name: "files_read_all" } : undefined,
      );
      expect(JSON.stringify(body["tools"])).not.toContain("[truncated]");
      const seen = JSON.stringify([body["tools"], body["system"], body["messages"]]);
      expect(words.split(" ").filter((word) => !seen.includes(word))).toEqual([]);
      const second = {
        ...first,
        toolChoice: null,
        messages: [
          ...first.messages,
          { role: "assistant", content: reply.content } as const,
          result(call.id, "ok"),
        ],
      };
      expect(textIn(await ask(backend, second))).toBe("read");
      expect(lastBody()["tool_choice"]).toBeUndefined();
      expect(backend.counts().parked.idle).toBe(1);
    },
    slowMs,
  );

  test(
    "tools and a schema together: first the call, then the JSON",
    async () => {
      const backend = open();
      const schema = { type: "object", properties: { n: { type: "integer" } }, required: ["n"] };
      const first = asking(
        '[[say:I look]][[tool:get_weather {"city":"A"}]][[tool:StructuredOutput {"n":7}]]',
        {
          tools: [weather],
          format: { type: "json-schema", name: "n", schema, strict: null },
        },
      );
      const reply = await ask(backend, first);
      expect(reply.finish).toBe("tool-calls");
      const call = reply.content[0];
      if (call?.type !== "tool-call") throw new Error("no call");
      const second = {
        ...first,
        messages: [
          ...first.messages,
          { role: "assistant", content: reply.content } as const,
          result(call.id, "1C"),
        ],
      };
      const last = await ask(backend, second);
      expect(last.content).toEqual([{ type: "text", text: '{"n":7}' }]);
      expect(last.finish).toBe("stop");
    },
    slowMs,
  );

  test(
    "where no tool may be called, none is",
    async () => {
      const backend = open();
      const request = asking('[[tool:get_weather {"city":"A"}]]', {
        tools: [weather],
        toolChoice: { type: "none" },
      });
      expect((await ask(backend, request)).finish).toBe("stop");
      expect(lastBody()["tool_choice"]).toEqual({ type: "none" });
    },
    slowMs,
  );

  test(
    "results that do not fit are given to a fresh process, and the old one never asks",
    async () => {
      const backend = open();
      const first = asking('[[tool:get_weather {"city":"Paris"}]][[then:fresh]]', { tools: [weather] });
      const reply = await ask(backend, first);
      const call = reply.content.find((block) => block.type === "tool-call");
      if (call?.type !== "tool-call") throw new Error("no call");
      const edited = {
        ...first,
        system: [{ type: "text", text: "You are Y." } as const],
        messages: [
          ...first.messages,
          { role: "assistant", content: reply.content } as const,
          result(call.id, "18C"),
        ],
      };
      expect(textIn(await ask(backend, edited))).toBe("fresh");
      expect(bodies()).toHaveLength(2);
      expect(messagesOf(lastBody())).toHaveLength(3);
    },
    slowMs,
  );
});

describe("processes", () => {
  test(
    "a warm one serves, a parked one goes on, and none is left",
    async () => {
      const backend = open({ warm: 1 });
      const timed = async (request: ChatRequest): Promise<{ ms: number; reply: Reply }> => {
        const begun = performance.now();
        let ms = Number.NaN;
        const events: StreamEvent[] = [];
        for await (const batch of backend.generate(request, callOf())) {
          if (Number.isNaN(ms) && batch.some(({ type }) => type === "text-delta"))
            ms = performance.now() - begun;
          events.push(...batch);
        }
        return { ms: Math.round(ms), reply: foldReply(events) };
      };
      const isWarm = async (): Promise<void> => {
        while (backend.counts().warm < 1) await Bun.sleep(20);
        // It is there, and now it gets the second that it takes to be ready.
        await Bun.sleep(1_500);
      };
      const cold = await timed(asking("[[say:cold]]"));
      await isWarm();
      const warmFirst = asking("[[say:warm]]");
      const warm = await timed(warmFirst);
      const next = await timed({
        ...warmFirst,
        messages: [
          ...warmFirst.messages,
          { role: "assistant", content: warm.reply.content },
          says("user", "[[say:next]]"),
        ],
      });
      await isWarm();
      const messages = Array.from({ length: 20 }, (_, at) =>
        says(at % 2 === 0 ? "user" : "assistant", `text ${at}`),
      );
      const long = await timed(
        asking("", { messages: [...messages, says("user", "[[say:long]]")], tools: [weather] }),
      );
      console.log(
        `first word, ms: cold ${cold.ms}, warm ${warm.ms}, warm with tools and 20 messages ${long.ms}, next turn ${next.ms}`,
      );
      expect([cold, warm, next, long].map(({ reply }) => textIn(reply))).toEqual([
        "cold",
        "warm",
        "next",
        "long",
      ]);
      const posts = upstream.requests.filter(({ method }) => method === "POST");
      expect(new Set(posts.map(({ headers }) => headers["x-claude-code-session-id"])).size).toBe(3);
      await backend.stop();
      expect(backend.counts()).toEqual({
        running: 0,
        warm: 0,
        starting: 0,
        parked: { calls: 0, idle: 0 },
        stopping: 0,
      });
    },
    slowMs,
  );

  test(
    "tools of the program's own run unseen, and the client gets one message",
    async () => {
      const backend = open({ serverTools: ["Bash"] });
      const events = await eventsOf(
        backend,
        asking('[[say:I will look]][[tool:Bash {"command":"echo one"}]][[then:The end of it.]]'),
      );
      const reply = foldReply(events);
      expect(reply.content).toEqual([{ type: "text", text: "The end of it." }]);
      expect(events.filter(({ type }) => type === "start")).toHaveLength(1);
      expect(bodies()).toHaveLength(2);
    },
    slowMs,
  );
});

/** A message that calls the program's own tool for answers with a schema. */
function structured({ say }: Json): string[] {
  const event = (type: string, members: Json): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`;
  const message = {
    id: "msg_json",
    type: "message",
    role: "assistant",
    model: "m",
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 10, output_tokens: 1 },
  };
  return [
    event("message_start", { message }),
    event("content_block_start", {
      index: 0,
      content_block: { type: "tool_use", id: "toolu_json", name: "StructuredOutput", input: {} },
    }),
    event("content_block_delta", {
      index: 0,
      delta: { type: "input_json_delta", partial_json: textOf(say) },
    }),
    event("content_block_stop", { index: 0 }),
    event("message_delta", {
      delta: { stop_reason: "tool_use", stop_sequence: null },
      usage: { output_tokens: 5 },
    }),
    event("message_stop", {}),
  ];
}

/** A message of text, as the events of a stream. */
function spoken(words: readonly string[]): string[] {
  const event = (type: string, members: Json): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`;
  const usage = { input_tokens: 10, output_tokens: 1 };
  return [
    event("message_start", {
      message: { id: "msg_words", type: "message", role: "assistant", model: "m", content: [], usage },
    }),
    event("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
    ...words.map((text) => event("content_block_delta", { index: 0, delta: { type: "text_delta", text } })),
    event("content_block_stop", { index: 0 }),
    event("message_delta", { delta: { stop_reason: "end_turn" }, usage: { output_tokens: words.length } }),
    event("message_stop", {}),
  ];
}
