// Sorts the lines of one Claude Code process: responses to our control requests, the program's own requests, and the lines of its
// answers. It must never let a caller wait for a response from a process that is gone.

import { Failure, failureFrom } from "../../../canon/failure.ts";
import {
  type ControlRequest,
  controlRequest,
  type ProtocolLine,
  readControlRequest,
  readControlResponse,
} from "../../../dialects/claude-code/protocol-lines.ts";
import type { AgentChannel } from "../../agent-process/agent-channel.ts";
import { AgentLines, type LineProtocol } from "../../agent-process/agent-lines.ts";
import type { AgentProcess } from "../../agent-process/child-process.ts";

export type ControlChannel = AgentChannel<ProtocolLine> & {
  /** A control request; settles with its answer. Rejects with a Failure when it is refused or the process is gone. */
  ask(request: ProtocolLine): Promise<ProtocolLine>;
  send(line: ProtocolLine): Promise<void>;
};

export function openControlChannel(
  child: AgentProcess,
  onRequest: (request: ControlRequest) => void,
): ControlChannel {
  return new ControlledLines(child, new ControlProtocol(child, onRequest));
}

class ControlledLines extends AgentLines<ProtocolLine> implements ControlChannel {
  constructor(
    child: AgentProcess,
    private readonly control: ControlProtocol,
  ) {
    super(child, control);
  }

  ask(request: ProtocolLine): Promise<ProtocolLine> {
    return this.control.ask(request);
  }

  send(line: ProtocolLine): Promise<void> {
    return this.child.send(line);
  }
}

type Waiter = { resolve(answer: ProtocolLine): void; reject(failure: Failure): void };

class ControlProtocol implements LineProtocol<ProtocolLine> {
  private readonly asked = new Map<string, Waiter>();
  private count = 0;
  private hasEnded = false;
  private trouble: Failure | null = null;

  constructor(
    private readonly child: AgentProcess,
    private readonly onRequest: (request: ControlRequest) => void,
  ) {}

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

  sort(line: ProtocolLine): ProtocolLine | null {
    const response = readControlResponse(line);
    if (response !== null) {
      const waiter = this.asked.get(response.id);
      this.asked.delete(response.id);
      if (response.isError)
        waiter?.reject(new Failure("bad-output", "The claude program refused a setting of this request."));
      else waiter?.resolve(response.response);
      return null;
    }
    const request = readControlRequest(line);
    if (request === null) return line;
    this.onRequest(request);
    return null;
  }

  /** A subagent's output belongs to a running tool. */
  isModelOutput({ type, parent_tool_use_id: parent }: ProtocolLine): boolean {
    return type === "stream_event" && (parent === null || parent === undefined);
  }

  onEnd(trouble: Failure | null): void {
    this.hasEnded = true;
    this.trouble = trouble;
    for (const waiter of this.asked.values()) waiter.reject(this.endedBeforeAsked());
    this.asked.clear();
  }

  endedEarly(stderr: string): Failure {
    return endedEarly(stderr);
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

export function endedEarly(cause?: unknown): Failure {
  return new Failure("bad-output", "The claude program ended before its answer was complete.", {
    maybeBilled: true,
    cause,
  });
}
