// What the operator sees on a real terminal: a line for each request, in colour unless that is not wanted; and a terminal that was
// stopped holds up nobody.

import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binaryPath, cleanEnvironment } from "./support/binary.ts";
import { startUpstream } from "./support/upstream.ts";

const vendor = startUpstream();
const cleanups: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const clean of cleanups) await clean();
  await vendor.stop();
});

async function eventually(what: string, holds: () => boolean): Promise<void> {
  const endMs = performance.now() + 15_000;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`It never came to pass: ${what}`);
    await Bun.sleep(10);
  }
}

async function startOnTerminal(more: Readonly<Record<string, string>> = {}) {
  const dir = mkdtempSync(join(tmpdir(), "clawgate-terminal-"));
  const config = join(dir, "config.yaml");
  writeFileSync(
    config,
    JSON.stringify({
      providers: { good: { base_url: vendor.url, model: "fake", pricing: { input: 1, output: 2 } } },
    }),
    { mode: 0o600 },
  );
  let seen = "";
  const decoder = new TextDecoder();
  const child = Bun.spawn([binaryPath(), "serve", "--config", config, "--port", "0"], {
    cwd: dir,
    env: { ...cleanEnvironment(dir), TERM: "xterm-256color", ...more },
    terminal: {
      cols: 400,
      rows: 50,
      data(_terminal, data) {
        seen += decoder.decode(data, { stream: true });
      },
    },
  });
  cleanups.push(async () => {
    child.kill("SIGKILL");
    await child.exited;
    rmSync(dir, { recursive: true, force: true });
  });
  const announced = join(dir, "clawgate-state", "run.json");
  await eventually("it listens", () => existsSync(announced));
  const { url, pid } = JSON.parse(readFileSync(announced, "utf8")) as {
    url: string;
    pid: number;
  };
  const ask = async (model: string): Promise<number> => {
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model, messages: [{ role: "user", content: "CANARY of a prompt" }] }),
    });
    await answer.arrayBuffer();
    return answer.status;
  };
  return { child, ask, pid, seen: () => seen, type: (text: string) => child.terminal?.write(text) };
}

describe.skipIf(process.platform === "win32")("on a terminal", () => {
  test("each request is one line, with colour, and the last ones are there at the end", async () => {
    const { child, ask, seen, pid } = await startOnTerminal();
    expect([await ask("good"), await ask("nobody")]).toEqual([200, 404]);
    process.kill(pid, "SIGTERM");
    expect(await child.exited).toBe(0);
    await eventually("the last line", () => seen().includes("stopped"));
    const lines = seen().split(/\r?\n/);
    const [good = "", ...rest] = lines.filter((line) => line.includes("good -> good/fake 200, "));
    expect(rest).toEqual([]);
    expect(good).toContain("\u001b[36mINFO");
    expect(Bun.stripANSI(good)).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} INFO {2}\S.* good -> good\/fake 200, \d+ ms, \d+ in \+ \d+ out, \$0\.\d+, direct explicit-model request=\w{26}$/,
    );
    expect(lines.filter((line) => line.includes(" nobody -> none 404, "))).toHaveLength(1);
    expect(seen()).not.toContain("CANARY");
  }, 30_000);

  test("NO_COLOR has no colour", async () => {
    const { ask, seen } = await startOnTerminal({ NO_COLOR: "1" });
    await ask("good");
    await eventually("the line", () => seen().includes("good -> good/fake 200"));
    expect(seen()).not.toContain("\u001b[");
  }, 30_000);

  test("log_level: warn says nothing of what went well", async () => {
    const { child, ask, seen, pid } = await startOnTerminal({ LOG_LEVEL: "warn" });
    await ask("good");
    process.kill(pid, "SIGTERM");
    await child.exited;
    expect(seen()).not.toContain("-> good/fake");
  }, 30_000);

  test("stopping the terminal (Ctrl-S) stops no request, and the lines come when it continues", async () => {
    const { child, ask, seen, type, pid } = await startOnTerminal();
    // During the start each line is waited for.
    await ask("good");
    await eventually("the first line", () => seen().includes("-> good/fake 200"));
    type("\u0013");
    let answered = 0;
    for (let round = 0; round < 40; round++)
      for (const status of await Promise.all(Array.from({ length: 5 }, () => ask("good"))))
        if (status === 200) answered += 1;
    expect(answered).toBe(200);
    expect(seen().split("-> good/fake 200").length).toBeLessThan(150);
    type("\u0011");
    await eventually("all lines", () => seen().split("-> good/fake 200").length === 202);
    // And stopped for good it does not hold up the end either.
    type("\u0013");
    for (let round = 0; round < 20; round++) await ask("good");
    process.kill(pid, "SIGTERM");
    expect(await child.exited).toBe(0);
  }, 30_000);
});
