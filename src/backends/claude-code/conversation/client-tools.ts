// Our tool server inside the program: it offers the client's tools and holds their calls until the client has answered.
// It must never answer a call by itself: an answered call makes the program ask its model again.

import { normaliseToolId } from "../../../canon/id.ts";
import {
  type ControlRequest,
  controlRefusal,
  controlSuccess,
  type ProtocolLine,
  mcpAnswer,
  readMcpMessage,
} from "../../../dialects/claude-code/protocol-lines.ts";
import type { OfferedTool } from "../../../dialects/claude-code/offered-tools.ts";
import { isRecord } from "../../../dialects/decoding.ts";
import type { PendingCall } from "../../agent-process/agent-channel.ts";
import { clientToolServer } from "../launch.ts";

type HeldCall = {
  /** The id of the model's call, without punctuation; null where the program does not report it. */
  readonly callId: string | null;
  readonly name: string;
  readonly requestId: string;
  readonly messageId: unknown;
};

export type ClientTools = {
  /** Handles every request from the program. */
  take(request: ControlRequest): void;
  /**
   * The client's results by the normalised id of their call. Waiting calls are answered now, later ones as they come.
   */
  answer(results: ReadonlyMap<string, ProtocolLine>, calls: readonly PendingCall[]): void;
  /** Calls that wait for an answer. */
  held(): number;
};

export function createClientTools(
  tools: readonly OfferedTool[],
  send: (line: ProtocolLine) => void,
): ClientTools {
  let held: HeldCall[] = [];
  let results = new Map<string, ProtocolLine>();
  let pending: PendingCall[] = [];

  /** The result that answers a call; without an id, the first one for a tool of that name. */
  const resultFor = (call: HeldCall): ProtocolLine | null => {
    const id = call.callId ?? pending.find((each) => each.name === call.name && results.has(each.id))?.id;
    const result = id === undefined ? undefined : results.get(id);
    if (id === undefined || result === undefined) return null;
    results.delete(id);
    return result;
  };

  const answerHeld = (): void => {
    held = held.filter((call) => {
      const result = resultFor(call);
      if (result === null) return true;
      send(mcpAnswer(call.requestId, call.messageId, result));
      return false;
    });
  };

  const call = (request: ControlRequest, messageId: unknown, params: ProtocolLine): void => {
    const meta = params["_meta"];
    const id = isRecord(meta) ? meta["claudecode/toolUseId"] : undefined;
    held.push({
      callId: typeof id === "string" ? normaliseToolId(id) : null,
      name: String(params["name"]),
      requestId: request.id,
      messageId,
    });
    answerHeld();
  };

  return {
    take(request) {
      const message = readMcpMessage(request);
      if (message === null) {
        send(
          request.subtype === "can_use_tool"
            ? controlSuccess(request.id, { behavior: "deny", message: "Not permitted here." })
            : controlRefusal(request.id, `Unsupported control request subtype: ${request.subtype}`),
        );
        return;
      }
      const { method, id, params } = message;
      const say = (result: ProtocolLine): void => send(mcpAnswer(request.id, id, result));
      switch (method) {
        case "initialize":
          return say({
            protocolVersion: params["protocolVersion"] ?? "2025-11-25",
            capabilities: { tools: {} },
            serverInfo: { name: clientToolServer, version: "1" },
          });
        case "tools/list":
          return say({ tools });
        case "tools/call":
          return call(request, id, params);
        default:
          // Notifications and pings.
          return say({});
      }
    },
    answer(given, calls) {
      results = new Map(given);
      pending = calls.map(({ id, name }) => ({ id: normaliseToolId(id), name }));
      answerHeld();
    },
    held: () => held.length,
  };
}
