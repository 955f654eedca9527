// The state of one process of the stand-in: its options, the conversation, the active settings, its usage.
// All its output passes through here.

import { randomUUID } from "node:crypto";
import { writeSync } from "node:fs";
import { recordOf, textOf } from "../upstream/json.ts";
import type { Json } from "../upstream/json.ts";
import type { EventLog } from "./event-log.ts";
import type { Faults, Misbehaviour, Stage } from "./faults.ts";
import type { Options } from "./options.ts";

export type Usage = {
  readonly input: number;
  readonly cached: number;
  readonly written: number;
  readonly output: number;
};

export type Session = {
  readonly id: string;
  readonly options: Options;
  readonly faults: Faults;
  /** As upstream would get it, except that neighbours of one role are not merged. */
  readonly conversation: Json[];
  /** From the first initialize. */
  systemPrompt: string | null;
  jsonSchema: unknown;
  /** Set while it runs; they override the environment and the flags. */
  readonly liveEnv: Map<string, string>;
  effort: string | null;
  maxThinkingTokens: number | null;
  model: string;
  /** For the whole process. */
  costUsd: number;
  readonly spent: Map<string, Usage>;
  lastWasError: boolean;
  does(misbehaviour: Misbehaviour): boolean;
  env(name: string): string | undefined;
  nextId(kind: "msg" | "toolu" | "req"): string;
  print(line: Json): void;
  printRaw(text: string): void;
  signalled(name: string): void;
  /** Ends or hangs here if a fault requires it. */
  stage(stage: Stage): Promise<void>;
  die(how: number | "killed"): never;
};

export const hang = (): Promise<never> => new Promise(() => undefined);
/** The delay of the stand-in for actions that take the real program time. */
export const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

export function createSession(options: Options, faults: Faults, eventLog: EventLog): Session {
  const id = options.sessionId ?? randomUUID();
  let ids = 0;
  const liveEnv = new Map<string, string>();
  const exit = (code: number): never => {
    eventLog.exited(code);
    process.exit(code);
  };
  const die = (how: number | "killed"): never => {
    if (how !== "killed") return exit(how);
    process.kill(process.pid, "SIGKILL");
    throw new Error("It lives on after SIGKILL.");
  };
  const printRaw = (text: string): void => {
    // Written synchronously: process.exit must not lose what the reader should see before the end.
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length;) at += writeSome(bytes.subarray(at));
  };
  return {
    id,
    options,
    faults,
    conversation: [],
    systemPrompt: options.systemPrompt,
    jsonSchema: options.jsonSchema,
    liveEnv,
    effort: options.effort,
    maxThinkingTokens: options.maxThinkingTokens,
    model: options.model,
    costUsd: 0,
    spent: new Map(),
    lastWasError: false,
    does: (misbehaviour) => faults.misbehaves?.includes(misbehaviour) === true,
    env: (name) => liveEnv.get(name) ?? process.env[name],
    nextId: (kind) => `${kind}_fake_${process.pid}_${(ids += 1)}`,
    print(line) {
      eventLog.printed(line);
      const isControl = textOf(line["type"]).startsWith("control_");
      printRaw(`${JSON.stringify(isControl ? line : { ...line, session_id: id, uuid: randomUUID() })}\n`);
    },
    printRaw,
    signalled: (name) => eventLog.signalled(name),
    async stage(stage) {
      const { dies, hangs } = faults;
      if (dies?.at === stage) {
        if (dies.stderr !== undefined) process.stderr.write(dies.stderr);
        die(dies.how);
      }
      if (hangs?.at === stage) await hang();
    },
    die,
  };
}

function writeSome(bytes: Uint8Array): number {
  try {
    return writeSync(1, bytes);
  } catch (error) {
    // The pipe is full: its reader is slow.
    if (textOf(recordOf(error)["code"]) === "EAGAIN") {
      Bun.sleepSync(1);
      return 0;
    }
    throw error;
  }
}
