// A conversation with one process of the program: turns, control requests, and the answers to what it asks about tools.
// Every wait ends: a turn that takes too long, or a process that is gone, throws TalkEnded.

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
import { clientToolServer } from "../launch.ts";

/** The process is gone or hangs: nothing more can be tried with it. The message says which. */
class TalkEnded extends Error {
  override readonly name = "TalkEnded";
}

export type ToolCall = { readonly name: string; readonly toolUseId: string; readonly arguments: unknown };

export type Talk = {
  /** The answer's body. Throws TalkEnded, or an Error with the program's words when it refuses. */
  ask(request: ProtocolLine): Promise<ProtocolLine>;
  /** Sends the line and returns everything printed up to and including its result. */
  turn(line: ProtocolLine): Promise<readonly ProtocolLine[]>;
  send(line: ProtocolLine): Promise<void>;
  /** Settles with the next line that matches. */
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
  return new ProcessTalk(child, options);
}

class ProcessTalk implements Talk {
  private readonly answers = new Map<string, Waiting>();
  private readonly watchers = new Set<Watcher>();
  private seen: ProtocolLine[] = [];
  private ended: TalkEnded | null = null;
  private count = 0;

  constructor(
    private readonly child: AgentProcess,
    private readonly options: TalkOptions,
  ) {
    void this.pump().catch((thrown: unknown) => this.end(endedBy(thrown)));
  }

  async ask(request: ProtocolLine): Promise<ProtocolLine> {
    this.count += 1;
    const id = `self-test-${this.count}`;
    const answered = this.within<ProtocolLine>(
      (settle, fail) => void this.answers.set(id, { settle, end: fail }),
    );
    await Promise.all([this.send(controlRequest(id, request)), answered]);
    const answer = readControlResponse(await answered);
    if (answer === null || answer.isError) throw new Error(`it refused ${String(request["subtype"])}`);
    return answer.response;
  }

  async turn(line: ProtocolLine): Promise<readonly ProtocolLine[]> {
    this.seen = [];
    const result = this.until(isResult);
    await Promise.all([this.send(line), result]);
    return this.seen;
  }

  async send(line: ProtocolLine): Promise<void> {
    try {
      await this.child.send(line);
    } catch (thrown) {
      // The reading loop knows better why it is gone.
      if (this.ended === null) await this.until(() => false).catch(() => undefined);
      throw this.ended ?? endedBy(thrown);
    }
  }

  until(fits: (line: ProtocolLine) => boolean): Promise<ProtocolLine> {
    return this.within((settle, fail) => void this.watchers.add({ fits, settle, end: fail }));
  }

  private within<T>(start: (settle: (value: T) => void, fail: (why: TalkEnded) => void) => void): Promise<T> {
    const { clock, turnMs } = this.options;
    return new Promise((resolve, reject) => {
      if (this.ended !== null) {
        reject(this.ended);
        return;
      }
      const cancel = clock.setTimer(turnMs, () =>
        this.end(new TalkEnded(`the program did not answer within ${Math.round(turnMs / 1000)} s`)),
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
  }

  private end(why: TalkEnded): void {
    const ended = (this.ended ??= why);
    for (const waiting of [...this.answers.values(), ...this.watchers]) waiting.end(ended);
    this.answers.clear();
    this.watchers.clear();
  }

  private async pump(): Promise<void> {
    const { child } = this;
    for (;;) {
      const line = await child.next();
      if (line === null) break;
      this.heard(line);
      // Not awaited: an answer may take as long as the client's work, and other lines come meanwhile.
      void this.serve(line).catch((thrown: unknown) => this.end(endedBy(thrown)));
    }
    const exit = await child.exited;
    const words = child.stderr().trim();
    const how = exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`;
    this.end(
      new TalkEnded(
        `the program ended (${how}${words === "" ? "" : `): ${words.slice(-200)}`}${words === "" ? ")" : ""}`,
      ),
    );
  }

  private heard(line: ProtocolLine): void {
    this.seen.push(line);
    const answer = readControlResponse(line);
    if (answer !== null) {
      this.answers.get(answer.id)?.settle(line);
      this.answers.delete(answer.id);
    }
    for (const watcher of this.watchers) {
      if (!watcher.fits(line)) continue;
      this.watchers.delete(watcher);
      watcher.settle(line);
    }
  }

  private async serve(line: ProtocolLine): Promise<void> {
    const { child } = this;
    const asked = readControlRequest(line);
    if (asked === null) return;
    const message = readMcpMessage(asked);
    if (message === null) return child.send(controlRefusal(asked.id, "Unsupported control request"));
    const { method, id, params } = message;
    const result = await toolServerResult(method, params, this.options);
    await child.send(mcpAnswer(asked.id, id, result));
  }
}

/** What our tool server answers to the program. */
async function toolServerResult(
  method: string,
  params: ProtocolLine,
  { tools, onCall }: TalkOptions,
): Promise<ProtocolLine> {
  switch (method) {
    case "initialize":
      return {
        protocolVersion: params["protocolVersion"],
        capabilities: { tools: {} },
        serverInfo: { name: clientToolServer, version: "1" },
      };
    case "tools/list":
      return { tools };
    case "tools/call": {
      const meta = (params["_meta"] ?? {}) as ProtocolLine;
      const text = await onCall({
        name: String(params["name"]),
        toolUseId: String(meta["claudecode/toolUseId"]),
        arguments: params["arguments"],
      });
      return { content: [{ type: "text", text }], isError: false };
    }
    default:
      return {};
  }
}

function endedBy(thrown: unknown): TalkEnded {
  return thrown instanceof TalkEnded
    ? thrown
    : new TalkEnded(thrown instanceof Error ? thrown.message : String(thrown));
}

export const textLine = (text: string, asks = true): ProtocolLine => userLine([{ type: "text", text }], asks);

export const recordsIn = (value: unknown): readonly ProtocolLine[] =>
  Array.isArray(value) ? value.filter(isRecord) : [];
