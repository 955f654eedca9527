import { afterEach, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunningBinary, startBinary } from "./support/binary.ts";
import { askClaude, startedWith, untilNull } from "./support/claude-children.ts";

// Without a jail: how what the program started ends with its request, and with a gateway that is killed.

const isLinux = process.platform === "linux";
const key = "key-of-the-operator-0123456789";
let running: RunningBinary | null = null;
let folder = "";
afterEach(async () => {
  await running?.stop();
  running = null;
  if (folder !== "") rmSync(folder, { recursive: true, force: true });
  folder = "";
});

/**
 * A program that takes no request, ignores every signal that can be ignored, and has started three others: one in a session of
 * its own, one there that inherited no variable, and one whose parent is gone.
 */
function deafProgram(tag: string): string {
  folder = mkdtempSync(join(tmpdir(), "clawgate-deaf-"));
  const path = join(folder, "claude");
  const lines = [
    "#!/bin/sh",
    "trap '' TERM HUP INT PIPE",
    `setsid sleep ${tag} < /dev/null > /dev/null 2>&1 &`,
    `setsid env -i sleep ${tag} < /dev/null > /dev/null 2>&1 &`,
    `( setsid sleep ${tag} < /dev/null > /dev/null 2>&1 & )`,
    `while :; do sleep ${tag}; done`,
    "",
  ];
  writeFileSync(path, lines.join("\n"));
  chmodSync(path, 0o755);
  return path;
}

const open = async (bin: string): Promise<RunningBinary> => {
  const limits = { max_concurrent: 8, max_per_tenant: 8, warm: 0, parked: 0 };
  running = await startBinary({
    config: {
      providers: { claude: { backend: "claude-cli", bin, env: { ANTHROPIC_API_KEY: "sk-none" }, ...limits } },
      auth: { keys: [key] },
      server: { drain_s: 0 },
    },
  });
  return running;
};

const ask = (url: string, signal: AbortSignal): Promise<number> => askClaude(url, key, { signal });

const uniqueTag = (): string =>
  `${300 + Math.floor(Math.random() * 600)}.${process.pid}${Date.now() % 100_000}`;
const perProgram = 4;

test.if(isLinux)(
  "a request that is given up takes along what its program started, sessions of their own or not",
  async () => {
    const tag = uniqueTag();
    const { url } = await open(deafProgram(tag));
    const client = new AbortController();
    const answer = ask(url, client.signal);
    await untilNull(() => (startedWith(tag).length >= perProgram ? null : startedWith(tag)));
    client.abort();
    await answer;
    await untilNull(() => (startedWith(tag).length === 0 ? null : startedWith(tag)));
  },
  40_000,
);

test.if(isLinux)(
  "kill -9 of a gateway with five programs that ignore signals leaves none of them, nor what they started, and none starts anew",
  async () => {
    const tag = uniqueTag();
    const { url, pid, exited } = await open(deafProgram(tag));
    const client = new AbortController();
    const answers = Array.from({ length: 5 }, () => ask(url, client.signal));
    await untilNull(() => (startedWith(tag).length >= 5 * perProgram ? null : startedWith(tag)));
    process.kill(pid, "SIGKILL");
    await exited;
    await Promise.all(answers);
    await untilNull(() => (startedWith(tag).length === 0 ? null : startedWith(tag)));
  },
  40_000,
);

test.if(isLinux)(
  "a gateway that stops leaves nothing behind, its watch over them included",
  async () => {
    const tag = uniqueTag();
    const gateway = await open(deafProgram(tag));
    const client = new AbortController();
    const answer = ask(gateway.url, client.signal);
    await untilNull(() => (startedWith(tag).length >= perProgram ? null : startedWith(tag)));
    const shells = (): readonly number[] => childrenOf(gateway.pid);
    const before = shells();
    expect(before.length).toBeGreaterThanOrEqual(2);
    expect(await gateway.stop()).toBe(0);
    await answer;
    await untilNull(() => (before.some(isThere) || startedWith(tag).length > 0 ? before : null));
  },
  40_000,
);

function childrenOf(pid: number): readonly number[] {
  const text = readdirSync(`/proc/${pid}/task`).map((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, "latin1"),
  );
  return text.join(" ").split(" ").filter(Boolean).map(Number);
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
