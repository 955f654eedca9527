import { describe, expect, test } from "bun:test";
import { type LaunchOptions, launchOf } from "../../../src/backends/claude-code/launch.ts";
import type { Workspace } from "../../../src/backends/claude-code/workspace.ts";
import { Failure } from "../../../src/canon/failure.ts";

const workspace: Workspace = {
  tenant: null,
  bin: "/opt/claude",
  home: "/home/me",
  configDir: "/state/config",
  workingDir: "/state/work",
  env: {},
  pluginDirs: [],
  addDirs: [],
  permissionMode: null,
  jail: null,
};

type Changes = Omit<Partial<LaunchOptions>, "workspace"> & { readonly workspace?: Partial<Workspace> };
const launch = (changes: Changes = {}) =>
  launchOf({
    model: "claude-opus-4-8",
    thinking: "default",
    serverTools: "none",
    environment: {},
    gatewayId: "g1",
    ...changes,
    workspace: { ...workspace, ...changes.workspace },
  });

/** The words that follow a flag, up to the next one. */
function after(argv: readonly string[], flag: string): string[] | null {
  const at = argv.indexOf(flag);
  if (at < 0) return null;
  const end = argv.findIndex((each, i) => i > at && each.startsWith("--"));
  return argv.slice(at + 1, end < 0 ? undefined : end);
}

describe("where it runs", () => {
  const own = { ANTHROPIC_API_KEY: "k" };
  const isPlain = (changes: Changes) => launch(changes).env["CLAUDE_CODE_SIMPLE"] === "1";

  test("is kept from the vendor where a key pays and nothing of the program's own is used", () => {
    expect(isPlain({ workspace: { env: own } })).toBe(true);
    const others: readonly Changes[] = [
      {},
      { workspace: { env: { ANTHROPIC_API_KEY: "" } } },
      // What the gateway itself was given is not for the program.
      { environment: own },
      { workspace: { env: { CLAUDE_CODE_OAUTH_TOKEN: "t" } } },
      { workspace: { env: { ANTHROPIC_AUTH_TOKEN: "t" } } },
      ...["CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_USE_BEDROCK"].map((name) => ({
        workspace: { env: { ...own, [name]: "1" } },
      })),
      { workspace: { env: own, pluginDirs: ["/skills"] } },
      { workspace: { env: own }, mcp: { configPath: "/m.json", servers: [], areElsewhere: false } },
      { workspace: { env: own }, serverTools: ["Read"] },
      { workspace: { env: own }, serverTools: "default" },
    ];
    for (const changes of others) expect([changes, isPlain(changes)]).toEqual([changes, false]);
  });

  test("the operator's own value wins", () => {
    const env = { ...own, CLAUDE_CODE_SIMPLE: "0" };
    expect(launch({ workspace: { env } }).env["CLAUDE_CODE_SIMPLE"]).toBe("0");
  });

  test("is a folder without a name while nothing runs there, and else the tenant's", () => {
    const workspaceOf = (more: Partial<Workspace> = {}) => ({
      workspace: { neutralDir: "/tmp/work-1/1", ...more },
    });
    expect(launch(workspaceOf()).cwd).toBe("/tmp/work-1/1");
    expect(launch(workspaceOf({ pluginDirs: ["/skills"] })).cwd).toBe("/tmp/work-1/1");
    expect(launch(workspaceOf({ neutralDir: null })).cwd).toBe("/state/work");
    const mcp = { configPath: "/m.json", servers: [], areElsewhere: true };
    expect(launch({ ...workspaceOf({ env: own }), mcp }).cwd).toBe("/tmp/work-1/1");
    expect(launch({ ...workspaceOf({ env: own }), mcp }).env["CLAUDE_CODE_SIMPLE"]).toBeUndefined();
    expect(launch({ ...workspaceOf(), serverTools: ["Read"] }).cwd).toBe("/state/work");
    expect(
      launch({ ...workspaceOf(), mcp: { configPath: "/m.json", servers: [], areElsewhere: false } }).cwd,
    ).toBe("/state/work");
  });
});

