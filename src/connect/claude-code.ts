// Claude Code: variables in `env` of its settings.json, read at every start, and its status line where the user has none.

import { isAbsolute, join } from "node:path";
import {
  immovableRival,
  proxyRivals,
  rivalEdits,
  rivalsOf,
  rivalVariables,
  socketVariable,
  withoutRivals,
} from "./claude-rivals.ts";
import type { Client, Gateway, Surroundings } from "./client.ts";
import { contextOf, defaultModel } from "./offered-models.ts";

/** What makes Claude Code behave behind a gateway as it does in front of Anthropic's API. */
export function claudeVariables(gateway: Gateway): Readonly<Record<string, string>> {
  const { url, key, isBilledByKey } = gateway;
  return {
    ANTHROPIC_BASE_URL: url,
    // Off for any other base URL than Anthropic's: 60 tools then cost 25,000 tokens a session.
    ENABLE_TOOL_SEARCH: "true",
    CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY: "1",
    CLAUDE_CODE_GATEWAY_HINT_HEADERS: "1",
    // With a subscription it asks for the hour by itself; an API key pays more for writing it and less for reading it.
    ...(isBilledByKey ? { ENABLE_PROMPT_CACHING_1H: "1" } : {}),
    ...routedModels(gateway),
    // Last, so that what the journal keeps of its surroundings never holds it.
    ANTHROPIC_AUTH_TOKEN: key,
  };
}

/** It asks for Anthropic's models by name: where nobody serves them, each of them has to be `auto`, by the name that it accepts. */
function routedModels(gateway: Gateway): Readonly<Record<string, string>> {
  const ids = gateway.models.map(({ id }) => id);
  if (!ids.includes("auto") || ids.some((id) => /claude/i.test(id))) return {};
  const model = "claude-auto";
  return {
    ANTHROPIC_MODEL: model,
    ANTHROPIC_DEFAULT_OPUS_MODEL: model,
    ANTHROPIC_DEFAULT_SONNET_MODEL: model,
    ANTHROPIC_DEFAULT_HAIKU_MODEL: model,
    // It takes a name that it does not know for a window of a million tokens (2.1.332), and would compact too late.
    CLAUDE_CODE_MAX_CONTEXT_TOKENS: String(contextOf(defaultModel(gateway), gateway)),
  };
}

/** Each is preferred to the one before it, and `--settings` to all of them. */
function settingsFiles(around: Surroundings) {
  const project = join(around.workingDirectory, ".claude");
  return {
    user: join(claudeFolder(around), "settings.json"),
    // Shared with whoever works on the project.
    shared: join(project, "settings.json"),
    // The project's file that is not committed: it holds a key.
    local: join(project, "settings.local.json"),
  };
}

/** Rivals of the VS Code extension's variables as well: the program reads its settings after them. */
export const userRivals = (around: Surroundings): readonly string[] =>
  rivalsOf(around, [settingsFiles(around).user]);

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
    const { user, shared, local } = settingsFiles(around);
    const path = scope === "user" ? user : local;
    const rivals = rivalEdits(around, scope === "user" ? [] : [shared, user]);
    const variables = Object.entries(claudeVariables(gateway)).map(([name, value]) => ({
      path: ["env", name],
      value,
    }));
    const statusLine = {
      path: ["statusLine"],
      value: { type: "command", command: `${gateway.command} statusline` },
      isOptional: true,
    };
    return [{ path, format: "json", edits: [...rivals, ...variables, statusLine] }];
  },
  notes(around, scope, { url }) {
    const { user, shared, local } = settingsFiles(around);
    const immovable = immovableRival(around, [user, shared, local], url);
    return [
      ...(immovable === null ? [] : [immovable]),
      ...proxyRivals(around, user, url),
      ...rivalVariables
        .filter((name) => around.environment[name])
        .map((name) => `${name} is set in this terminal and may be preferred by Claude Code: unset it`),
      ...(scope === "user" ? rivalsOf(around, [local, shared]) : []),
    ];
  },
  rivals(around, scope, url) {
    const { user, shared, local } = settingsFiles(around);
    const immovable = immovableRival(around, [user, shared, local], url);
    return [
      ...(immovable === null ? [] : [immovable]),
      ...rivalsOf(around, scope === "user" ? [user] : [local, shared, user]),
      ...proxyRivals(around, user, url),
    ];
  },
  runProblem(around, args, url) {
    const own = args.find((arg) => /^--settings(?:=|$)/.test(arg));
    if (own !== undefined)
      return "`--settings` is what connects it for this once: put what is in yours into a settings file";
    const { user, shared, local } = settingsFiles(around);
    return immovableRival(around, [local, shared, user], url);
  },
  run(around, gateway, folder) {
    const { user, shared, local } = settingsFiles(around);
    const rivals = withoutRivals(around, [local, shared, user], new URL(gateway.url).hostname);
    const variables = claudeVariables(gateway);
    // Its settings files win over the variables that it is started with, and this one over them.
    const settings = { env: { ...rivals.variables, ...variables }, ...rivals.settings };
    const file = { name: "settings.json", text: JSON.stringify(settings) };
    return {
      args: ["--settings", join(folder, file.name)],
      variables,
      unset: [...rivalVariables, socketVariable],
      files: [file],
    };
  },
};
