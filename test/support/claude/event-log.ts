// The stand-in's event log: one JSON line for everything that it received, sent and did. Appended, so that several processes can
// share the file. It must never contain the value of a key.

import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { recordOf, textOf } from "../upstream/json.ts";
import type { Json } from "../upstream/json.ts";

export type Entry = { readonly pid: number } & (
  | {
      readonly what: "start";
      readonly argv: readonly string[];
      readonly cwd: string;
      readonly env: Readonly<Record<string, string>>;
    }
  | { readonly what: "in"; readonly name: string; readonly line: Json }
  | { readonly what: "out"; readonly name: string }
  | { readonly what: "signal"; readonly name: string }
  | { readonly what: "exit"; readonly code: number }
);

export type EventLog = {
  started(): void;
  /** `line` is undefined if it is not JSON. */
  read(line: unknown, text: string): void;
  printed(line: Json): void;
  signalled(name: string): void;
  exited(code: number): void;
};

const isSecret = /KEY|TOKEN|SECRET|PASSWORD/;

/** `control_request/initialize`, `stream_event/message_start`, `system/init`, `user`. */
function nameOf(line: Json): string {
  const below =
    recordOf(line["request"])["subtype"] ??
    recordOf(line["response"])["subtype"] ??
    recordOf(line["event"])["type"] ??
    line["subtype"];
  const method = recordOf(recordOf(line["request"])["message"])["method"];
  return [line["type"], below, method].filter((part) => typeof part === "string").join("/");
}

export function openEventLog(dir: string): EventLog {
  const path = join(dir, "record.jsonl");
  const { pid } = process;
  const write = (entry: Entry): void => appendFileSync(path, `${JSON.stringify(entry)}\n`);
  return {
    started() {
      const env: Record<string, string> = {};
      for (const [name, value = ""] of Object.entries(process.env))
        env[name] = isSecret.test(name) && value.length > 0 ? "***" : value;
      write({ pid, what: "start", argv: process.argv.slice(2), cwd: process.cwd(), env });
    },
    read(line, text) {
      const known = recordOf(line);
      const isJson = line !== undefined;
      write({ pid, what: "in", name: isJson ? nameOf(known) : "not-json", line: isJson ? known : { text } });
    },
    printed: (line) => write({ pid, what: "out", name: nameOf(line) || textOf(line["type"]) }),
    signalled: (name) => write({ pid, what: "signal", name }),
    exited: (code) => write({ pid, what: "exit", code }),
  };
}
