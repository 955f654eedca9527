// One process's lines as a channel: answer lines wait here for a reader, in order; the protocol handles all others. It must
// never let a line be read twice, nor keep lines without limit.

import { type Failure, failureFrom } from "../../canon/failure.ts";
import type { AgentChannel } from "./agent-channel.ts";
import type { AgentProcess } from "./child-process.ts";

/** What a program's own folder knows about its lines. */
export type LineProtocol<Line> = {
  /** The line if it belongs to an answer; null if the protocol has handled it. */
  sort(line: Record<string, unknown>): Line | null;
  /** Whether it is model output, which may come unsolicited. */
  isModelOutput(line: Line): boolean;
  /** The lines have ended; the failure if the output could not be read. */
  onEnd(trouble: Failure | null): void;
  /** The failure of an answer that the process did not complete. */
  endedEarly(stderr: string): Failure;
};

/** Lines that wait for a reader; a parked process has no reader. */
const maxWaiting = 2_000;

export class AgentLines<Line> implements AgentChannel<Line> {
  readonly over: Promise<void>;
  private readonly waiting: Line[] = [];
  private readonly listeners = new Set<() => void>();
  private readonly watchers = new Set<() => void>();
  private hasEnded = false;
  private trouble: Failure | null = null;
  private wakePump = (): void => undefined;

  constructor(
    readonly child: AgentProcess,
    private readonly protocol: LineProtocol<Line>,
  ) {
    this.over = this.pump()
      .catch((thrown: unknown) => {
        this.trouble = failureFrom(thrown);
      })
      .then(() => {
        this.hasEnded = true;
        protocol.onEnd(this.trouble);
        this.wake();
      });
  }

  take(): Line | null {
    const line = this.waiting.shift() ?? null;
    if (this.waiting.length < maxWaiting / 2) this.wakePump();
    return line;
  }

  onReady(run: () => void): () => void {
    if (this.waiting.length > 0 || this.hasEnded) {
      run();
      return () => undefined;
    }
    this.listeners.add(run);
    return () => this.listeners.delete(run);
  }

  onUnsolicited(run: () => void): () => void {
    this.watchers.add(run);
    if (this.waiting.some((line) => this.protocol.isModelOutput(line))) run();
    return () => this.watchers.delete(run);
  }

  isOver(): boolean {
    return this.hasEnded && this.waiting.length === 0;
  }

  endFailure(): Failure {
    return this.trouble ?? this.protocol.endedEarly(this.child.stderr());
  }

  private async pump(): Promise<void> {
    for (;;) {
      while (this.waiting.length > maxWaiting)
        await new Promise<void>((resolve) => (this.wakePump = resolve));
      const read = await this.child.next();
      if (read === null) return;
      const line = this.protocol.sort(read);
      if (line !== null) this.keep(line);
    }
  }

  private keep(line: Line): void {
    this.waiting.push(line);
    if (this.watchers.size > 0 && this.protocol.isModelOutput(line)) for (const run of this.watchers) run();
    this.wake();
  }

  private wake(): void {
    for (const run of this.listeners) run();
    this.listeners.clear();
  }
}
