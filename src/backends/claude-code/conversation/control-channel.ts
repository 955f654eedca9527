// One process's lines, sorted: answers to our control requests, requests of the program's own, and everything else in order.
// It must never let a line be read twice, nor let a caller wait for an answer of a process that is gone.

import { Failure, failureFrom } from "../../../canon/failure.ts";
import {
  type ControlRequest,
  controlRequest,
  type ProtocolLine,
  readControlRequest,
  readControlResponse,
} from "../../../dialects/claude-code/protocol-lines.ts";
import type { AgentChannel } from "../../agent-process/agent-channel.ts";
import type { AgentProcess } from "../../agent-process/child-process.ts";

export type ControlChannel = AgentChannel<ProtocolLine> & {
  /** A control request; settles with its answer. Rejects with a Failure when it is refused or the process is gone. */
  ask(request: ProtocolLine): Promise<ProtocolLine>;
  send(line: ProtocolLine): Promise<void>;
};

/** Lines that wait for a reader; a parked process has no reader. */
const maxWaiting = 2_000;

type Waiter = { resolve(answer: ProtocolLine): void; reject(failure: Failure): void };

export function openControlChannel(
  child: AgentProcess,
  onRequest: (request: ControlRequest) => void,
): ControlChannel {
  return new SortedLines(child, onRequest);
}

class SortedLines implements ControlChannel {
  readonly over: Promise<void>;
  private readonly waiting: ProtocolLine[] = [];
  private readonly asked = new Map<string, Waiter>();
  private readonly listeners = new Set<() => void>();
  private readonly watchers = new Set<() => void>();
  private count = 0;
  private hasEnded = false;
  private trouble: Failure | null = null;
  private wakePump = (): void => undefined;

  constructor(
    readonly child: AgentProcess,
    private readonly onRequest: (request: ControlRequest) => void,
  ) {
    this.over = this.pump()
      .catch((thrown: unknown) => {
        this.trouble = failureFrom(thrown);
      })
      .then(() => this.end());
  }

  isOver(): boolean {
    return this.hasEnded && this.waiting.length === 0;
  }

  endFailure(): Failure {
    return this.trouble ?? endedEarly(this.child.stderr());
  }

  ask(request: ProtocolLine): Promise<ProtocolLine> {
    if (this.hasEnded) return Promise.reject(this.endedBeforeAsked());
    const id = `clawgate-${++this.count}`;
    return new Promise((resolve, reject) => {
      this.asked.set(id, { resolve, reject });
      this.child.send(controlRequest(id, request)).catch((thrown: unknown) => {
        this.asked.delete(id);
        reject(failureFrom(thrown));
      });
    });
  }

  send(line: ProtocolLine): Promise<void> {
    return this.child.send(line);
  }

  take(): ProtocolLine | null {
    const line = this.waiting.shift() ?? null;
    if (this.waiting.length < maxWaiting / 2) this.wakePump();
    return line;
  }

  onUnsolicited(run: () => void): () => void {
    this.watchers.add(run);
    if (this.waiting.some(isModelText)) run();
    return () => this.watchers.delete(run);
  }

  onReady(run: () => void): () => void {
    if (this.waiting.length > 0 || this.hasEnded) {
      run();
      return () => undefined;
    }
    this.listeners.add(run);
    return () => this.listeners.delete(run);
  }

  private async pump(): Promise<void> {
    for (;;) {
      while (this.waiting.length > maxWaiting)
        await new Promise<void>((resolve) => (this.wakePump = resolve));
      const line = await this.child.next();
      if (line === null) return;
      this.dispatch(line);
    }
  }

  private dispatch(line: ProtocolLine): void {
    const response = readControlResponse(line);
    if (response !== null) {
      const waiter = this.asked.get(response.id);
      this.asked.delete(response.id);
      if (response.isError)
        waiter?.reject(new Failure("bad-output", "The claude program refused a setting of this request."));
      else waiter?.resolve(response.response);
      return;
    }
    const request = readControlRequest(line);
    if (request !== null) {
      this.onRequest(request);
      return;
    }
    this.waiting.push(line);
    if (isModelText(line)) for (const run of this.watchers) run();
    this.wake();
  }

  private end(): void {
    this.hasEnded = true;
    for (const waiter of this.asked.values()) waiter.reject(this.endedBeforeAsked());
    this.asked.clear();
    this.wake();
  }

  private wake(): void {
    for (const run of this.listeners) run();
    this.listeners.clear();
  }

  /** Settings are only sent before anything is asked. */
  private endedBeforeAsked(): Failure {
    return (
      this.trouble ??
      new Failure("bad-output", "The claude program ended before it was asked anything.", {
        cause: this.child.stderr(),
      })
    );
  }
}

/** A subagent's words belong to a tool that runs. */
const isModelText = ({ type, parent_tool_use_id: parent }: ProtocolLine): boolean =>
  type === "stream_event" && (parent === null || parent === undefined);

export function endedEarly(cause?: unknown): Failure {
  return new Failure("bad-output", "The claude program ended before its answer was complete.", {
    maybeBilled: true,
    cause,
  });
}
