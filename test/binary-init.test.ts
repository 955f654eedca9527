// `clawgate init` on a real terminal: what is typed for a key is not shown, and whoever leaves leaves nothing behind. The config
// that it writes is served and reloaded.

import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commands } from "../src/commands/command-table.ts";
import { binaryPath, cleanEnvironment, startBinary } from "./support/binary.ts";
import { runProgram } from "./support/program-run.ts";
import { startUpstream } from "./support/upstream.ts";

const vendor = startUpstream();
const cleanups: (() => Promise<void> | void)[] = [];
afterAll(async () => {
  for (const clean of cleanups) await clean();
  await vendor.stop();
});

const key = "sk-typed-key-that-nobody-may-see-98765";

function startDialogue(more: Readonly<Record<string, string>> = {}, argv: readonly string[] = ["init"]) {
  const dir = mkdtempSync(join(tmpdir(), "clawgate-init-"));
  const work = mkdtempSync(join(dir, "work-"));
  let seen = "";
  const decoder = new TextDecoder();
  const child = Bun.spawn([binaryPath(), ...argv], {
    cwd: work,
    env: {
      ...cleanEnvironment(dir),
      PATH: "/usr/bin:/bin",
      TERM: "xterm-256color",
      OPENAI_BASE_URL: vendor.url,
      ...more,
    },
    terminal: {
      cols: 80,
      rows: 24,
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
  let from = 0;
  return {
    child,
    dir,
    work,
    seen: () => seen,
    type: (text: string) => child.terminal?.write(text),
    /** Waits for the question, after what was seen before, and answers it. */
    async answer(question: string, text: string) {
      const endMs = performance.now() + 10_000;
      while (!seen.includes(question, from)) {
        if (performance.now() > endMs) throw new Error(`It never asked ${question}: ${seen.slice(from)}`);
        await Bun.sleep(10);
      }
      from = seen.indexOf(question, from) + question.length;
      child.terminal?.write(text);
    },
  };
}

test.skipIf(process.platform === "win32")(
  "a key that is typed in ends up in .env, tested and served",
  async () => {
    const dialogue = startDialogue();
    await dialogue.answer("Whose key do you have", "opnai\r");
    await dialogue.answer("Did you mean openai?", "");
    await dialogue.answer("Whose key do you have", "OpenAI\r");
    await dialogue.answer("API key of OpenAI", `${key}\r`);
    await dialogue.answer("Another vendor", "\r");
    await dialogue.answer("Port on this machine", "99999\r");
    await dialogue.answer("from 1 to 65535", "");
    await dialogue.answer("Port on this machine", "18099\r");
    await dialogue.answer("small test request", "\r");
    await dialogue.answer("You said: Reply", "");
    await dialogue.answer("Write ", "\r");
    if (commands.some(({ name }) => name === "service")) await dialogue.answer("as a service", "n\r");
    expect(await dialogue.child.exited).toBe(0);
    expect(dialogue.seen()).not.toContain(key);
    expect(dialogue.seen()).toContain("Next:");

    const { work, dir } = dialogue;
    expect(readdirSync(work).toSorted()).toEqual([".env", "config.yaml"]);
    expect(readFileSync(join(work, ".env"), "utf8")).toBe(`OPENAI_API_KEY=${key}\n`);
    expect(statSync(join(work, ".env")).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(work, "config.yaml"), "utf8")).toContain("port: 18099");

    const env = { ...cleanEnvironment(dir), OPENAI_BASE_URL: vendor.url };
    const gateway = await startBinary({
      config: null,
      args: ["--config", join(work, "config.yaml")],
      env: { OPENAI_BASE_URL: vendor.url },
      dir,
    });
    try {
      const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ model: "auto", messages: [{ role: "user", content: "Hello" }] }),
      });
      expect(answer.status).toBe(200);
      expect(answer.headers.get("x-clawgate-provider")).toBe("openai");
      expect(vendor.requests.at(-1)?.headers["authorization"]).toBe(`Bearer ${key}`);
      const reloaded = await runProgram([binaryPath(), "reload"], { cwd: work, env, timeoutMs: 10_000 });
      expect(reloaded).toMatchObject({ code: 0 });
    } finally {
      await gateway.stop();
    }
  },
  60_000,
);

test.skipIf(process.platform === "win32")(
  "Ctrl-C or the end of the input leaves `import`, too",
  async () => {
    for (const end of ["\u0003", "\u0004"]) {
      const source = mkdtempSync(join(tmpdir(), "clawgate-source-"));
      cleanups.push(async () => rmSync(source, { recursive: true, force: true }));
      writeFileSync(join(source, ".env"), "PROXY_API_KEYS=0123456789abcdef0123\n");
      const dialogue = startDialogue({}, ["import", source]);
      await dialogue.answer("Write this?", end);
      expect(await dialogue.child.exited).toBe(130);
      expect(dialogue.seen()).toContain("Nothing was written.");
      expect(dialogue.seen()).not.toContain("Aborted");
      expect(readdirSync(dialogue.work)).toEqual([]);
    }
  },
  60_000,
);

test.skipIf(process.platform === "win32")(
  "Ctrl-C at any question, or the end of the input, leaves nothing",
  async () => {
    const steps = [
      ["Another vendor", "openai\r"],
      ["API key of OpenAI", `${key}\r`],
      ["Another vendor", "\r"],
      ["Port on this machine", "\r"],
      ["small test request", "n\r"],
      ["Write ", ""],
    ] as const;
    for (const [at] of steps.entries()) {
      const dialogue = startDialogue({ OPENAI_API_KEY: "sk-found" });
      for (const [question, answer] of steps.slice(0, at)) await dialogue.answer(question, answer);
      await dialogue.answer(
        steps[at]?.[0] ?? "",
        at === 1 ? "sk-half\u0003" : at === 3 ? "\u0004" : "\u0003",
      );
      expect(await dialogue.child.exited).toBe(130);
      expect(dialogue.seen()).toContain("Nothing was written.");
      expect(readdirSync(dialogue.work)).toEqual([]);
      expect(dialogue.seen()).not.toContain("sk-half");
    }
  },
  60_000,
);
