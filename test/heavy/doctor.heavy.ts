// `clawgate doctor` of the compiled program with the real Claude Code program: every behaviour that ClawGate relies on holds
// in the pinned version. Run it by path: bun test ./test/heavy/doctor.heavy.ts. It never logs in and leaves loopback for npm only.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Finding } from "../../src/operator/examination/finding.ts";
import { checkIds } from "../../src/backends/claude-code/self-test/behaviour-checks.ts";
import { binaryPath, cleanEnvironment } from "../support/binary.ts";
import { claudeProgram, versionBehaviour } from "./claude-program.ts";
import { runProgram } from "../support/program-run.ts";

let claude: string;
let dir: string;

beforeAll(() => {
  claude = claudeProgram();
  dir = mkdtempSync(join(tmpdir(), "clawgate-doctor-"));
  binaryPath();
}, 600_000);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function doctor(wrapper: string) {
  const temporary = mkdtempSync(join(dir, "tmp-"));
  const config = join(dir, "config.yaml");
  const mine = { backend: "claude-cli", bin: wrapper, env: { ANTHROPIC_API_KEY: "dummy-key" } };
  writeFileSync(config, JSON.stringify({ providers: { mine }, server: { port: 0 } }), { mode: 0o600 });
  const env = { ...cleanEnvironment(dir), TMPDIR: temporary };
  const ran = await runProgram([binaryPath(), "doctor", "--json", "--config", config], {
    cwd: dir,
    env,
    timeoutMs: 90_000,
  });
  const { findings } = JSON.parse(ran.stdout) as { readonly findings: readonly Finding[] };
  return {
    ...ran,
    findings: findings.filter(({ section }) => section === "cli"),
    left: readdirSync(temporary),
  };
}

test("every check passes, and nothing is left", async () => {
  const { code, findings, left, stderr } = await doctor(claude);
  for (const { state, title, detail } of findings)
    console.log(`${state}  ${title}${detail === null ? "" : `: ${detail}`}`);
  const stateOf = (id: string): string =>
    id === "thinking-off" && !versionBehaviour.opusCanStop ? "warning" : "ok";
  expect(findings.map(({ id, state }) => [id, state])).toEqual(
    checkIds.map((id) => [`mine.${id}`, stateOf(id)]),
  );
  expect({ code, stderr, left }).toEqual({ code: 0, stderr: "", left: [] });
}, 120_000);

test("without the variables that switch them, the behaviours are missed: the checks are no formality", async () => {
  mkdirSync(join(dir, "bin"));
  const wrapper = join(dir, "bin", "claude");
  const taken = "CLAUDE_CODE_DISABLE_ATTACHMENTS CLAUDE_AGENT_SDK_MCP_NO_PREFIX";
  writeFileSync(wrapper, `#!/bin/sh\nunset ${taken}\nexec '${claude}' "$@"\n`, { mode: 0o755 });
  const { code, findings } = await doctor(wrapper);
  const off = findings.filter(({ state }) => state !== "ok").map(({ id, state }) => [id, state]);
  expect(off).toEqual([
    ["mine.file-references", "failed"],
    ["mine.tool-names", "warning"],
    ...(versionBehaviour.opusCanStop ? [] : [["mine.thinking-off", "warning"]]),
  ]);
  expect(code).toBe(1);
}, 120_000);
