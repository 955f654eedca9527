import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type {
  CheckId,
  CheckResult,
} from "../../../../src/backends/claude-code/self-test/behaviour-checks.ts";
import { checkIds } from "../../../../src/backends/claude-code/self-test/behaviour-checks.ts";
import { selfTest, type SelfTestOptions } from "../../../../src/backends/claude-code/self-test/self-test.ts";
import { systemClock } from "../../../../src/system/clock.ts";
import { isAlive } from "../../../../src/system/process.ts";
import { type Faults, type ScriptedClaude, scriptedClaude } from "../../../support/claude.ts";
import { cleanupsAfterEach } from "../../../support/cleanups.ts";

const cleanups = cleanupsAfterEach();

function claude(faults: Faults = {}): ScriptedClaude {
  const made = scriptedClaude(faults);
  cleanups.push(made.remove);
  return made;
}

/** Waits are a tenth as long; processes are as quick as ever. */
const quickClock = {
  ...systemClock,
  setTimer: (delayMs: number, run: () => void) => systemClock.setTimer(delayMs / 10, run),
};

const key = { ANTHROPIC_API_KEY: "dummy-key-of-the-operator" };

function examine(
  made: Pick<ScriptedClaude, "bin" | "dir">,
  more: Partial<SelfTestOptions> & { readonly env?: Record<string, string> } = {},
) {
  const { env = key, ...options } = more;
  return selfTest({
    workspace: {
      tenant: null,
      bin: made.bin,
      home: made.dir,
      configDir: join(made.dir, "login"),
      workingDir: made.dir,
      env,
      pluginDirs: [],
      addDirs: [],
      permissionMode: null,
      jail: null,
    },
    environment: { PATH: "/usr/bin:/bin", HTTPS_PROXY: "http://proxy.example:3128" },
    isQuick: false,
    ...options,
  });
}

const inState = (checks: readonly CheckResult[], state: CheckResult["state"]): readonly CheckId[] =>
  checks.filter((check) => check.state === state).map(({ id }) => id);
const detailOf = (checks: readonly CheckResult[], id: CheckId): string | null =>
  checks.find((check) => check.id === id)?.detail ?? null;

test("a program that behaves passes everything, in order, and nothing of the test is left", async () => {
  const made = claude();
  const heard: string[] = [];
  const report = await examine(made, { onVerdict: ({ id }) => heard.push(id) });
  expect(report.checks.filter(({ state }) => state !== "passed")).toEqual([]);
  expect(report.checks.map(({ id }) => id)).toEqual([...checkIds]);
  expect(heard.toSorted()).toEqual([...checkIds].toSorted());
  expect(report).toMatchObject({ version: "2.1.197", login: "api_key", bin: made.bin });
  expect(made.runs().map(({ pid }) => isAlive(pid))).toEqual(made.runs().map(() => false));
  expect(made.sessions()).toHaveLength(2);
});

test("its processes live in folders of the test's own, with a key and an address of the test's own", async () => {
  const made = claude();
  await examine(made);
  for (const { env, cwd } of made.sessions()) {
    for (const place of [env["HOME"], env["CLAUDE_CONFIG_DIR"], env["TMPDIR"], cwd]) {
      expect(place).toContain("clawgate-selftest-");
      expect(existsSync(place ?? "")).toBe(false);
    }
    expect(env["ANTHROPIC_BASE_URL"]).toStartWith("http://127.0.0.1:");
    expect(env["HTTPS_PROXY"]).toBe("http://127.0.0.1:9");
    expect(env["NO_PROXY"]).toContain("127.0.0.1");
    expect(env["CLAUDE_CODE_DISABLE_ATTACHMENTS"]).toBe("1");
  }
  // The login is asked where the operator's is, with the operator's variables.
  const asked = made.runs().find(({ argv }) => argv.join(" ") === "auth status");
  expect(asked?.env).toMatchObject({ HOME: made.dir, CLAUDE_CONFIG_DIR: join(made.dir, "login") });
  expect(asked?.env).not.toHaveProperty("ANTHROPIC_BASE_URL");
});

