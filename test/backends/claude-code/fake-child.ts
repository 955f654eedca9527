// An in-memory stand-in for one `claude` process: the protocol as the backend sees it, a model that is a function, faults by stage.
// It must never be taken for proof of what the real program does: test/heavy runs that.

import type { AgentProcess } from "../../../src/backends/agent-process/child-process.ts";
import type { ProtocolLine } from "../../../src/dialects/claude-code/protocol-lines.ts";
import { isRecord } from "../../../src/dialects/decoding.ts";
import { Failure } from "../../../src/canon/failure.ts";

type Block = Readonly<Record<string, unknown>>;
export type FakeMessage = { readonly role: string; readonly content: readonly Block[] };
/** What the model says next; a call without a client's tool of that name is one of the program's own. */
export type Said = {
  readonly text?: string;
  readonly calls?: readonly { readonly id: string; readonly name: string; readonly input?: unknown }[];
  readonly stop?: string;
};
export type Stage = "initialize" | "settings" | "history" | "turn" | "stream" | "calls" | "resume" | "result";
export type Fault = { readonly at: Stage; readonly how: "dies" | "hangs" | "garbage" };

export type Upstream = {
  readonly pid: number;
  readonly messages: readonly FakeMessage[];
  readonly settings: ProtocolLine;
};

export type FakeProgram = {
  start(): Promise<AgentProcess>;
  /** Requests to the model, of all processes. */
  readonly upstream: Upstream[];
  /** Lines that each process read. */
  readonly lines: Map<number, ProtocolLine[]>;
  alive(): number;
  started(): number;
  /** For processes from now on; null: none. */
  setFault(fault: Fault | null): void;
  /** Ends a process, or all of them, as a crash would. */
  kill(pid?: number): void;
};

export type FakeOptions = {
  readonly model: (messages: readonly FakeMessage[]) => Said;
  /** The program asks for one result after the other instead of for all together. */
  readonly callsInTurn?: boolean;
  /** Pauses before each line; a promise that another may hold. */
  readonly pace?: () => Promise<void>;
};

const records = (value: unknown): ProtocolLine[] => (Array.isArray(value) ? value.filter(isRecord) : []);
const member = (value: unknown, name: string): unknown => (isRecord(value) ? value[name] : undefined);

