// Claude Code: variables in `env` of its settings.json, read at every start, and its status line where the user has none.

import { isAbsolute, join } from "node:path";
import type { Client, Gateway, OfferedModel, Surroundings } from "./client.ts";

/** What makes Claude Code behave behind a gateway as it does in front of Anthropic's API. */
export function claudeVariables({
  url,
  key,
  models,
  isBilledByKey,
}: Gateway): Readonly<Record<string, string>> {
  return {
    ANTHROPIC_BASE_URL: url,
    // Off for any other base URL than Anthropic's: 60 tools then cost 25,000 tokens a session.
    ENABLE_TOOL_SEARCH: "true",
    CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY: "1",
    CLAUDE_CODE_GATEWAY_HINT_HEADERS: "1",
    // With a subscription it asks for the hour by itself; an API key pays more for writing it and less for reading it.
    ...(isBilledByKey ? { ENABLE_PROMPT_CACHING_1H: "1" } : {}),
    ...routedModels(models),
    // Last, so that what the journal keeps of its surroundings never holds it.
    ANTHROPIC_AUTH_TOKEN: key,
  };
}

/** It asks for Anthropic's models by name: where nobody serves them, each of them has to be `auto`, by the name that it accepts. */
function routedModels(models: readonly OfferedModel[]): Readonly<Record<string, string>> {
  const ids = models.map(({ id }) => id);
  if (!ids.includes("auto") || ids.some((id) => /claude/i.test(id))) return {};
  const model = "claude-auto";
  return {
    ANTHROPIC_MODEL: model,
    ANTHROPIC_DEFAULT_OPUS_MODEL: model,
    ANTHROPIC_DEFAULT_SONNET_MODEL: model,
    ANTHROPIC_DEFAULT_HAIKU_MODEL: model,
  };
}

/** Each of them would be preferred to what is written. */
const claudeRivals = [
  "ANTHROPIC_API_KEY",
  "CLAUDE_CODE_USE_BEDROCK",
  "CLAUDE_CODE_USE_VERTEX",
  "CLAUDE_CODE_USE_FOUNDRY",
];

function claudeFolder({ environment, homeDirectory }: Surroundings): string {
  const own = environment["CLAUDE_CONFIG_DIR"];
  return own !== undefined && isAbsolute(own) ? own : join(homeDirectory, ".claude");
}

export const claudeCode: Client = {
  id: "claude-code",
  title: "Claude Code",
  programs: ["claude"],
  scopes: ["user", "project"],
  found(around) {
    // Where its own installer puts it.
    return (
      [
        join(around.homeDirectory, ".local", "bin", "claude"),
        join(claudeFolder(around), "local", "claude"),
      ].find(around.exists) ?? null
    );
  },
  files(around, scope, gateway) {
    // settings.local.json is the project's file that is not committed: it holds a key.
    const path =
      scope === "user"
        ? join(claudeFolder(around), "settings.json")
        : join(around.workingDirectory, ".claude", "settings.local.json");
    const variables = Object.entries(claudeVariables(gateway)).map(([name, value]) => ({
      path: ["env", name],
      value,
    }));
    const statusLine = {
      path: ["statusLine"],
      value: { type: "command", command: `${gateway.command} statusline` },
      isOptional: true,
    };
    return [{ path, format: "json", edits: [...variables, statusLine] }];
  },
  notes({ environment }) {
    return claudeRivals
      .filter((name) => environment[name])
      .map((name) => `${name} is set in this terminal and may be preferred by Claude Code: unset it`);
  },
  run(_around, gateway, folder) {
    const variables = claudeVariables(gateway);
    // Its settings files win over the variables that it is started with, and this one over them.
    const file = { name: "settings.json", text: JSON.stringify({ env: variables }) };
    return { args: ["--settings", join(folder, file.name)], variables, unset: claudeRivals, files: [file] };
  },
};
