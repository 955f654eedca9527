// Qwen Code: an entry in its list of models, whose key is a variable in the same file.

import { isAbsolute, join } from "node:path";
import type { Client, Gateway, Surroundings } from "./client.ts";
import { contextOf, defaultModel } from "./offered-models.ts";

const keyVariable = "CLAWGATE_API_KEY";

function entry(gateway: Gateway) {
  const model = defaultModel(gateway);
  return {
    id: model.id,
    name: `ClawGate: ${model.name}`,
    baseUrl: `${gateway.url}/v1`,
    envKey: keyVariable,
    generationConfig: { contextWindowSize: contextOf(model, gateway) },
  };
}

function qwenFolder(
  { environment, homeDirectory, workingDirectory }: Surroundings,
  scope: "user" | "project",
): string {
  if (scope === "project") return join(workingDirectory, ".qwen");
  const own = environment["QWEN_HOME"];
  return own !== undefined && isAbsolute(own) ? own : join(homeDirectory, ".qwen");
}

export const qwenCode: Client = {
  id: "qwen-code",
  title: "Qwen Code",
  programs: ["qwen"],
  scopes: ["user", "project"],
  files(around, scope, gateway) {
    const own = entry(gateway);
    return [
      {
        path: join(qwenFolder(around, scope), "settings.json"),
        format: "json",
        edits: [
          { path: ["modelProviders", "openai", { where: "id", is: own.id }], value: own },
          { path: ["env", keyVariable], value: gateway.key },
          { path: ["security", "auth", "selectedType"], value: "openai" },
          { path: ["model", "name"], value: own.id },
        ],
      },
    ];
  },
  notes: ({ environment }, scope) => [
    ...(environment[keyVariable]
      ? [`${keyVariable} is set in this terminal and is preferred by Qwen Code: unset it`]
      : []),
    ...(scope === "project" ? ["`.qwen/settings.json` holds the key: keep it out of your repository"] : []),
  ],
  run(_around, gateway, folder) {
    const own = entry(gateway);
    const settings = {
      modelProviders: { openai: [own] },
      security: { auth: { selectedType: "openai" } },
      model: { name: own.id },
    };
    return {
      args: [],
      // The settings of the machine are preferred to the user's.
      variables: {
        QWEN_CODE_SYSTEM_SETTINGS_PATH: join(folder, "settings.json"),
        [keyVariable]: gateway.key,
      },
      files: [{ name: "settings.json", text: JSON.stringify(settings) }],
    };
  },
};
