// One process's lines, sorted: answers to our control requests, requests of the program's own, and everything else in order.
// It must never let a line be read twice, nor let somebody wait for an answer of a process that is gone.

import { Failure, failureFrom } from "../../canon/failure.ts";
import {
  type ControlRequest,
  controlRequest,
  type Line,
  readControlRequest,
  readControlResponse,
} from "../../dialects/claude-cli/lines.ts";
import type { CliChild } from "./child.ts";

export type Channel = {
  readonly child: CliChild;
  /** A control request; settles with its answer. Rejects with a Failure when it is refused or the process is gone. */
  ask(request: Line): Promise<Line>;
  send(line: Line): Promise<void>;
  /** The next line that is no control line, if one is there. */
  take(): Line | null;
  /** Calls `run` once when there is something to take or the lines are over; the answer takes it back. */
  onReady(run: () => void): () => void;
  /** Calls `run` when a word of the model waits that nobody asked for; the answer takes it back. */
  onUnasked(run: () => void): () => void;
  /** True when nothing more will come. */
  isOver(): boolean;
  /** Why the lines are over, where the process says more than that it is gone. */
  trouble(): Failure | null;
  /** Settles when the lines are over. */
  readonly over: Promise<void>;
};

/** Lines that wait for a reader; a parked process has nobody who reads. */
const mostWaiting = 2_000;

export function openChannel(child: CliChild, onRequest: (request: ControlRequest) => void): Channel {
  const waiting: Line[] = [];
  const asked = new Map<string, { resolve(answer: Line): void; reject(failure: Failure): void }>();
  const listeners = new Set<() => void>();
  const watchers = new Set<() => void>();
  let number = 0;
  let isOver = false;
  let trouble: Failure | null = null;
  let wakePump = (): void => undefined;

  /** Settings are only told before anything is asked. */
  const unasked = (): Failure =>
    new Failure("bad-output", "The claude program ended before it was asked anything.", {
      cause: child.stderr(),
    });

  const wake = (): void => {
    for (const run of listeners) run();
    listeners.clear();
  };

  const sort = (line: Line): void => {
    const response = readControlResponse(line);
    if (response !== null) {
      const waiter = asked.get(response.id);
      asked.delete(response.id);
      if (response.isError)
        waiter?.reject(new Failure("bad-output", "The claude program refused a setting of this request."));
      else waiter?.resolve(response.response);
      return;
    }
    const request = readControlRequest(line);
    if (request !== null) {
      onRequest(request);
      return;
    }
    waiting.push(line);
    if (isWord(line)) for (const run of watchers) run();
    wake();
  };

  const pump = async (): Promise<void> => {
    for (;;) {
      while (waiting.length > mostWaiting) await new Promise<void>((resolve) => (wakePump = resolve));
      const line = await child.next();
      if (line === null) return;
      sort(line);
    }
  };
  const over = pump()
    .catch((thrown: unknown) => {
      trouble = failureFrom(thrown);
    })
    .then(() => {
      isOver = true;
      for (const waiter of asked.values()) waiter.reject(trouble ?? unasked());
      asked.clear();
      wake();
    });

  return {
    child,
    over,
    isOver: () => isOver && waiting.length === 0,
    trouble: () => trouble,
    ask(request) {
      if (isOver) return Promise.reject(trouble ?? unasked());
      const id = `clawgate-${++number}`;
      return new Promise((resolve, reject) => {
        asked.set(id, { resolve, reject });
        child.send(controlRequest(id, request)).catch((thrown: unknown) => {
          asked.delete(id);
          reject(failureFrom(thrown));
        });
      });
    },
    send: (line) => child.send(line),
    take() {
      const line = waiting.shift() ?? null;
      if (waiting.length < mostWaiting / 2) wakePump();
      return line;
    },
    onUnasked(run) {
      watchers.add(run);
      if (waiting.some(isWord)) run();
      return () => watchers.delete(run);
    },
    onReady(run) {
      if (waiting.length > 0 || isOver) {
        run();
        return () => undefined;
      }
      listeners.add(run);
      return () => listeners.delete(run);
    },
  };
}

/** A subagent's words belong to a tool that runs. */
const isWord = ({ type, parent_tool_use_id: parent }: Line): boolean =>
  type === "stream_event" && (parent === null || parent === undefined);

export function gone(cause?: unknown): Failure {
  return new Failure("bad-output", "The claude program ended before its answer was complete.", {
    maybeBilled: true,
    cause,
  });
}
