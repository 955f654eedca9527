// The stand-in's side of SDK MCP over stdin and stdout: handshake with the servers that the gateway named, tools/call and
// its cancellation. Calls go out one at a time unless every tool is marked readOnlyHint.

import { listOf, numberOf, recordOf, textOf } from "../upstream/json.ts";
import type { Json } from "../upstream/json.ts";
import type { Session } from "./session.ts";

export type ClientTool = {
  readonly server: string;
  readonly name: string;
  /** With the prefix, or without if that is requested. */
  readonly wireName: string;
  readonly definition: Json;
};

/** A tool_use block of the model. */
export type Wanted = { readonly id: string; readonly name: string; readonly input: unknown };

export type ToolServers = {
  /** Replaces the servers; the handshake comes with the next turn, or with `connect`. */
  name(servers: readonly string[]): void;
  connect(): Promise<void>;
  tools(): readonly ClientTool[];
  states(): readonly Json[];
  /** A control_response of the gateway. */
  answered(response: Json): void;
  /** The tool_result block. Never rejects; an interrupted call never settles. */
  call(wanted: Wanted, tool: ClientTool): Promise<Json>;
  /** Cancels the held calls at the gateway; true if there were any. */
  cancelHeld(): boolean;
};

export function createToolServers(session: Session): ToolServers {
  const waiting = new Map<string, (response: Json) => void>();
  const held = new Map<number, string>();
  let servers: readonly string[] = [];
  const connected = new Map<string, readonly ClientTool[]>();
  let requests = 0;
  let ids = 0;
  let queue: Promise<unknown> = Promise.resolve();
  let outstanding = 0;
  // Waiting calls of an interrupted turn must not be sent in the next one.
  let epoch = 0;

  const post = (server: string, message: Json): Promise<Json> => {
    const request_id = `R${process.pid}-${(requests += 1)}`;
    const answer = new Promise<Json>((resolve) => waiting.set(request_id, resolve));
    session.print({
      type: "control_request",
      request_id,
      request: { subtype: "mcp_message", server_name: server, message: { ...message, jsonrpc: "2.0" } },
    });
    return answer;
  };
  const ask = async (server: string, method: string, params?: Json): Promise<Json> => {
    const id = (ids += 1) - 1;
    const answer = await post(server, { method, ...(params === undefined ? {} : { params }), id });
    return recordOf(recordOf(answer["mcp_response"])["result"]);
  };
  const isBare = (): boolean =>
    session.env("CLAUDE_AGENT_SDK_MCP_NO_PREFIX") === "1" && !session.does("keeps-prefix");

  const connectOne = async (server: string): Promise<readonly ClientTool[]> => {
    await ask(server, "initialize", {
      protocolVersion: "2025-11-25",
      capabilities: {},
      clientInfo: { name: "claude-code", title: "Claude Code", version: session.faults.version ?? "2.1.197" },
    });
    await post(server, { method: "notifications/initialized" });
    const listed = await ask(server, "tools/list");
    return listOf(listed["tools"]).map((each) => {
      const definition = recordOf(each);
      const name = textOf(definition["name"]);
      return { server, name, wireName: isBare() ? name : `mcp__${server}__${name}`, definition };
    });
  };

  const isGranted = ({ server, name }: ClientTool): boolean =>
    session.options.permissionMode === "bypassPermissions" ||
    session.options.allowedTools.includes(`mcp__${server}`) ||
    session.options.allowedTools.includes(`mcp__${server}__${name}`);

  const perform = async (wanted: Wanted, tool: ClientTool): Promise<Json> => {
    const toolUseId = session.does("wrong-tool-id") ? `${wanted.id}x` : wanted.id;
    const id = ids;
    held.set(id, tool.server);
    const answer = await ask(tool.server, "tools/call", {
      name: tool.name,
      arguments: wanted.input,
      _meta: { "claudecode/toolUseId": toolUseId, progressToken: id },
    });
    held.delete(id);
    return resultBlock(session, wanted, tool, answer);
  };

  return {
    name(named) {
      servers = named;
      for (const server of connected.keys()) if (!named.includes(server)) connected.delete(server);
    },
    async connect() {
      for (const server of servers)
        if (!connected.has(server)) connected.set(server, await connectOne(server));
    },
    tools: () => [...connected.values()].flat(),
    states: () => servers.map((name) => ({ name, status: connected.has(name) ? "connected" : "pending" })),
    answered(response) {
      const id = textOf(response["request_id"]);
      const settle = waiting.get(id);
      waiting.delete(id);
      settle?.(recordOf(response["response"]));
    },
    call(wanted, tool) {
      if (!isGranted(tool)) {
        const content = `Claude requested permissions to use ${tool.wireName}, but you haven't granted it yet.`;
        return Promise.resolve({ type: "tool_result", content, is_error: true, tool_use_id: wanted.id });
      }
      const only = [...connected.values()]
        .flat()
        .every(({ definition }) => recordOf(definition["annotations"])["readOnlyHint"] === true);
      if (only && !session.does("calls-one-by-one")) return perform(wanted, tool);
      const asOf = epoch;
      const inTurn = (): Promise<Json> =>
        asOf === epoch ? perform(wanted, tool) : new Promise(() => undefined);
      // The first one is sent immediately: before the block's stop is printed.
      const mine = outstanding === 0 ? inTurn() : queue.then(inTurn);
      outstanding += 1;
      queue = mine.then(() => {
        if (asOf === epoch) outstanding -= 1;
      });
      return mine;
    },
    cancelHeld() {
      const had = held.size > 0;
      for (const [requestId, server] of held)
        void post(server, { method: "notifications/cancelled", params: { requestId, reason: "AbortError" } });
      held.clear();
      queue = Promise.resolve();
      outstanding = 0;
      epoch += 1;
      return had;
    },
  };
}

const charactersPerToken = 4;

function resultBlock(session: Session, wanted: Wanted, tool: ClientTool, result: Json): Json {
  const content = listOf(result["content"]).map((each) => {
    const block = recordOf(each);
    return block["type"] === "image"
      ? { type: "image", source: { type: "base64", media_type: block["mimeType"], data: block["data"] } }
      : { type: "text", text: textOf(block["text"]) };
  });
  const text = content.map((block) => ("text" in block ? block.text : "")).join("\n");
  if (result["isError"] === true)
    return { type: "tool_result", content: text, is_error: true, tool_use_id: wanted.id };
  const tokens = Number(session.env("MAX_MCP_OUTPUT_TOKENS") ?? "25000");
  const most = numberOf(recordOf(tool.definition["_meta"])["anthropic/maxResultSizeChars"]) ?? 100_000;
  const isTooLong = text.length > Math.min(most, tokens * charactersPerToken);
  if (isTooLong || (session.does("cuts-results") && text.length > 1000))
    return { tool_use_id: wanted.id, type: "tool_result", content: "Output has been saved to /somewhere" };
  return { tool_use_id: wanted.id, type: "tool_result", content };
}
