// The lines that go to the program and the control lines that come from it, in their exact shapes. It must never pass
// on a client's line: roles and types are set only here.

import { isRecord } from "../decoding.ts";

export type ProtocolLine = Readonly<Record<string, unknown>>;
export type WireBlock = Record<string, unknown>;

/** `asks` false: the message is only added to the conversation. */
export function userLine(content: readonly WireBlock[], asks: boolean): ProtocolLine {
  return {
    type: "user",
    message: { role: "user", content },
    parent_tool_use_id: null,
    session_id: "",
    ...(asks ? {} : { shouldQuery: false }),
  };
}

/** The model's own earlier message. Lines with the same message id would become one message. */
export function assistantLine(content: readonly WireBlock[], model: string, uuid: string): ProtocolLine {
  const message = {
    id: `msg_${uuid.replaceAll("-", "")}`,
    type: "message",
    role: "assistant",
    model,
    content,
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: { input_tokens: 1, output_tokens: 1 },
  };
  return { type: "assistant", message, parent_tool_use_id: null, session_id: "", uuid };
}

/** The model's id as the program uses it, from the line that begins each turn; null for every other line. */
export function modelInUse(line: ProtocolLine): string | null {
  const { type, subtype, model } = line;
  if (type !== "system" || subtype !== "init" || typeof model !== "string") return null;
  // "[1m]" is the program's own mark and never goes upstream.
  return model.replace(/\[[^\]]*\]$/, "");
}

/** The same message under another model's name: the program then leaves out its thinking. */
export function asModel(line: ProtocolLine, model: string): ProtocolLine {
  const { message } = line;
  return line["type"] === "assistant" && isRecord(message)
    ? { ...line, message: { ...message, model } }
    : line;
}

export function controlRequest(id: string, request: ProtocolLine): ProtocolLine {
  return { type: "control_request", request_id: id, request };
}

export function controlSuccess(id: string, response: ProtocolLine): ProtocolLine {
  return { type: "control_response", response: { subtype: "success", request_id: id, response } };
}

export function controlRefusal(id: string, error: string): ProtocolLine {
  return { type: "control_response", response: { subtype: "error", request_id: id, error } };
}

/** Notifications need an answer too, and have no id. */
export function mcpAnswer(requestId: string, messageId: unknown, result: ProtocolLine): ProtocolLine {
  const id = messageId === undefined ? 0 : messageId;
  return controlSuccess(requestId, { mcp_response: { jsonrpc: "2.0", id, result } });
}

export type ControlRequest = {
  readonly id: string;
  readonly subtype: string;
  readonly request: ProtocolLine;
};
export type ControlResponse = {
  readonly id: string;
  readonly response: ProtocolLine;
  readonly isError: boolean;
};

/** A request from the program; null for every other line. */
export function readControlRequest(line: ProtocolLine): ControlRequest | null {
  const { type, request_id: id, request } = line;
  if (type !== "control_request" || typeof id !== "string" || !isRecord(request)) return null;
  return { id, subtype: String(request["subtype"]), request };
}

/** A response from the program; null for every other line. */
export function readControlResponse(line: ProtocolLine): ControlResponse | null {
  const { type, response } = line;
  if (type !== "control_response" || !isRecord(response)) return null;
  const { request_id: id, response: inner, subtype } = response;
  if (typeof id !== "string") return null;
  return { id, response: isRecord(inner) ? inner : {}, isError: subtype !== "success" };
}

export type McpMessage = {
  readonly method: string;
  readonly id: unknown;
  readonly params: ProtocolLine;
};

/** The JSON-RPC message inside a control request `mcp_message`; null when there is none. */
export function readMcpMessage({ subtype, request }: ControlRequest): McpMessage | null {
  const message = request["message"];
  if (subtype !== "mcp_message" || !isRecord(message)) return null;
  const { method, id, params } = message;
  return { method: String(method), id, params: isRecord(params) ? params : {} };
}

/** `num_turns` 0 and no error: a message was added to the conversation. */
export function isResult(line: ProtocolLine): boolean {
  return line["type"] === "result";
}
