// A scratch home with the real OpenClaw (one state directory or several profiles), and the built program running beside it.
// It never leaves loopback but for npm.

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { clientVersion } from "../../scripts/client-versions.ts";
import { stringify } from "yaml";
import { binaryPath, cleanEnvironment, type RunningBinary, startBinary } from "../support/binary.ts";
import { gatewayConfig, vendorKey } from "../support/gateway-config.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { installed } from "./install.ts";
import { type Finished, runProgram } from "../support/program-run.ts";

export const version = clientVersion("openclaw");
const nodePackage = `node-${process.platform}-${process.arch}`;

/** What a person may have written into openclaw.json. */
export const byHand = (state: string): string => `{
  // Written by hand.
  gateway: { mode: 'local', },
  "agents": { "defaults": { "workspace": "~/${state}/workspace" } }, // the usual place
}
`;

export type OpenclawGateway = {
  readonly upstream: Upstream;
  readonly gateway: RunningBinary;
  readonly dir: string;
  /** The program `openclaw`. */
  readonly bin: string;
  readonly env: Readonly<Record<string, string>>;
  /** `clawgate <args> --config <the gateway's>`. */
  clawgate(...args: readonly string[]): Promise<Finished>;
  openclaw(args: readonly string[], more?: Readonly<Record<string, string>>): Promise<Finished>;
  /** A file of the home. */
  read(path: string): string;
  /** Settles when the running gateway, which follows its file by itself, knows the key in this state directory's .env. */
  keyIsKnown(state: string): Promise<string>;
  close(): Promise<void>;
};

function freePort(): number {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("") });
  const { port } = server;
  void server.stop(true);
  return port ?? 0;
}

/** `states`: folders of the home, such as `.openclaw`, each with the words of its note. */
export async function openOpenclawGateway(
  states: Readonly<Record<string, string>>,
  more: Readonly<Record<string, unknown>> = {},
): Promise<OpenclawGateway> {
  const packages = [`${nodePackage}@24.21.0`, `openclaw@${version}`];
  const script = join("node_modules", "openclaw", "openclaw.mjs");
  const folder = installed("openclaw", packages, script);
  const node = join(folder, "node_modules", nodePackage, "bin", "node");
  const dir = mkdtempSync(join(tmpdir(), "openclaw-setup-"));
  const bin = join(dir, "bin", "openclaw");
  const work = join(dir, "work");
  for (const each of [dirname(bin), work]) mkdirSync(each, { recursive: true });
  writeFileSync(bin, `#!/bin/sh\nexec "${node}" "${join(folder, script)}" "$@"\n`);
  chmodSync(bin, 0o755);
  for (const [state, words] of Object.entries(states)) {
    mkdirSync(join(dir, state, "workspace"), { recursive: true });
    writeFileSync(join(dir, state, "openclaw.json"), byHand(state), { mode: 0o600 });
    writeFileSync(join(dir, state, "workspace", "note.txt"), `${words}\n`);
  }
  const clean = cleanEnvironment(dir);
  const env = { ...clean, NO_COLOR: "1", PATH: `${dirname(bin)}:${dirname(node)}:${clean["PATH"]}` };
  const upstream = startUpstream({ strict: true, keys: [vendorKey] });
  const port = freePort();
  // A config as people write it, with a word in it that must stay.
  const config = `# of the user\n${stringify({ ...gatewayConfig(upstream.url), server: { port }, fallback_chain: ["oai"], ...more })}`;
  const gateway = await startBinary({ config, args: ["--port", String(port)], dir });
  const read = (path: string): string => readFileSync(join(dir, path), "utf8");
  return {
    upstream,
    gateway,
    dir,
    bin,
    env,
    read,
    clawgate: (...args) =>
      runProgram([binaryPath(), ...args, "--config", gateway.configPath], {
        cwd: work,
        env,
        timeoutMs: 120_000,
      }),
    openclaw: (args, variables = {}) =>
      runProgram([bin, ...args], { cwd: work, env: { ...env, ...variables }, timeoutMs: 160_000 }),
    async keyIsKnown(state) {
      const key = /CLAWGATE_API_KEY=(\S+)/.exec(read(join(state, ".env")))?.[1] ?? "";
      for (let round = 0; round < 500; round++) {
        const answer = await fetch(`${gateway.url}/v1/models`, {
          headers: { authorization: `Bearer ${key}` },
        });
        await answer.body?.cancel();
        if (answer.ok) return key;
        await Bun.sleep(20);
      }
      throw new Error(`The gateway never took the new key. It said:\n${gateway.output()}`);
    },
    async close() {
      await gateway.stop();
      upstream.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Words for `openclaw agent` that make it read the note of its workspace through a tool. */
export function readingTurn(stack: OpenclawGateway, state: string): string[] {
  const path = join(stack.dir, state, "workspace", "note.txt");
  const session = `agent:main:${crypto.randomUUID()}`;
  const prompt = `[[tool:read {"path":${JSON.stringify(path)}}]]`;
  return ["agent", "--local", "--agent", "main", "--session-key", session, "-m", prompt, "--json"];
}
