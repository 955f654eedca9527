// What goes wrong with the stand-in whatever it is asked: its start, its login, and the behaviours that it does not have.
// Read from faults.json beside the executable, and over it from $CLAUDE_STAND_IN (JSON) where the environment has it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parsed, recordOf } from "../upstream/json.ts";

/** A stage at which it ends (with the code, or by SIGKILL with "killed") or hangs. */
export type Stage = "start" | "initialize" | "history" | "turn";

/** Each takes away one behaviour of the real program that ClawGate relies on, or gives it a bad one. */
export type Misbehaviour =
  | "expands-paths"
  | "expands-paths-unless-plain"
  | "swallows-texts"
  | "ignores-assistant-lines"
  | "loses-order"
  | "keeps-prefix"
  | "ignores-extra-body"
  | "ignores-max-output"
  | "keeps-thinking"
  | "ignores-live-settings"
  | "wrong-tool-id"
  | "no-tool-call"
  | "cuts-descriptions-early"
  | "cuts-results"
  | "dies-of-api-errors"
  | "exits-0-after-errors"
  | "ignores-term"
  | "forgets-system-prompt"
  | "shows-builtin-tools"
  | "calls-one-by-one"
  | "changes-schemas"
  | "tells-surroundings"
  | "streams-nothing";

export type Faults = {
  /** What `--version` and `init` say. Default 2.1.197. */
  readonly version?: string;
  /** What `auth status` says. Default: an API key when there is one, else nobody. */
  readonly auth?: Readonly<Record<string, unknown>>;
  /** Ends at a stage: before anything, after the answer to initialize, in the first history line, when a turn begins. */
  readonly dies?: { readonly at: Stage; readonly how: number | "killed"; readonly stderr?: string };
  readonly hangs?: { readonly at: Stage };
  /** Milliseconds before it reads anything. */
  readonly startMs?: number;
  /** Written to standard error at the start. */
  readonly stderr?: string;
  /** The answer to initialize is this error. */
  readonly initializeError?: string;
  readonly misbehaves?: readonly Misbehaviour[];
};

export function readFaults(dir: string): Faults {
  const read = (text: string | undefined): Faults =>
    text === undefined ? {} : (recordOf(parsed(text)) as Faults);
  return { ...read(readFileSync(join(dir, "faults.json"), "utf8")), ...read(process.env["CLAUDE_STAND_IN"]) };
}