export function fakeProgram(options: FakeOptions): FakeProgram {
  const upstream: Upstream[] = [];
  const lines = new Map<number, ProtocolLine[]>();
  const running = new Map<number, () => void>();
  let number = 0;
  let messageNumber = 0;
  let fault: Fault | null = null;

  const start = async (): Promise<AgentProcess> => {
    const pid = ++number;
    const own = fault;
    const output: ProtocolLine[] = [];
    const read: ProtocolLine[] = [];
    lines.set(pid, read);
    let wake = (): void => undefined;
    let isGone = false;
    let isHung = false;
    const exit = Promise.withResolvers<{ code: number | null; signal: NodeJS.Signals | null }>();
    const end = (): void => {
      if (isGone) return;
      isGone = true;
      running.delete(pid);
      wake();
      exit.resolve({ code: 143, signal: null });
    };
    running.set(pid, end);

    const print = (line: ProtocolLine): void => {
      if (isGone || isHung) return;
      output.push(line);
      wake();
    };
    /** True when the process is no longer itself. */
    const fails = (stage: Stage): boolean => {
      if (own?.at !== stage) return isGone || isHung;
      if (own.how === "dies") end();
      else if (own.how === "hangs") isHung = true;
      else print({ type: "garbage", what: stage });
      return own.how !== "garbage";
    };

    const messages: FakeMessage[] = [];
    const settings: Record<string, unknown> = {};
    let hasServer = false;
    let tools: string[] | null = null;
    const answers = new Map<string, (result: unknown) => void>();
    let asked = 0;

    const askUs = (message: ProtocolLine): Promise<unknown> => {
      const id = `cli-${++asked}`;
      print({
        type: "control_request",
        request_id: id,
        request: {
          subtype: "mcp_message",
          server_name: "client",
          message: { ...message, jsonrpc: "2.0", id: asked },
        },
      });
      return new Promise((resolve) => answers.set(id, resolve));
    };
    const connect = async (): Promise<void> => {
      if (!hasServer || tools !== null) return;
      await askUs({ method: "initialize", params: { protocolVersion: "2025-11-25" } });
      const listed = await askUs({ method: "tools/list" });
      tools = records(member(listed, "tools")).map((tool) => String(tool["name"]));
    };
    const callTool = async (call: { id: string; name: string; input?: unknown }): Promise<Block> => {
      if (!tools?.includes(call.name)) return { type: "tool_result", tool_use_id: call.id, content: "own" };
      const params = {
        name: call.name,
        arguments: call.input ?? {},
        _meta: { "claudecode/toolUseId": call.id },
      };
      const result = await askUs({ method: "tools/call", params });
      return {
        type: "tool_result",
        tool_use_id: call.id,
        content: member(result, "content"),
        is_error: member(result, "isError"),
      };
    };
    const results = async (calls: NonNullable<Said["calls"]>): Promise<Block[]> => {
      if (options.callsInTurn !== true) return Promise.all(calls.map(callTool));
      const found: Block[] = [];
      for (const call of calls) found.push(await callTool(call));
      return found;
    };

    const event = (value: ProtocolLine): void =>
      print({ type: "stream_event", event: value, parent_tool_use_id: null });
    const pause = async (): Promise<void> => {
      await (options.pace?.() ?? Promise.resolve());
    };
    const speak = async (said: Said): Promise<Promise<Block[]> | null> => {
      const id = `msg_${++messageNumber}`;
      event({
        type: "message_start",
        message: { id, model: "fake", usage: { input_tokens: 10, output_tokens: 1 } },
      });
      let index = 0;
      const content: Block[] = [];
      if (said.text !== undefined) {
        event({ type: "content_block_start", index, content_block: { type: "text", text: "" } });
        for (const piece of said.text.match(/\s*\S+/g) ?? []) {
          await pause();
          event({ type: "content_block_delta", index, delta: { type: "text_delta", text: piece } });
          if (fails("stream")) return null;
        }
        content.push({ type: "text", text: said.text });
        print({ type: "assistant", message: { id, model: "fake", content }, parent_tool_use_id: null });
        event({ type: "content_block_stop", index: index++ });
      }
      const calls = said.calls ?? [];
      for (const call of calls) {
        event({
          type: "content_block_start",
          index,
          content_block: { type: "tool_use", id: call.id, name: call.name, input: {} },
        });
        event({
          type: "content_block_delta",
          index,
          delta: { type: "input_json_delta", partial_json: JSON.stringify(call.input ?? {}) },
        });
        event({ type: "content_block_stop", index: index++ });
        content.push({ type: "tool_use", id: call.id, name: call.name, input: call.input ?? {} });
      }
      // The program calls a tool before it reports the end of the message.
      const called = calls.length > 0 ? results(calls) : null;
      await pause();
      if (calls.length > 0 && fails("calls")) return null;
      event({
        type: "message_delta",
        delta: { stop_reason: said.stop ?? (calls.length > 0 ? "tool_use" : "end_turn") },
        usage: { output_tokens: 5 },
      });
      event({ type: "message_stop" });
      messages.push({ role: "assistant", content });
      return called;
    };
    const turn = async (): Promise<void> => {
      await connect();
      if (fails("turn")) return;
      print({ type: "system", subtype: "init" });
      for (;;) {
        await pause();
        if (isGone || isHung) return;
        upstream.push({ pid, messages: structuredClone(messages), settings: { ...settings } });
        const called = await speak(options.model(messages));
        if (called === null) break;
        messages.push({ role: "user", content: await called });
        if (fails("resume")) return;
        print({ type: "user", message: { role: "user", content: messages.at(-1)?.content } });
      }
      if (fails("result")) return;
      print({
        type: "result",
        subtype: "success",
        is_error: false,
        num_turns: 1,
        result: "x",
        total_cost_usd: upstream.length / 100,
      });
    };

    const control = (line: ProtocolLine): void => {
      const request = line["request"];
      const subtype = member(request, "subtype");
      if (fails(subtype === "initialize" ? "initialize" : "settings")) return;
      if (subtype === "initialize") {
        hasServer = member(request, "sdkMcpServers") !== undefined;
        settings["systemPrompt"] = member(request, "systemPrompt");
      } else if (subtype === "apply_flag_settings")
        Object.assign(settings, member(member(request, "settings"), "env") ?? {});
      else settings["thinking"] = member(request, "max_thinking_tokens");
      print({
        type: "control_response",
        response: { subtype: "success", request_id: line["request_id"], response: {} },
      });
    };
    const take = async (line: ProtocolLine): Promise<void> => {
      if (line["type"] === "control_request") return control(line);
      if (line["type"] === "control_response") {
        const response = line["response"];
        const id = String(member(response, "request_id"));
        const reply = member(member(response, "response"), "mcp_response");
        answers.get(id)?.(member(reply, "result"));
        answers.delete(id);
        return;
      }
      const content = records(member(line["message"], "content"));
      if (line["type"] === "assistant") messages.push({ role: "assistant", content });
      if (line["type"] !== "user") return;
      messages.push({ role: "user", content });
      if (line["shouldQuery"] !== false) return turn();
      await connect();
      if (fails("history")) return;
      print({ type: "system", subtype: "init", model: "claude-fake-1[1m]" });
      print({
        type: "result",
        subtype: "success",
        is_error: false,
        num_turns: 0,
        result: "",
        total_cost_usd: 0,
      });
    };

    await Promise.resolve();
    return {
      pid,
      exited: exit.promise,
      isAlive: () => !isGone,
      stderr: () => "",
      skippedLines: () => 0,
      async next() {
        for (;;) {
          const line = output.shift();
          if (line !== undefined) return line;
          if (isGone) return null;
          await new Promise<void>((resolve) => (wake = resolve));
        }
      },
      async send(line) {
        if (isGone) throw new Failure("bad-output", "gone");
        const parsed: unknown = JSON.parse(JSON.stringify(line));
        if (!isRecord(parsed)) throw new Error("a line that is no object");
        read.push(parsed);
        if (!isHung) void take(parsed);
      },
      async stop() {
        output.length = 0;
        end();
      },
    };
  };

  return {
    start,
    upstream,
    lines,
    alive: () => running.size,
    started: () => number,
    setFault: (next) => (fault = next),
    kill(pid) {
      for (const [id, end] of running) if (pid === undefined || pid === id) end();
    },
  };
}