describe("each check fails when its behaviour is missing", () => {
  test.each([
    ["expands-paths", ["file-references"], "the file's text went upstream"],
    ["expands-paths-unless-plain", ["file-references"], "the file's text went upstream"],
    ["swallows-texts", ["slash-texts"], "the program answered it itself"],
    ["ignores-assistant-lines", ["history"], "upstream saw user"],
    ["loses-order", ["history"], "upstream saw"],
    ["keeps-prefix", ["tool-names"], "self_test_one became mcp__client__self_test_one"],
    ["changes-schemas", ["tool-schemas"], "a schema was changed"],
    ["cuts-descriptions-early", ["tool-descriptions"], "only 100 arrived"],
    ["wrong-tool-id", ["tool-calls"], "without the id"],
    ["no-tool-call", ["tool-calls"], "no call came"],
    ["cuts-results", ["large-results"], "a note stood in its place"],
    ["ignores-extra-body", ["extra-body"], "without effect: temperature, stop_sequences, tool_choice"],
    ["ignores-max-output", ["max-tokens"], "upstream saw 64000 instead of 777"],
    ["ignores-live-settings", ["extra-body", "max-tokens", "effort"], "without effect"],
    ["keeps-thinking", ["thinking-off"], "it stays adaptive"],
    ["dies-of-api-errors", ["errors"], "it did not live on"],
    ["exits-0-after-errors", ["exit-codes"], "exit code 0 after a turn that failed"],
    ["forgets-system-prompt", ["system-prompt"], "did not reach upstream"],
    ["shows-builtin-tools", ["own-tools"], "upstream was offered Bash"],
    ["streams-nothing", ["stream"], "no part of the answer came as an event"],
  ] as const)("%s", async (misbehaviour, expected, detail) => {
    // What hangs for want of the behaviour ends soon.
    const { checks } = await examine(claude({ misbehaves: [misbehaviour] }), { clock: quickClock });
    const failed = inState(checks, "failed");
    // A call that never comes takes what is said of calls with it.
    expect(failed).toEqual(expect.arrayContaining([...expected]));
    expect(detailOf(checks, expected[0])).toContain(detail);
    const related = ["no-tool-call", "wrong-tool-id"].includes(misbehaviour)
      ? ["parallel-calls", "large-results"]
      : [];
    expect(failed.filter((id) => !expected.some((each) => each === id) && !related.includes(id))).toEqual([]);
  });

  test("calls-one-by-one", async () => {
    const { checks } = await examine(claude({ misbehaves: ["calls-one-by-one"] }), { clock: quickClock });
    expect(inState(checks, "failed")).toEqual(["parallel-calls"]);
  });

  test("ignores-term", async () => {
    const { checks } = await examine(claude({ misbehaves: ["ignores-term"] }), { clock: quickClock });
    expect(inState(checks, "failed")).toEqual(["stop"]);
    expect(detailOf(checks, "stop")).toBe("it had to be ended by SIGKILL");
  });
});

describe("where the program runs", () => {
  const misbehaves = ["tells-surroundings"] as const;
  test("is not disclosed with a key of the operator's", async () => {
    const { checks } = await examine(claude({ misbehaves }));
    expect(inState(checks, "failed")).toEqual([]);
  });

  test.each([
    ["its own login", {}],
    ["a token beside the key", { ...key, ANTHROPIC_AUTH_TOKEN: "token" }],
    ["the operator's word", { ...key, CLAUDE_CODE_SIMPLE: "0" }],
  ])("is told with %s, as it is when it serves", async (_what, env) => {
    const { checks } = await examine(claude({ misbehaves, auth: { loggedIn: true } }), { env });
    expect(inState(checks, "failed")).toEqual(["surroundings"]);
    expect(detailOf(checks, "surroundings")).toBe("its folder went upstream");
  });
});

describe("versions", () => {
  test.each([
    ["2.1.329", "passed", "2.1.329, measured"],
    ["2.1.332", "passed", "2.1.332, measured"],
    ["2.1.400", "passed", "2.1.400 was not measured; it is checked now"],
    ["1.0.2", "failed", "the oldest that was tested is 2.1.197"],
  ] as const)("%s", async (version, state, detail) => {
    const { checks } = await examine(claude({ version }), { isQuick: true });
    const check = checks.find(({ id }) => id === "version");
    expect(check?.state).toBe(state);
    expect(check?.detail).toContain(detail);
  });
});

