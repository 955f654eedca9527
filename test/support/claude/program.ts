// The stand-in as a process: reads lines as they arrive, answers control requests immediately, handles user lines one by one.
// It must never print anything before it gets input.

import { readFileSync } from "node:fs";
import { listOf, numberOf, parsed, recordOf, textOf } from "../upstream/json.ts";
import type { Json } from "../upstream/json.ts";
import {
  acceptHistory,
  answerItself,
  newProgress,
  printInit,
  printInterruption,
  type Progress,
} from "./endings.ts";
import { readFaults } from "./faults.ts";
import { readOptions } from "./options.ts";
import { openEventLog } from "./event-log.ts";
import type { EventLog } from "./event-log.ts";
import { createSession, pause, type Session } from "./session.ts";
import { createToolServers, type ToolServers } from "./tool-servers.ts";
import { commandOf, Interrupted, runTurn } from "./turn.ts";

// User lines are queued, assistant lines are not: code that feeds history must know this.
const queueMs = 2;

export async function main(dir: string): Promise<void> {
  const eventLog = openEventLog(dir);
  const faults = readFaults(dir);
  const argv = process.argv.slice(2);
  eventLog.started();
  const end = (code: number): never => {
    eventLog.exited(code);
    process.exit(code);
  };
  if (argv[0] === "--version" || argv[0] === "-v") {
    console.log(`${faults.version ?? "2.1.197"} (Claude Code)`);
    end(0);
  }
  if (argv[0] === "auth" && argv[1] === "status") {
    const key = process.env["ANTHROPIC_API_KEY"];
    const status = faults.auth ?? {
      loggedIn: key !== undefined,
      authMethod: key === undefined ? "none" : "api_key",
      apiProvider: "firstParty",
      ...(key === undefined ? {} : { apiKeySource: "ANTHROPIC_API_KEY" }),
    };
    console.log(JSON.stringify(status, null, 2));
    end(status["loggedIn"] === true ? 0 : 1);
  }
  if (faults.startMs !== undefined) await pause(faults.startMs);
  if (faults.stderr !== undefined) process.stderr.write(faults.stderr);
  const options = readOptions(argv, process.env, (path) => readFileSync(path, "utf8"));
  if ("refusal" in options) {
    process.stderr.write(`${options.refusal}\n`);
    end(1);
    return;
  }
  const session = createSession(options, faults, eventLog);
  await session.stage("start");
  await converse(session, eventLog);
}

async function converse(session: Session, eventLog: EventLog): Promise<void> {
  const servers = createToolServers(session);
  let running: { readonly stopper: AbortController; readonly progress: Progress } | null = null;
  let work: Promise<void> = Promise.resolve();
  let wasInitialized = false;

  const interrupt = (requestId: string | null): void => {
    const turn = running;
    const heldTool = turn !== null && servers.cancelHeld();
    if (requestId !== null) respond(session, requestId);
    if (turn === null) return;
    turn.stopper.abort();
    printInterruption(session, turn.progress, heldTool);
  };

  const workOff = async (line: Json): Promise<void> => {
    const { content } = recordOf(line["message"]);
    const isHistory = line["shouldQuery"] === false;
    await pause(queueMs);
    await servers.connect();
    if (isHistory) await session.stage("history");
    else await session.stage("turn");
    const command = commandOf(content);
    const isSwallowed = session.does("swallows-texts") && commandOf(trimmed(content)) !== null;
    const said = { role: "user", content };
    if (session.does("loses-order") && session.conversation.length > 0)
      session.conversation.splice(0, 0, said);
    else session.conversation.push(said);
    if (command !== null || isSwallowed)
      return answerItself(session, servers, `Unknown command: ${command ?? "/"}`);
    if (isHistory) return acceptHistory(session, servers);
    printInit(session, servers);
    const stopper = new AbortController();
    const progress = newProgress();
    running = { stopper, progress };
    try {
      await runTurn(session, { signal: stopper.signal, servers, progress });
    } catch (thrown) {
      if (!(thrown instanceof Interrupted) && !stopper.signal.aborted) throw thrown;
    } finally {
      running = null;
    }
  };

  const take = (line: Json): void => {
    if (line["type"] === "user") {
      const { role } = recordOf(line["message"]);
      if (role !== "user") {
        process.stderr.write(`Error: Expected message role 'user', got '${String(role)}'\n`);
        session.die(1);
      }
      work = work.then(() => workOff(line));
    } else if (line["type"] === "assistant") {
      const { role, content } = recordOf(line["message"]);
      if (!session.does("ignores-assistant-lines")) session.conversation.push({ role, content });
    } else if (line["type"] === "control_response") servers.answered(recordOf(line["response"]));
    else if (line["type"] === "control_request") {
      const request = recordOf(line["request"]);
      const requestId = textOf(line["request_id"]);
      if (request["subtype"] === "interrupt") interrupt(requestId);
      else if (request["subtype"] === "initialize") {
        const isFirst = !wasInitialized;
        wasInitialized = true;
        void initialize(session, servers, request, requestId, isFirst);
      } else void control(session, servers, request, requestId);
    }
  };

  for (const [name, code] of [
    ["SIGTERM", 143],
    ["SIGHUP", 129],
    ["SIGINT", 0],
  ] as const)
    process.on(name, () => {
      session.signalled(name);
      if (name === "SIGTERM" && session.does("ignores-term")) return;
      if (name === "SIGINT") interrupt(null);
      session.die(code);
    });

  for await (const text of linesOf(Bun.stdin.stream())) {
    const line = parsed(text);
    eventLog.read(line, text);
    if (line === undefined) {
      process.stderr.write(`Error parsing streaming input line: ${text}\n`);
      session.die(1);
    }
    take(recordOf(line));
  }
  // Like the real one, it finishes the turn first.
  await work;
  session.die(session.lastWasError && !session.does("exits-0-after-errors") ? 1 : 0);
}

