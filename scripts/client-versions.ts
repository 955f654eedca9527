// The real clients of test/heavy: the pinned version, the variable that replaces it, and whether its tests are run again with the
// newest. It must never decide what a test expects: differences between versions belong to test/heavy.

export const clientVersions = {
  claude: {
    package: "@anthropic-ai/claude-code",
    pinned: "2.1.197",
    variable: "CLAUDE_VERSION",
    files: [
      "claude-backend",
      "claude-backend-clients",
      "claude-code",
      "claude-environment",
      "claude-gateway",
      "claude-jail",
      "claude-tenants",
      "connect-claude",
      "doctor",
      "tool-search",
    ],
  },
  codex: {
    package: "@openai/codex",
    pinned: "0.169.0",
    variable: "CODEX_VERSION",
    files: ["codex", "codex-compaction", "codex-websocket", "connect"],
  },
  openai: {
    package: "openai",
    pinned: "7.55.0",
    variable: "OPENAI_SDK_VERSION",
    files: ["responses-sdk"],
  },
  gemini: {
    package: "@google/gemini-cli",
    pinned: "0.61.0",
    variable: "GEMINI_CLI_VERSION",
    files: ["gemini-cli", "connect"],
  },
  opencode: {
    package: "opencode-ai",
    pinned: "1.18.33",
    variable: "OPENCODE_VERSION",
    files: ["connect"],
  },
  qwen: {
    package: "@qwen-code/qwen-code",
    pinned: "0.24.4",
    variable: "QWEN_CODE_VERSION",
    files: ["connect"],
  },
  continue: {
    package: "@continuedev/cli",
    pinned: "1.5.47",
    variable: "CONTINUE_CLI_VERSION",
    files: ["connect"],
  },
  aider: {
    // On PyPI.
    package: "aider-chat",
    pinned: "0.86.2",
    variable: "AIDER_CHAT_VERSION",
    files: ["connect"],
    isPython: true,
  },
  openclaw: {
    package: "openclaw",
    pinned: "2026.9.6",
    variable: "OPENCLAW_VERSION",
    files: ["openclaw", "openclaw-clawrouter", "openclaw-setup"],
  },
} as const;

export type ClientName = keyof typeof clientVersions;

/** The client's version in this run of the tests. */
export function clientVersion(name: ClientName): string {
  const { pinned, variable } = clientVersions[name];
  return process.env[variable] || pinned;
}
