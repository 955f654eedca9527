// A second agent program, as far from Claude Code as one can be: it repeats what it is sent, one word a line. Its protocol, its
// channel, its decoder and its conversation are all here; everything else is agent-process, which knows nothing of it.
//
// In: {"say":"words"} or {"result":"words"}. Out: {"word":"…"} …, then {"done":true}; or {"call":"id","name":"tool"}, and it waits.

import { type AgentChannel, type TurnDecoder } from "../../../src/backends/agent-process/agent-channel.ts";
import { AgentLines, type LineProtocol } from "../../../src/backends/agent-process/agent-lines.ts";
import type { AgentProcess } from "../../../src/backends/agent-process/child-process.ts";
import type { Launch } from "../../../src/backends/agent-process/launch.ts";
import type { StreamEvent } from "../../../src/canon/event.ts";
import { Failure } from "../../../src/canon/failure.ts";
import { unknownUsage } from "../../../src/canon/usage.ts";

export const script = `
const print = (line) => console.log(JSON.stringify(line));
for await (const line of console) {
  const { say, result } = JSON.parse(line);
  if (say === "die") process.exit(3);
  if (say === "hang") continue;
  if (say?.startsWith("use ")) {
    print({ call: "call-1", name: say.slice(4) });
    continue;
  }
  for (const word of (say ?? "got " + result).split(" ")) print({ word });
  print({ done: true });
  if (say === "go on") setTimeout(() => print({ word: "unasked" }), 20);
}
`;

type EchoLine = {
  readonly word?: string;
  readonly done?: true;
  readonly call?: string;
  readonly name?: string;
};
export type EchoEnd = { readonly calls: readonly { readonly id: string; readonly name: string }[] };
export type EchoConversation = { readonly channel: AgentChannel<EchoLine>; said: number };

const protocol: LineProtocol<EchoLine> = {
  sort: (line) => line,
  isModelOutput: ({ word }) => word !== undefined,
  onEnd: () => undefined,
  endedEarly: (stderr) => new Failure("bad-output", "The echo program ended.", { cause: stderr }),
};

export const launchOf = (file: string): Launch => ({
  program: "echo program",
  bin: process.execPath,
  argv: [file],
  env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin" },
  cwd: "/",
  jail: null,
});

export const converseWith = (child: AgentProcess): EchoConversation => ({
  channel: new AgentLines(child, protocol),
  said: 0,
});

export function echoDecoder(): TurnDecoder<EchoLine, EchoEnd> {
  let hasStarted = false;
  return {
    take({ word, call, name }) {
      if (call !== undefined) return { events: [], end: { calls: [{ id: call, name: name ?? "" }] } };
      if (word === undefined)
        return { events: [{ type: "finish", reason: "stop", usage: unknownUsage }], end: { calls: [] } };
      const events: StreamEvent[] = hasStarted ? [] : [{ type: "start", id: "e", model: "echo" }];
      hasStarted = true;
      return { events: [...events, { type: "text-delta", index: 0, text: word }], end: null };
    },
    release: () => [],
    isHolding: () => false,
    isStreaming: () => hasStarted,
    hasStarted: () => hasStarted,
    complete: () => null,
  };
}