describe("arguments", () => {
  test("everything is off that is not named", () => {
    expect(launch().argv).toEqual([
      "-p",
      "--input-format",
      "stream-json",
      "--output-format",
      "stream-json",
      "--verbose",
      "--include-partial-messages",
      "--tools",
      "",
      "--strict-mcp-config",
      "--setting-sources",
      "",
      "--no-session-persistence",
      "--disable-slash-commands",
      "--allowedTools",
      "mcp__client",
      "--model",
      "claude-opus-4-8",
      "--thinking-display",
      "summarized",
    ]);
    expect(launch()).toMatchObject({
      bin: "/opt/claude",
      cwd: "/state/work",
      jail: null,
      program: "Claude Code program",
    });
  });

  test("thinking off, effort, MCP servers", () => {
    const { argv } = launch({
      thinking: "off",
      effort: "low",
      mcp: { configPath: "/state/mcp.json", servers: ["files", "web"], areElsewhere: false },
    });
    expect(after(argv, "--thinking")).toEqual(["disabled"]);
    expect(argv).not.toContain("--thinking-display");
    expect(after(argv, "--effort")).toEqual(["low"]);
    expect(after(argv, "--mcp-config")).toEqual(["/state/mcp.json"]);
    expect(after(argv, "--allowedTools")).toEqual(["mcp__client", "mcp__files", "mcp__web"]);
  });

  test("a list of tools is shown and granted, a narrowed one as it is narrowed", () => {
    const { argv } = launch({
      serverTools: ["Read", "Bash(git *)", "Bash(ls)"],
      workspace: { permissionMode: "acceptEdits", addDirs: ["/a", "/b"] },
    });
    expect(after(argv, "--tools")).toEqual(["Read,Bash"]);
    expect(after(argv, "--allowedTools")).toEqual(["mcp__client", "Read", "Bash(git *)", "Bash(ls)"]);
    expect(after(argv, "--permission-mode")).toEqual(["acceptEdits"]);
    expect(after(argv, "--add-dir")).toEqual(["/a", "/b"]);
  });

  test("all of its own tools: what runs is the permission mode's business", () => {
    const { argv } = launch({ serverTools: "default" });
    expect(after(argv, "--tools")).toEqual(["default"]);
    expect(after(argv, "--allowedTools")).toEqual(["mcp__client"]);
    expect(argv).not.toContain("--permission-mode");
  });

  test("without its own tools there is neither mode nor folder", () => {
    const { argv } = launch({ workspace: { permissionMode: "acceptEdits", addDirs: ["/a"] } });
    expect(argv).not.toContain("--permission-mode");
    expect(argv).not.toContain("--add-dir");
  });

  test("skills need the Skill tool and slash commands", () => {
    const skills = { pluginDirs: ["/skills/a", "/skills/b"] };
    const { argv, env } = launch({ workspace: skills });
    expect(after(argv, "--tools")).toEqual(["Skill"]);
    expect(after(argv, "--allowedTools")).toEqual(["mcp__client", "Skill"]);
    expect(argv.filter((each) => each === "--plugin-dir")).toHaveLength(2);
    expect(argv).not.toContain("--disable-slash-commands");
    expect(env["CLAUDE_CODE_DISABLE_BUNDLED_SKILLS"]).toBe("1");
    expect(after(launch({ workspace: skills, serverTools: ["Read"] }).argv, "--tools")).toEqual([
      "Read,Skill",
    ]);
    expect(after(launch({ workspace: skills, serverTools: "default" }).argv, "--tools")).toEqual(["default"]);
  });

  test("no word that comes from outside can be a flag", () => {
    for (const model of ["--settings=/x", "-p", "", "a b", "a\nb", `a${"b".repeat(300)}`])
      expect(() => launch({ model })).toThrow(Failure);
    for (const model of ["opus", "claude-opus-4-8[1m]", "us.anthropic.claude-x-v1:0", "arn:aws:bedrock:x/y"])
      expect(after(launch({ model }).argv, "--model")).toEqual([model]);
    expect(() => launch({ effort: "--x" })).toThrow();
    expect(() => launch({ serverTools: ["--x"] })).toThrow();
    expect(() => launch({ serverTools: ["Bash(a) --x"] })).toThrow();
    expect(() => launch({ mcp: { configPath: "/x", servers: ["-x"], areElsewhere: false } })).toThrow();
  });

  test("only the modes in which the program still asks are to be had", () => {
    for (const permissionMode of ["everything", "", "--x", "Plan"])
      expect(() => launch({ serverTools: "default", workspace: { permissionMode } })).toThrow(
        "permission mode",
      );
    for (const permissionMode of ["acceptEdits", "default", "dontAsk", "plan", "auto"])
      expect(
        after(launch({ serverTools: "default", workspace: { permissionMode } }).argv, "--permission-mode"),
      ).toEqual([permissionMode]);
  });
});

