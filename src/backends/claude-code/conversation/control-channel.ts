// One process's lines, sorted: answers to our control requests, requests of the program's own, and everything else in order.
// It must never let a line be read twice, nor let somebody wait for an answer of a process that is gone.

import { Failure, failureFrom } from "../../../canon/failure.ts";
import {
  type ControlRequest,
  controlRequest,
  type ProtocolLine,
  readControlRequest,
  readControlResponse,
} from "../../../dialects/claude-code/protocol-lines.ts";
import type { AgentProcess } from "../../agent-process/child-process.ts";

export type ControlChannel = {
  readonly child: AgentProcess;
  /** A control request; settles with its answer. Rejects with a Failure when it is refused or the process is gone. */
  ask(request: ProtocolLine): Promise<ProtocolLine>;
  send(line: ProtocolLine): Promise<void>;
  /** The next line that is no control line, if one is there. */
  take(): ProtocolLine | null;
  /** Calls `run` once when there is something to take or the lines are over; the answer takes it back. */
  onReady(run: () => void): () => void;
  /** Calls `run` when a word of the model waits that nobody asked for; the answer takes it back. */
  onUnsolicited(run: () => void): () => void;
  /** True when nothing more will come. */
  isOver(): boolean;
  /** Why the lines are over, where the process says more than that it is gone. */
  failure(): Failure | null;
  /** Settles when the lines are over. */
  readonly over: Promise<void>;
};

/** Lines that wait for a reader; a parked process has nobody who reads. */
const maxWaiting = 2_000;

export function openControlChannel(
  child: AgentProcess,
  onRequest: (request: ControlRequest) => void,
): ControlChannel {
  const waiting: ProtocolLine[] = [];
  const asked = new Map<string, { resolve(answer: ProtocolLine): void; reject(failure: Failure): void }>();
  const listeners = new Set<() => void>();
  const watchers = new Set<() => void>();
  let number = 0;
  let isOver = false;
  let trouble: Failure | null = null;
  let wakePump = (): void => undefined;

  /** Settings are only told before anything is asked. */
  const endedBeforeAsked = (): Failure =>
    new Failure("bad-output", "The claude program ended before it was asked anything.", {
      cause: child.stderr(),
    });

  const wake = (): void => {
    for (const run of listeners) run();
    listeners.clear();
  };

  const dispatch = (line: ProtocolLine): void => {
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
    if (isModelText(line)) for (const run of watchers) run();
    wake();
  };

  const pump = async (): Promise<void> => {
    for (;;) {
      while (waiting.length > maxWaiting) await new Promise<void>((resolve) => (wakePump = resolve));
      const line = await child.next();
      if (line === null) return;
      dispatch(line);
    }
  };
  const over = pump()
    .catch((thrown: unknown) => {
      trouble = failureFrom(thrown);
    })
    .then(() => {
      isOver = true;
      for (const waiter of asked.values()) waiter.reject(trouble ?? endedBeforeAsked());
      asked.clear();
      wake();
    });

  return {
    child,
    over,
    isOver: () => isOver && waiting.length === 0,
    failure: () => trouble,
    ask(request) {
      if (isOver) return Promise.reject(trouble ?? endedBeforeAsked());
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
      if (waiting.length < maxWaiting / 2) wakePump();
      return line;
    },
    onUnsolicited(run) {
      watchers.add(run);
      if (waiting.some(isModelText)) run();
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
const isModelText = ({ type, parent_tool_use_id: parent }: ProtocolLine): boolean =>
  type === "stream_event" && (parent === null || parent === undefined);

export function endedEarly(cause?: unknown): Failure {
  return new Failure("bad-output", "The claude program ended before its answer was complete.", {
    maybeBilled: true,
    cause,
  });
}
