// Faults of the stand-in that do not depend on the prompt: its start, its login, and behaviours that it lacks.
// Read from faults.json next to the executable, overridden by $CLAUDE_STAND_IN (JSON).

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parsed, recordOf } from "../upstream/json.ts";

/** A stage at which it ends (with the code, or by SIGKILL with "killed") or hangs. */
export type Stage = "start" | "initialize" | "history" | "turn";

/** Each removes one behaviour of the real program that ClawGate relies on, or adds a bad one. */
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
  /** The version in `--version` and `init`. Default 2.1.197. */
  readonly version?: string;
  /** The answer of `auth status`. Default: an API key if there is one, else not signed in. */
  readonly auth?: Readonly<Record<string, unknown>>;
  /** Ends at a stage: before anything, after the answer to initialize, in the first history line, when a turn begins. */
  readonly dies?: { readonly at: Stage; readonly how: number | "killed"; readonly stderr?: string };
  readonly hangs?: { readonly at: Stage };
  /** Milliseconds before it reads anything. */
  readonly startMs?: number;
  /** Written to standard error at the start. */
  readonly stderr?: string;
  /** Initialize is answered with this error. */
  readonly initializeError?: string;
  readonly misbehaves?: readonly Misbehaviour[];
};

export function readFaults(dir: string): Faults {
  const read = (text: string | undefined): Faults =>
    text === undefined ? {} : (recordOf(parsed(text)) as Faults);
  return { ...read(readFileSync(join(dir, "faults.json"), "utf8")), ...read(process.env["CLAUDE_STAND_IN"]) };
}
