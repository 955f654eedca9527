// The process before this one, as its successor sees it: when it may take over, what it is told, and when it is alone. If that process
// dies at any moment, this one goes on without it.

import type { Environment } from "../../system/state-directory.ts";
import {
  inheritedDescriptor,
  kindOf,
  predecessorVariable,
  protocol,
  type ToPredecessor,
  type ToSuccessor,
} from "./messages.ts";

export type Predecessor = {
  readonly pid: number;
  /** The descriptor of the state directory's lock; null: it had none. */
  readonly lockDescriptor: number | null;
  /** Says that this process can start, and settles when it may take over. Rejects when the other one does not answer. */
  mayTakeOver(): Promise<void>;
  /** Where it listens, or did. */
  readonly port: number;
  isGone(): boolean;
  /** Passes on what it has said so far and says from now on, in its order. */
  listen(take: (message: ToSuccessor) => void): void;
  tell(message: ToPredecessor): void;
  /** Settles when it listens no more, or is gone. */
  readonly released: Promise<void>;
  /** Settles when it is gone. */
  readonly gone: Promise<void>;
};

/** The channel to the process that started this one. */
export type Channel = {
  send(message: object): void;
  onMessage(take: (message: unknown) => void): void;
  onClosed(take: () => void): void;
};

const answerLimitMs = 30_000;

/** Null: nobody hands over. Throws an Error where what is said of it is not understood. */
export function predecessorOf(
  environment: Environment,
  channel: Channel | null = parentChannel(),
): Predecessor | null {
  const told = environment[predecessorVariable];
  if (told === undefined) return null;
  const [spoken, pid, port, lock] = told.split(" ");
  if (Number(spoken) !== protocol || channel === null)
    throw new Error("the running gateway hands over in a way that this version does not know");
  const lockDescriptor = lock === "lock" ? inheritedDescriptor : null;
  return new ParentProcess({ pid: Number(pid), port: Number(port), lockDescriptor }, channel);
}

class ParentProcess implements Predecessor {
  readonly pid: number;
  readonly port: number;
  readonly lockDescriptor: number | null;
  readonly released: Promise<void>;
  readonly gone: Promise<void>;
  private readonly unread: ToSuccessor[] = [];
  private take: ((message: ToSuccessor) => void) | null = null;
  private hasEnded = false;
  private release = (): void => undefined;
  private start = (): void => undefined;

  constructor(
    told: Pick<Predecessor, "pid" | "port" | "lockDescriptor">,
    private readonly channel: Channel,
  ) {
    this.pid = told.pid;
    this.port = told.port;
    this.lockDescriptor = told.lockDescriptor;
    this.released = new Promise((resolve) => {
      this.release = resolve;
    });
    this.gone = new Promise((resolve) => {
      channel.onClosed(() => {
        this.hasEnded = true;
        this.start();
        this.release();
        resolve();
      });
    });
    channel.onMessage((message) => this.hear(message));
  }

  mayTakeOver(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`process ${this.pid}, which hands over to this one, does not answer`)),
        answerLimitMs,
      );
      this.start = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.hasEnded) this.start();
      this.tell({ kind: "loaded" });
    });
  }

  isGone(): boolean {
    return this.hasEnded;
  }

  listen(take: (message: ToSuccessor) => void): void {
    this.take = take;
    for (const message of this.unread.splice(0)) take(message);
  }

  tell(message: ToPredecessor): void {
    if (!this.hasEnded) this.channel.send(message);
  }

  private hear(message: unknown): void {
    if (kindOf(message) === null) return;
    const known = message as ToSuccessor;
    if (known.kind === "go") this.start();
    else if (known.kind === "released") this.release();
    else if (known.kind === "end") this.tell({ kind: "ended" });
    else if (this.take === null) this.unread.push(known);
    else this.take(known);
  }
}

function parentChannel(): Channel | null {
  if (process.send === undefined) return null;
  return {
    send(message) {
      try {
        process.send?.(message);
      } catch {
        // It is gone: the end of the channel is reported next.
      }
    },
    onMessage: (take) => void process.on("message", take),
    onClosed: (take) => void process.on("disconnect", take),
  };
}