describe("the login", () => {
  test("no login", async () => {
    const { checks, login } = await examine(claude(), { isQuick: true, env: {} });
    expect(login).toBe("none");
    expect(inState(checks, "failed")).toEqual(["login"]);
    expect(detailOf(checks, "login")).toContain("claude auth login");
  });

  test("a subscription, by what auth status says alone", async () => {
    const auth = {
      loggedIn: true,
      authMethod: "claude.ai",
      subscriptionType: "max",
      email: "owner@example.com",
    };
    const { checks, login } = await examine(claude({ auth }), { isQuick: true, env: {} });
    expect(login).toBe("claude.ai");
    expect(detailOf(checks, "login")).toStartWith("claude.ai, max;");
    expect(JSON.stringify(checks)).not.toContain("owner@example.com");
  });
});

describe("a program that cannot be checked", () => {
  test("--quick starts no session", async () => {
    const made = claude();
    const { checks } = await examine(made, { isQuick: true });
    expect(inState(checks, "passed")).toEqual(["program", "version", "login"]);
    expect(detailOf(checks, "history")).toBe("left out by --quick");
    expect(made.sessions()).toEqual([]);
  });

  test("not a program: no version, everything else is skipped", async () => {
    const made = claude();
    writeFileSync(made.bin, "#!/bin/sh\necho hello\n");
    chmodSync(made.bin, 0o755);
    const { checks, version } = await examine(made);
    expect(version).toBeNull();
    expect(inState(checks, "failed")).toEqual(["program"]);
    expect(detailOf(checks, "start")).toBe("the program cannot be run");
  });

  test("not executable", async () => {
    const made = claude();
    chmodSync(made.bin, 0o644);
    const { checks } = await examine(made);
    expect(inState(checks, "failed")).toEqual(["program"]);
    expect(detailOf(checks, "program")).toStartWith("it cannot be started");
  });

  test("dies at its start: the reason is its own words", async () => {
    const dies = { at: "start", how: 1, stderr: "this program wants something else\n" } as const;
    const { checks } = await examine(claude({ dies }));
    expect(inState(checks, "failed")).toEqual(["start"]);
    expect(detailOf(checks, "start")).toContain("exit code 1): this program wants something else");
    expect(detailOf(checks, "history")).toContain("exit code 1");
  });

  test.each(["initialize", "history", "turn"] as const)("hangs at %s: it is stopped", async (at) => {
    const made = claude({ hangs: { at } });
    const { checks } = await examine(made, { clock: quickClock, turnMs: 5_000 });
    const reason = "the program did not answer within 5 s";
    expect(detailOf(checks, "history")).toBe(reason);
    expect(detailOf(checks, "start")).toBe(at === "initialize" ? reason : "3 models");
    expect(made.runs().some(({ pid }) => isAlive(pid))).toBe(false);
  });

  test("an interruption stops both of its processes", async () => {
    const made = claude({ hangs: { at: "turn" } });
    const stopper = new AbortController();
    const running = examine(made, { signal: stopper.signal });
    await made.waitFor((runs) => runs.filter(({ events }) => events.includes("in:user")).length === 2);
    stopper.abort();
    const { checks } = await running;
    expect(detailOf(checks, "effort")).toBe("it was interrupted");
    expect(made.runs().some(({ pid }) => isAlive(pid))).toBe(false);
    expect(made.sessions().map(({ env }) => existsSync(env["HOME"] ?? ""))).toEqual([false, false]);
  });

  test("the whole test has a limit too", async () => {
    const made = claude({ hangs: { at: "turn" } });
    const { checks } = await examine(made, { timeoutMs: 2_000 });
    expect(detailOf(checks, "effort")).toBe("not tried within 2 s");
    expect(made.runs().some(({ pid }) => isAlive(pid))).toBe(false);
    expect(made.sessions().map(({ env }) => existsSync(env["HOME"] ?? ""))).toEqual([false, false]);
  });
});
