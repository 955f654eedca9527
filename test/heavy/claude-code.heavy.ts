// The real `claude` program as a client of the gateway: a text turn and a tool turn, to a provider of either format.
// Run it by path: bun test ./test/heavy/claude-code.heavy.ts. It never logs in and never leaves loopback but for npm.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openTimeoutMs, targetKinds } from "../clients/targets.ts";
import type { Target } from "../clients/targets.ts";
import { claudeProgram, claudeVersion } from "./claude-program.ts";
import { runProgram } from "../support/program-run.ts";
import { printSeen } from "./vendor-log.ts";

type Result = { readonly is_error: boolean; readonly result: string; readonly num_turns: number };

describe.each([...targetKinds])("claude as a client, $name", ({ open }) => {
  let target: Target;
  let program: string;
  let dir: string;

  beforeAll(async () => {
    program = claudeProgram();
    target = await open();
    dir = mkdtempSync(join(tmpdir(), "claude-client-"));
    mkdirSync(join(dir, "work"));
    writeFileSync(join(dir, "work", "note.txt"), "the heron stands still\n");
  }, openTimeoutMs + 300_000);
  afterAll(async () => {
    await target?.stop();
    if (dir) rmSync(dir, { recursive: true, force: true });
  });

  const ask = async (prompt: string): Promise<Result> => {
    const env = {
      PATH: process.env["PATH"] ?? "",
      HOME: dir,
      CLAUDE_CONFIG_DIR: join(dir, "claude"),
      LANG: "C.UTF-8",
      NO_PROXY: "127.0.0.1,localhost",
      ANTHROPIC_BASE_URL: target.url,
      ANTHROPIC_API_KEY: target.key,
      ANTHROPIC_DEFAULT_HAIKU_MODEL: target.model,
      CLAUDE_CODE_MAX_RETRIES: "1",
      DISABLE_TELEMETRY: "1",
      DISABLE_ERROR_REPORTING: "1",
      DISABLE_AUTOUPDATER: "1",
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    };
    const flags = [
      "--output-format",
      "json",
      "--model",
      target.model,
      "--allowedTools",
      "Read",
      "--strict-mcp-config",
    ];
    const before = target.upstream.requests.length;
    const done = await runProgram([program, "-p", prompt, ...flags], {
      cwd: join(dir, "work"),
      env,
      timeoutMs: 60_000,
    });
    const seen = target.upstream.requests.slice(before);
    printSeen(`claude ${claudeVersion}`, done, seen);
    if (done.stdout.trim() === "") throw new Error(`claude printed nothing: ${done.stderr}`);
    return JSON.parse(done.stdout) as Result;
  };

  test("a text turn", async () => {
    const result = await ask("[[say:good morning from the vendor]]");
    expect(result).toMatchObject({ is_error: false, result: "good morning from the vendor" });
    expect(target.upstream.requests.map((request) => request.breach).filter(Boolean)).toEqual([]);
  }, 90_000);

  test("a tool turn: it reads a file and sends the result back", async () => {
    const path = join(dir, "work", "note.txt");
    const result = await ask(`[[tool:Read {"file_path":${JSON.stringify(path)}}]]`);
    expect(result.is_error).toBe(false);
    expect(result.result).toContain("the heron stands still");
    expect(target.upstream.requests.map((request) => request.breach).filter(Boolean)).toEqual([]);
  }, 90_000);
});
