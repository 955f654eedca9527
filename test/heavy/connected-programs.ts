// The real programs that `clawgate connect` is tried with: how each is installed, what a user's config looks like, how a turn without a
// terminal is started and which words make it call a tool. They never log in, and never leave loopback but to be installed.

import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ClientName, clientVersion } from "../../scripts/client-versions.ts";
import { codexProgram } from "./codex-program.ts";
import { installed, installedPython } from "./install.ts";

const platform = `${process.platform}-${process.arch}`;
const nodePackage = `node-${platform}@24.21.0`;

export type ConnectedProgram = {
  readonly id: string;
  readonly version: ClientName;
  /** Its name on PATH. */
  readonly name: string;
  /** The command without arguments. */
  install(): readonly string[];
  /** A user's files, by path below the home folder, as the program itself leaves them. */
  readonly files: Readonly<Record<string, string>>;
  /** What the user adds to one of them while it is connected. */
  readonly edit: { readonly path: string; change(text: string): string };
  /** `text`: one of `say` or `tool`. */
  arguments(text: string, work: string): readonly string[];
  /** Makes the model answer so that the program's tool shows or writes `the heron stands still`. */
  tool(work: string): string;
  readonly env?: Readonly<Record<string, string>>;
};

export const note = "the heron stands still";

/** The edit of a user: a line at the top. */
const remark = (sign: string) => (text: string) => `${sign} my own remark\n${text}`;

function nodeProgram(name: string, packages: readonly string[], script: string): readonly string[] {
  const folder = installed(name, [nodePackage, ...packages], join("node_modules", script));
  return [
    join(folder, "node_modules", `node-${platform}`, "bin", "node"),
    join(folder, "node_modules", script),
  ];
}

export const connectedPrograms: readonly ConnectedProgram[] = [
  {
    id: "codex",
    version: "codex",
    name: "codex",
    install: () => [codexProgram()],
    files: {
      ".codex/config.toml":
        '# mine\nmodel = "gpt-6" # the best\n\n[features]\napps = false\nplugins = false\n',
    },
    edit: { path: ".codex/config.toml", change: remark("#") },
    arguments: (text) => ["exec", "--skip-git-repo-check", "--sandbox", "danger-full-access", text],
    tool: () => '[[tool:exec_command {"cmd":"cat note.txt"}]]',
  },
  {
    id: "gemini-cli",
    version: "gemini",
    name: "gemini",
    install: () =>
      nodeProgram(
        "gemini-cli",
        [`@google/gemini-cli@${clientVersion("gemini")}`],
        "@google/gemini-cli/bundle/gemini.js",
      ),
    files: {
      ".gemini/settings.json": `{
  // mine
  "security": { "auth": { "selectedType": "oauth-personal" } },
  "privacy": { "usageStatisticsEnabled": false },
  "general": { "enableAutoUpdate": false, "maxAttempts": 1 }
}
`,
    },
    edit: {
      path: ".gemini/settings.json",
      change: (text) => text.replace('"maxAttempts": 1', '"maxAttempts": 2'),
    },
    arguments: (text) => ["--skip-trust", "--approval-mode", "yolo", "-p", text],
    tool: () => '[[tool:read_file {"file_path":"note.txt"}]]',
    env: { GEMINI_CLI_NO_RELAUNCH: "true" },
  },
  {
    id: "opencode",
    version: "opencode",
    name: "opencode",
    install() {
      const name = `opencode-${platform}`;
      const program = join("node_modules", name, "bin", "opencode");
      return [join(installed("opencode", [`${name}@${clientVersion("opencode")}`], program), program)];
    },
    files: {
      ".config/opencode/opencode.json": `{
  "$schema": "https://opencode.ai/config.json",
  "autoupdate": false, // mine
  "model": "other/one",
  "provider": {
    "other": { "npm": "@ai-sdk/openai-compatible", "options": { "baseURL": "http://127.0.0.1:9/v1" }, "models": { "one": {} } }
  }
}
`,
    },
    edit: {
      path: ".config/opencode/opencode.json",
      change: (text) => text.replace("// mine", "// mine, and mine"),
    },
    arguments: (text) => ["run", text],
    // A space would make it quote the whole text.
    tool: () => '[[tool:read\n{"filePath":"note.txt"}]]',
  },
  {
    id: "qwen-code",
    version: "qwen",
    name: "qwen",
    install: () =>
      nodeProgram(
        "qwen-code",
        [`@qwen-code/qwen-code@${clientVersion("qwen")}`],
        "@qwen-code/qwen-code/cli-entry.js",
      ),
    files: {
      // With the version that it writes at its first start.
      ".qwen/settings.json": `{
  "$version": 4,
  "general": { "disableAutoUpdate": true, "enableAutoUpdate": false },
  // mine
  "modelProviders": { "openai": [{ "id": "mine", "baseUrl": "http://127.0.0.1:9/v1", "envKey": "MY_KEY" }] },
  "model": { "name": "mine" }
}
`,
    },
    edit: { path: ".qwen/settings.json", change: (text) => text.replace("// mine", "// mine, and mine") },
    arguments: (text) => ["--approval-mode", "yolo", "-p", text],
    tool: (work) => `[[tool:read_file {"file_path":"${work}/note.txt"}]]`,
  },
  {
    id: "aider",
    version: "aider",
    name: "aider",
    install: () => [join(installedPython("aider-chat", clientVersion("aider"), "aider"), "bin", "aider")],
    files: {
      ".aider.conf.yml":
        "# mine\nmodel: gpt-5 # the best\nopenai-api-key: sk-mine\ncheck-update: false\nanalytics-disable: true\n",
      ".aider.model.settings.yml": "- name: openai/other\n  edit_format: whole\n",
    },
    edit: { path: ".aider.conf.yml", change: remark("#") },
    arguments: (text) => [
      "--no-git",
      "--yes-always",
      "--no-gui",
      "--no-pretty",
      "--message",
      text,
      "made.txt",
    ],
    tool: () => `[[say:made.txt\n\`\`\`\n<<<<<<< SEARCH\n=======\n${note}\n>>>>>>> REPLACE\n\`\`\`\n]]`,
  },
  {
    id: "continue",
    version: "continue",
    name: "cn",
    install: () =>
      nodeProgram(
        "continue",
        [`@continuedev/cli@${clientVersion("continue")}`],
        "@continuedev/cli/dist/cn.js",
      ),
    files: {
      ".continue/config.yaml": `# mine
name: My Config
version: 1.0.0
schema: v1
models:
  - name: Other # the best
    provider: openai
    model: other
    apiBase: http://127.0.0.1:9/v1
    apiKey: other
`,
    },
    edit: { path: ".continue/config.yaml", change: remark("#") },
    arguments: (text) => ["--auto", "-p", text],
    tool: (work) => `[[tool:Read {"filepath":"${work}/note.txt"}]]`,
    env: { CONTINUE_TELEMETRY_ENABLED: "0" },
  },
];

/** A folder with the program under its own name. */
export function programFolder({ name, install }: ConnectedProgram, folder: string): string {
  if (!existsSync(folder)) mkdirSync(folder, { recursive: true });
  const command = install();
  const quoted = command.map((word) => `'${word}'`).join(" ");
  writeFileSync(join(folder, name), `#!/bin/sh\nexec ${quoted} "$@"\n`);
  chmodSync(join(folder, name), 0o755);
  return folder;
}
