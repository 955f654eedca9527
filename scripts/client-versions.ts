// The real clients of test/heavy: the version that is pinned, the variable that puts another one in its place, and whose tests
// are run again with the newest. It must never decide what a test expects: what differs by version is said in test/heavy.

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
      "claude-jail",
      "claude-tenants",
      "claude-tool-search",
      "doctor",
    ],
  },
  codex: {
    package: "@openai/codex",
    pinned: "0.169.0",
    variable: "CODEX_VERSION",
    files: ["codex", "codex-websocket"],
  },
  gemini: {
    package: "@google/gemini-cli",
    pinned: "0.61.0",
    variable: "GEMINI_CLI_VERSION",
    files: ["gemini-cli"],
  },
  openclaw: {
    package: "openclaw",
    pinned: "2026.9.6",
    variable: "OPENCLAW_VERSION",
    files: ["openclaw", "openclaw-setup"],
  },
} as const;

export type ClientName = keyof typeof clientVersions;

/** The version that the tests of this run take. */
export function clientVersion(name: ClientName): string {
  const { pinned, variable } = clientVersions[name];
  return process.env[variable] || pinned;
}
