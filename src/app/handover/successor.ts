// The process that is to take over, as the one before it sees it: started from the program that now lies at its path.

import type { Clock } from "../../system/clock.ts";
import { spawnSuccessor, type StartedSuccessor } from "../../system/process.ts";
import { kindOf, predecessorVariable, protocol, type ToPredecessor, type ToSuccessor } from "./messages.ts";

/** How this program is started again. */
export type SuccessorCommand = {
  readonly argv: readonly string[];
  /** What this process was started with. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
};

/** Why there is no successor, for a person. */
export class NoSuccessor extends Error {
  override readonly name = "NoSuccessor";
}

type Kind = ToPredecessor["kind"];

const orderly = "exit code 0";
// What systemd tells one process by its number.
const ownedByThis = ["WATCHDOG_PID", "LISTEN_PID"];

export class Successor {
  private readonly child: StartedSuccessor;
  private readonly said = new Set<Kind>();
  private wakers: (() => void)[] = [];
  private reason: string | null = null;
  private exit: string | null = null;

  /** Throws NoSuccessor. */
  constructor(
    { argv, env, cwd }: SuccessorCommand,
    private readonly options: {
      readonly clock: Pick<Clock, "setTimer">;
      readonly port: number;
      readonly lockDescriptor: number | null;
      readonly onKept: (count: number) => void;
      readonly onCutOff: () => void;
      readonly onCancelled: (id: string, tenant: string | null) => void;
      readonly onExit: () => void;
    },
  ) {
    const { lockDescriptor } = options;
    const inherited = Object.entries(env).filter(([name]) => !ownedByThis.includes(name));
    const words = [protocol, process.pid, options.port, lockDescriptor === null ? "none" : "lock"];
    try {
      this.child = spawnSuccessor(argv, {
        env: { ...Object.fromEntries(inherited), [predecessorVariable]: words.join(" ") },
        cwd,
        descriptors: lockDescriptor === null ? [] : [lockDescriptor],
        onMessage: (message) => this.hear(message),
        onExit: (how) => this.ended(how),
      });
    } catch (error) {
      throw new NoSuccessor(
        `${argv[0]} could not be started: ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
    }
  }

  get pid(): number {
    return this.child.pid;
  }

  get isGone(): boolean {
    return this.exit !== null;
  }

  /** It was asked to stop, and did. */
  get hasStopped(): boolean {
    return this.exit === orderly;
  }

  tell(message: ToSuccessor): void {
    this.child.send(message);
  }

  kill(): void {
    if (!this.isGone) this.child.kill();
  }

  /** Rejects with NoSuccessor. */
  async until(kind: Kind, limitMs: number): Promise<void> {
    let isLate = false;
    const cancel = this.options.clock.setTimer(limitMs, () => {
      isLate = true;
      this.wake();
    });
    try {
      while (!this.said.has(kind)) {
        if (this.reason !== null) throw new NoSuccessor(this.reason);
        if (this.exit !== null) throw new NoSuccessor(`the new process ended with ${this.exit}`);
        if (isLate)
          throw new NoSuccessor(`the new process did not get ready within ${Math.round(limitMs / 1000)} s`);
        await new Promise<void>((resolve) => this.wakers.push(resolve));
      }
    } finally {
      cancel();
    }
  }

  private hear(message: unknown): void {
    const kind = kindOf(message);
    if (kind === null) return;
    const known = message as ToPredecessor;
    if (known.kind === "kept") this.options.onKept(known.count);
    if (known.kind === "cut-off") this.options.onCutOff();
    if (known.kind === "cancel-answer") this.options.onCancelled(known.id, known.tenant);
    if (known.kind === "failed") this.reason = known.why;
    this.said.add(known.kind);
    this.wake();
  }

  private ended(how: string): void {
    this.exit = how;
    this.wake();
    this.options.onExit();
  }

  private wake(): void {
    const waiting = this.wakers;
    this.wakers = [];
    for (const each of waiting) each();
  }
}
