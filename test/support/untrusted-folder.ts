// A folder as an attacker may have prepared it, with programs that leave a mark when they are started, and a vendor that keeps
// the keys which it receives. The compiled program is started in it.

import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binaryPath, cleanEnvironment, type RunningBinary, startBinary } from "./binary.ts";
import type { Cleanups } from "./cleanups.ts";
import { type Finished, runProgram } from "./program-run.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/** Only the test's listener may be reached: requests to a real vendor go nowhere. */
const nowhere = { HTTPS_PROXY: "http://127.0.0.1:9", NO_PROXY: "127.0.0.1" };

/** Everything it creates is removed by what it pushes onto `cleanups`. */
export class UntrustedFolder {
  readonly dir: string;
  readonly work: string;
  readonly mark: string;

  readonly #cleanups: Cleanups;

  constructor(cleanups: Cleanups) {
    this.#cleanups = cleanups;
    this.dir = cleanups.folder("clawgate-folder-");
    this.work = join(this.dir, "work");
    this.mark = join(this.dir, "mark");
    mkdirSync(this.work);
  }
  write(name: string, text: string, mode = 0o644): string {
    const path = join(this.work, name);
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  }
  /** A program that leaves a mark when it is started. */
  program(name: string): string {
    return this.write(name, `#!/bin/sh\necho "$0 $*" >> ${this.mark}\necho a-token\n`, 0o755);
  }
  get wasStarted(): boolean {
    return existsSync(this.mark);
  }
  async serve(env: Variables = {}, args: readonly string[] = []): Promise<RunningBinary> {
    const options = { config: null, dir: this.dir, env: { ...nowhere, ...env }, args };
    const gateway = this.#cleanups.stopAtEnd(await startBinary(options));
    // It answers shortly before it has printed everything.
    if (!args.includes("--json-log")) await gateway.waitForOutput("/health\n");
    return gateway;
  }
  run(args: readonly string[], env: Variables = {}): Promise<Finished> {
    return runProgram([binaryPath(), ...args], {
      cwd: this.work,
      env: { ...cleanEnvironment(this.dir), ...nowhere, ...env },
      timeoutMs: 60_000,
    });
  }
}

/** A server that keeps the keys which it receives. */
export function recordingVendor(cleanups: Cleanups) {
  const keys: string[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch({ headers }) {
      keys.push(headers.get("authorization") ?? headers.get("x-api-key") ?? "");
      return Response.json({
        id: "1",
        object: "chat.completion",
        created: 1,
        model: "m",
        choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "Hi." } }],
        usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
      });
    },
  });
  cleanups.push(() => server.stop(true));
  return { url: `http://127.0.0.1:${server.port}`, keys };
}

export const chat = (gateway: RunningBinary, model: string): Promise<Response> =>
  fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "Hello" }] }),
  });
