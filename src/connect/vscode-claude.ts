// Claude's extension of Visual Studio Code: its process gets variables from the editor's settings, not from a terminal.

import { join } from "node:path";
import { claudeVariables, userRivals } from "./claude-code.ts";
import type { Client, Surroundings } from "./client.ts";

/** The user's settings folder of the editor. */
function editorFolder({ environment, homeDirectory, platform }: Surroundings): string {
  if (platform === "darwin") return join(homeDirectory, "Library", "Application Support", "Code", "User");
  return join(environment["XDG_CONFIG_HOME"] || join(homeDirectory, ".config"), "Code", "User");
}

export const vscodeClaude: Client = {
  id: "vscode-claude",
  title: "Claude Code for VS Code",
  programs: [],
  scopes: ["user", "project"],
  found(around) {
    const folder = editorFolder(around);
    return around.exists(folder) ? folder : null;
  },
  files(around, scope, gateway) {
    const folder = scope === "user" ? editorFolder(around) : join(around.workingDirectory, ".vscode");
    const variables = Object.entries(claudeVariables(gateway)).map(([name, value]) => ({
      path: ["claudeCode.environmentVariables", { where: "name", is: name }],
      value: { name, value },
    }));
    // Its sign-in page does not look at the variables.
    const noLogin = { path: ["claudeCode.disableLoginPrompt"], value: true };
    return [{ path: join(folder, "settings.json"), format: "json", edits: [...variables, noLogin] }];
  },
  rivals: userRivals,
  notes: (around, scope) => [
    ...userRivals(around).map((each) => `${each}: \`clawgate connect claude-code\` takes it out of the way`),
    "Run `Developer: Reload Window` in the editor: the extension reads its settings when it starts",
    ...(scope === "project"
      ? ["`.vscode/settings.json` is usually committed: keep a key out of your repository"]
      : []),
  ],
};
