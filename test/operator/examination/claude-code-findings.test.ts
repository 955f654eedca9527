import { expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { claudeCodeFindings } from "../../../src/operator/examination/claude-code-findings.ts";
import type { Finding } from "../../../src/operator/examination/finding.ts";
import type { BackendName } from "../../../src/backends/settings.ts";
import { loadConfig, type LoadedConfig } from "../../../src/config/load.ts";
import { type Faults, type ScriptedClaude, scriptedClaude } from "../../support/claude.ts";
import { cleanupsAfterEach } from "../../support/cleanups.ts";

const cleanups = cleanupsAfterEach();
const newClaude = (faults: Faults = {}): ScriptedClaude => {
  const made = scriptedClaude(faults);
  cleanups.push(made.remove);
  return made;
};

function loadedFrom(config: object): LoadedConfig {
  const backends: BackendName[] = ["claude-cli", "openai-compat", "demo"];
  return loadConfig({
    argvConfigPath: "/config.yaml",
    environment: {},
    workingDirectory: "/",
    homeDirectory: "/nonexistent",
    readFile: (path) => (path === "/config.yaml" ? JSON.stringify(config) : null),
    availableBackends: new Set(backends),
  });
}

function examine(made: ScriptedClaude, config: object | null, isQuick = false): Promise<readonly Finding[]> {
  return claudeCodeFindings({
    loaded: config === null ? null : loadedFrom(config),
    environment: {
      HOME: made.dir,
      PATH: "/usr/bin:/bin",
      CLAUDE_BIN: config === null ? made.bin : undefined,
    },
    homeDirectory: made.dir,
    workingDirectory: made.dir,
    isQuick,
    onProgress: () => undefined,
    signal: new AbortController().signal,
  });
}
const stateOf = (findings: readonly Finding[], id: string): Finding["state"] | undefined =>
  findings.find((each) => each.id === id)?.state;

test("a provider's program that lacks what is essential is a failure, what has a way round a warning", async () => {
  const made = newClaude({ misbehaves: ["expands-paths", "keeps-prefix"] });
  const findings = await examine(made, { providers: { mine: { backend: "claude-cli", bin: made.bin } } });
  expect(stateOf(findings, "mine.file-references")).toBe("failed");
  expect(stateOf(findings, "mine.tool-names")).toBe("warning");
  expect(stateOf(findings, "mine.history")).toBe("ok");
  const memory = findings.find((each) => each.section === "memory");
  expect(memory?.detail).toContain("mine keeps up to 3 warm and runs up to 3 at a time");
});

test("a provider's program that is not there", async () => {
  const made = newClaude();
  const bin = join(made.dir, "no-such-program");
  const [finding, ...rest] = await examine(made, { providers: { mine: { backend: "claude-cli", bin } } });
  expect(finding).toMatchObject({
    state: "failed",
    id: "mine.program",
    advice: expect.stringContaining("install it"),
  });
  expect(rest).toEqual([]);
});

test("the login is asked with the provider's own folder and variables; two providers of one program are one", async () => {
  const made = newClaude();
  const own = {
    backend: "claude-cli",
    bin: made.bin,
    config_dir: join(made.dir, "login"),
    env: { MARK: "one" },
  };
  const other = { ...own, env: { MARK: "two" } };
  const findings = await examine(made, { providers: { a: own, same: own, b: other } }, true);
  const asked = made.runs().filter(({ argv }) => argv[0] === "auth");
  expect(asked.map(({ env }) => [env["CLAUDE_CONFIG_DIR"], env["MARK"]])).toEqual([
    [join(made.dir, "login"), "one"],
    [join(made.dir, "login"), "two"],
  ]);
  expect(findings.filter((each) => each.id.endsWith(".version")).map(({ id }) => id)).toEqual([
    "a.version",
    "b.version",
  ]);
});

test("a config that is wrong: the program is looked for in the usual place", async () => {
  const made = newClaude();
  const findings = await examine(made, null, true);
  expect(stateOf(findings, "program")).toBe("ok");
  expect(made.runs().find(({ argv }) => argv[0] === "auth")?.env).not.toHaveProperty("CLAUDE_CONFIG_DIR");
});

test("a tenant that is a user whom this machine does not know, or whom we may not be, is a failure", async () => {
  const made = newClaude();
  const findings = await examine(
    made,
    {
      providers: { mine: { backend: "claude-cli", bin: made.bin } },
      tenants: [{ name: "alice", api_key: "alice-key-0123456789", uid: "no-such-user-here" }],
    },
    true,
  );
  const found = findings.find(({ id }) => id === "mine.user.alice");
  expect([found?.state, found?.detail]).toEqual(["failed", expect.stringContaining("has no such user")]);
});

test.if(process.getuid?.() === 0)("a tenant's user without a home of its own is a failure", async () => {
  const made = newClaude();
  chmodSync(made.dir, 0o755);
  const findings = await examine(
    made,
    {
      providers: { mine: { backend: "claude-cli", bin: made.bin } },
      tenants: [{ name: "alice", api_key: "alice-key-0123456789", uid: "daemon" }],
    },
    true,
  );
  expect(findings.find(({ id }) => id === "mine.user.alice")).toMatchObject({
    state: "failed",
    detail: expect.stringMatching(/user daemon cannot make \S+clawgate\S+, where its programs work/),
    advice: expect.stringContaining("a home that exists"),
  });
});