function respond(session: Session, requestId: string, response?: Json): void {
  const body = { subtype: "success", request_id: requestId, ...(response === undefined ? {} : { response }) };
  session.print({ type: "control_response", response: body });
}

async function initialize(
  session: Session,
  servers: ToolServers,
  request: Json,
  requestId: string,
  isFirst: boolean,
): Promise<void> {
  const { initializeError } = session.faults;
  if (initializeError !== undefined) {
    const response = { subtype: "error", request_id: requestId, error: initializeError };
    session.print({ type: "control_response", response });
    return;
  }
  if (session.faults.hangs?.at === "initialize") return;
  if (isFirst) {
    const texts =
      typeof request["systemPrompt"] === "string"
        ? [request["systemPrompt"]]
        : listOf(request["systemPrompt"]).map(textOf);
    const prompt = [...texts, textOf(request["appendSystemPrompt"])].filter(Boolean).join("\n\n");
    if (prompt !== "" && !session.does("forgets-system-prompt")) session.systemPrompt = prompt;
    if (request["jsonSchema"] !== undefined) session.jsonSchema = request["jsonSchema"];
    servers.name(listOf(request["sdkMcpServers"]).map(textOf));
  }
  respond(session, requestId, {
    commands: [],
    agents: [],
    output_style: "default",
    available_output_styles: ["default"],
    models: [
      model("default", "claude-opus-4-8[1m]", "Default (recommended)", true),
      model("sonnet", "claude-sonnet-5", "Sonnet", true),
      model("haiku", "claude-haiku-4-5-20251001", "Haiku", false),
    ],
    account: { tokenSource: "none", apiKeySource: "ANTHROPIC_API_KEY", apiProvider: "firstParty" },
    pid: process.pid,
  });
  await session.stage("initialize");
}

function model(value: string, resolvedModel: string, displayName: string, supportsEffort: boolean): Json {
  const efforts = supportsEffort
    ? { supportsEffort, supportedEffortLevels: ["low", "medium", "high", "xhigh", "max"] }
    : {};
  return { value, resolvedModel, displayName, description: displayName, ...efforts };
}

async function control(
  session: Session,
  servers: ToolServers,
  request: Json,
  requestId: string,
): Promise<void> {
  const answer = (response?: Json): void => respond(session, requestId, response);
  switch (request["subtype"]) {
    case "apply_flag_settings": {
      const settings = recordOf(request["settings"]);
      if (!session.does("ignores-live-settings")) {
        for (const [name, value] of Object.entries(recordOf(settings["env"])))
          session.liveEnv.set(name, String(value));
        if (typeof settings["effortLevel"] === "string") session.effort = settings["effortLevel"];
        if (typeof settings["model"] === "string") session.model = settings["model"];
      }
      return answer();
    }
    case "set_model":
      session.model = textOf(request["model"]) || session.model;
      answer();
      session.print({
        type: "user",
        message: { role: "user", content: `Set model to ${session.model}` },
        isReplay: true,
      });
      session.conversation.push({
        role: "user",
        content: `<command>/model</command> Set model to ${session.model}`,
      });
      return;
    case "set_max_thinking_tokens":
      session.maxThinkingTokens = numberOf(request["max_thinking_tokens"]);
      return answer();
    case "set_permission_mode":
      answer({ mode: request["mode"] });
      session.print({ type: "system", subtype: "status", status: null, permissionMode: request["mode"] });
      return;
    case "mcp_status":
      return answer({ mcpServers: servers.states() });
    case "mcp_set_servers": {
      const names = Object.keys(recordOf(request["servers"]));
      const old = servers.states().map(({ name }) => textOf(name));
      servers.name(names);
      answer({
        added: names.filter((name) => !old.includes(name)),
        removed: old.filter((name) => !names.includes(name)),
        errors: {},
      });
      return servers.connect();
    }
    case "get_settings":
      return answer({
        effective: {},
        sources: [],
        applied: { model: session.model, effort: session.effort },
      });
    default: {
      const error = `Unsupported control request subtype: ${String(request["subtype"])}`;
      session.print({
        type: "control_response",
        response: { subtype: "error", request_id: requestId, error },
      });
    }
  }
}

function trimmed(content: unknown): unknown {
  if (typeof content === "string") return content.trimStart();
  return listOf(content).map((block) => ({ text: textOf(recordOf(block)["text"]).trimStart() }));
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    rest += decoder.decode(bytes, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") yield line;
  }
  if (rest.trim() !== "") yield rest;
}
