// opencode: a provider of its own with the gateway's models.

import { join } from "node:path";
import type { Client, Gateway, Surroundings } from "./client.ts";
import { contextOf, defaultModel, listedModels, outputOf } from "./offered-models.ts";

const id = "clawgate";

function provider(gateway: Gateway) {
  const models = listedModels(gateway).map((model) => [
    model.id,
    {
      name: model.name,
      attachment: true,
      modalities: { input: ["text", "image"], output: ["text"] },
      limit: { context: contextOf(model, gateway), output: outputOf(model, gateway) },
    },
  ]);
  return {
    npm: "@ai-sdk/openai-compatible",
    name: "ClawGate",
    options: { baseURL: `${gateway.url}/v1`, apiKey: gateway.key },
    models: Object.fromEntries(models) as Readonly<Record<string, unknown>>,
  };
}

const schema = "https://opencode.ai/config.json";
const modelName = (gateway: Gateway): string => `${id}/${defaultModel(gateway).id}`;

/** It reads all of them, a later name over an earlier one. */
const names = ["opencode.jsonc", "opencode.json", "config.json"];

function configPath(around: Surroundings, scope: "user" | "project"): string {
  const { environment, homeDirectory, workingDirectory } = around;
  const named = environment["OPENCODE_CONFIG"];
  if (scope === "user" && named) return named;
  const folder =
    scope === "project"
      ? workingDirectory
      : join(environment["XDG_CONFIG_HOME"] || join(homeDirectory, ".config"), "opencode");
  const known = scope === "project" ? names.slice(0, 2) : names;
  const found = known.map((name) => join(folder, name)).find((path) => around.exists(path));
  return found ?? join(folder, "opencode.json");
}

export const opencode: Client = {
  id: "opencode",
  title: "opencode",
  programs: ["opencode"],
  scopes: ["user", "project"],
  found(around) {
    // Where its own installer puts it.
    const path = join(around.homeDirectory, ".opencode", "bin", "opencode");
    return around.exists(path) ? path : null;
  },
  files: (around, scope, gateway) => [
    {
      path: configPath(around, scope),
      format: "json",
      edits: [
        // opencode writes it itself at its next start, and would be taken for a user's change.
        { path: ["$schema"], value: schema, isOptional: true },
        { path: ["provider", id], value: provider(gateway) },
        { path: ["model"], value: modelName(gateway) },
      ],
    },
  ],
  notes: (_around, scope) =>
    scope === "project" ? ["`opencode.json` is usually committed: keep a key out of your repository"] : [],
  check: {
    args: ["--pure", "debug", "config"],
    problemIn: ({ code, stdout, stderr }) =>
      code === 0 && stdout.includes(`"${id}/`)
        ? null
        : stderr.trim() || "it does not use the gateway's provider",
  },
  run: (_around, gateway) => ({
    args: [],
    variables: {
      OPENCODE_CONFIG_CONTENT: JSON.stringify({
        model: modelName(gateway),
        provider: { [id]: provider(gateway) },
      }),
    },
  }),
};