describe("environment", () => {
  const switches = {
    CLAUDE_CODE_DISABLE_ATTACHMENTS: "1",
    CLAUDE_AGENT_SDK_MCP_NO_PREFIX: "1",
    ENABLE_TOOL_SEARCH: "false",
    MAX_MCP_OUTPUT_TOKENS: "10000000",
    CLAUDE_CODE_MAX_RETRIES: "1",
    CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK: "1",
    DISABLE_TELEMETRY: "1",
    DISABLE_ERROR_REPORTING: "1",
    DISABLE_AUTOUPDATER: "1",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    CLAUDE_CODE_DISABLE_CLAUDE_MDS: "1",
    CLAUDE_CODE_DISABLE_AUTO_MEMORY: "1",
  };
  const places = { HOME: "/home/me", CLAUDE_CONFIG_DIR: "/state/config", CLAWGATE_CHILD: "g1" };

  test("of the gateway's own variables few pass, and no key", () => {
    const passed = {
      PATH: "/bin",
      LANG: "C.UTF-8",
      TZ: "UTC",
      TMPDIR: "/tmp",
      HTTPS_PROXY: "http://proxy",
      HTTP_PROXY: "http://proxy",
      NO_PROXY: "localhost",
      https_proxy: "http://proxy",
      SSL_CERT_FILE: "/ca.pem",
      NODE_EXTRA_CA_CERTS: "/ca.pem",
    };
    const kept = {
      HOME: "/root",
      CLAUDE_CONFIG_DIR: "/elsewhere",
      ANTHROPIC_API_KEY: "k",
      ANTHROPIC_AUTH_TOKEN: "k",
      ANTHROPIC_BASE_URL: "http://x",
      CLAUDE_CODE_OAUTH_TOKEN: "k",
      OPENAI_API_KEY: "k",
      CLAUDECODE: "1",
      CLAUDE_CODE_SESSION_ID: "s",
      LD_PRELOAD: "x",
      NODE_OPTIONS: "x",
      BUN_OPTIONS: "x",
      CLAWGATE_STATE_DIR: "/s",
      GONE: undefined,
    };
    expect(launch({ environment: { ...passed, ...kept } }).env).toEqual({
      ...passed,
      ...switches,
      ...places,
    });
  });

  test("what the operator wrote passes, but for what loads code or unsettles the program", () => {
    const written = { ANTHROPIC_API_KEY: "k", ANTHROPIC_BASE_URL: "http://x", CLAUDE_CODE_MAX_RETRIES: "3" };
    const refused = {
      PATH: "/evil",
      LD_PRELOAD: "e",
      DYLD_INSERT_LIBRARIES: "e",
      NODE_OPTIONS: "e",
      BUN_X: "e",
      CLAUDECODE: "1",
      CLAUDE_CODE_ATTRIBUTION_HEADER: "0",
      CLAUDE_CODE_DISABLE_ATTACHMENTS: "0",
      CLAWGATE_CHILD: "another",
      HOME: "/another",
    };
    const plain = { CLAUDE_CODE_SIMPLE: "1", CLAUDE_CODE_MODEL_CAPABILITIES: "-per_turn_effort" };
    expect(
      launch({ environment: { PATH: "/bin" }, workspace: { env: { ...written, ...refused } } }).env,
    ).toEqual({ PATH: "/bin", ...switches, ...plain, ...written, ...places });
  });

  test("a configuration folder of the program's own choice is left to it", () => {
    expect(launch({ workspace: { isConfigDirImplied: true } }).env).not.toContainKey("CLAUDE_CONFIG_DIR");
  });
});
