// A conversation with one process of the program: turns, control requests, and the answers to what it asks about tools.
// Everything has an end: a turn that takes too long, or a process that is gone, throws TalkEnded.

import { isRecord } from "../../../dialects/decoding.ts";
import type { Clock } from "../../../system/clock.ts";
import {
  controlRefusal,
  controlRequest,
  isResult,
  type ProtocolLine,
  mcpAnswer,
  readControlRequest,
  readControlResponse,
  readMcpMessage,
  userLine,
} from "../../../dialects/claude-code/protocol-lines.ts";
import type { AgentProcess } from "../../agent-process/child-process.ts";

/** The process is gone or hangs: nothing more can be tried with it. The message says which. */
export class TalkEnded extends Error {
  override readonly name = "TalkEnded";
}

export type ToolCall = { readonly name: string; readonly toolUseId: string; readonly arguments: unknown };

export type Talk = {
  /** The answer's body. Throws TalkEnded, or an Error with the program's words when it refuses. */
  ask(request: ProtocolLine): Promise<ProtocolLine>;
  /** Sends the line and gives everything printed up to its result, that included. */
  turn(line: ProtocolLine): Promise<readonly ProtocolLine[]>;
  send(line: ProtocolLine): Promise<void>;
  /** Settles with the first line, from now on, that fits. */
  until(fits: (line: ProtocolLine) => boolean): Promise<ProtocolLine>;
};

export type TalkOptions = {
  readonly tools: readonly ProtocolLine[];
  onCall(call: ToolCall): Promise<string>;
  readonly turnMs: number;
  readonly clock: Clock;
};

type Waiting = { readonly settle: (line: ProtocolLine) => void; readonly end: (why: TalkEnded) => void };
type Watcher = Waiting & { readonly fits: (line: ProtocolLine) => boolean };

export function talkTo(child: AgentProcess, options: TalkOptions): Talk {
  const answers = new Map<string, Waiting>();
  const watchers = new Set<Watcher>();
  let seen: ProtocolLine[] = [];
  let ended: TalkEnded | null = null;
  let count = 0;

  const end = (why: TalkEnded): void => {
    ended ??= why;
    for (const waiting of [...answers.values(), ...watchers]) waiting.end(ended);
    answers.clear();
    watchers.clear();
  };
  const serve = async (line: ProtocolLine): Promise<void> => {
    const asked = readControlRequest(line);
    if (asked === null) return;
    const message = readMcpMessage(asked);
    if (message === null) return child.send(controlRefusal(asked.id, "Unsupported control request"));
    const { method, id, params } = message;
    const result = await resultOf(method, params);
    await child.send(mcpAnswer(asked.id, id, result));
  };
  const resultOf = async (method: string, params: ProtocolLine): Promise<ProtocolLine> => {
    switch (method) {
      case "initialize":
        return {
          protocolVersion: params["protocolVersion"],
          capabilities: { tools: {} },
          serverInfo: { name: "client", version: "1" },
        };
      case "tools/list":
        return { tools: options.tools };
      case "tools/call": {
        const meta = (params["_meta"] ?? {}) as ProtocolLine;
        const text = await options.onCall({
          name: String(params["name"]),
          toolUseId: String(meta["claudecode/toolUseId"]),
          arguments: params["arguments"],
        });
        return { content: [{ type: "text", text }], isError: false };
      }
      default:
        return {};
    }
  };
  const pump = async (): Promise<void> => {
    for (;;) {
      const line = await child.next();
      if (line === null) break;
      seen.push(line);
      const answer = readControlResponse(line);
      if (answer !== null) {
        answers.get(answer.id)?.settle(line);
        answers.delete(answer.id);
      }
      for (const watcher of watchers) {
        if (!watcher.fits(line)) continue;
        watchers.delete(watcher);
        watcher.settle(line);
      }
      // Not awaited: an answer may take as long as the client's work, and other lines come meanwhile.
      void serve(line).catch((thrown: unknown) => end(endedBy(thrown)));
    }
    const exit = await child.exited;
    const words = child.stderr().trim();
    const how = exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`;
    end(
      new TalkEnded(
        `the program ended (${how}${words === "" ? "" : `): ${words.slice(-200)}`}${words === "" ? ")" : ""}`,
      ),
    );
  };
  void pump().catch((thrown: unknown) => end(endedBy(thrown)));

  const within = <T>(
    start: (settle: (value: T) => void, fail: (why: TalkEnded) => void) => void,
  ): Promise<T> =>
    new Promise((resolve, reject) => {
      if (ended !== null) {
        reject(ended);
        return;
      }
      const cancel = options.clock.setTimer(options.turnMs, () =>
        end(new TalkEnded(`the program did not answer within ${Math.round(options.turnMs / 1000)} s`)),
      );
      start(
        (value) => {
          cancel();
          resolve(value);
        },
        (why) => {
          cancel();
          reject(why);
        },
      );
    });
  const until = (fits: (line: ProtocolLine) => boolean): Promise<ProtocolLine> =>
    within((settle, fail) => void watchers.add({ fits, settle, end: fail }));
  const send = async (line: ProtocolLine): Promise<void> => {
    try {
      await child.send(line);
    } catch (thrown) {
      // The pump knows better why it is gone.
      if (ended === null) await until(() => false).catch(() => undefined);
      throw ended ?? endedBy(thrown);
    }
  };

  return {
    until,
    send,
    async ask(request) {
      count += 1;
      const id = `self-test-${count}`;
      const answered = within<ProtocolLine>((settle, fail) => void answers.set(id, { settle, end: fail }));
      await Promise.all([send(controlRequest(id, request)), answered]);
      const answer = readControlResponse(await answered);
      if (answer === null || answer.isError) throw new Error(`it refused ${String(request["subtype"])}`);
      return answer.response;
    },
    async turn(line) {
      seen = [];
      const result = until(isResult);
      await Promise.all([send(line), result]);
      return seen;
    },
  };
}

function endedBy(thrown: unknown): TalkEnded {
  return thrown instanceof TalkEnded
    ? thrown
    : new TalkEnded(thrown instanceof Error ? thrown.message : String(thrown));
}

export const textLine = (text: string, asks = true): ProtocolLine => userLine([{ type: "text", text }], asks);

export const recordsIn = (value: unknown): readonly ProtocolLine[] =>
  Array.isArray(value) ? value.filter(isRecord) : [];
