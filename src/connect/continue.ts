// Continue, in the editor and as `cn`: a model in config.yaml, the first one, which is the one that `cn` takes.

import { isAbsolute, join } from "node:path";
import type { Client, Gateway, Surroundings } from "./client.ts";
import { contextOf, defaultModel, outputOf } from "./offered-models.ts";

const name = "ClawGate";

function entry(gateway: Gateway) {
  const model = defaultModel(gateway);
  return {
    name,
    provider: "openai",
    model: model.id,
    apiBase: `${gateway.url}/v1`,
    apiKey: gateway.key,
    roles: ["chat", "edit", "apply"],
    capabilities: ["tool_use", "image_input"],
    defaultCompletionOptions: {
      contextLength: contextOf(model, gateway),
      maxTokens: outputOf(model, gateway),
    },
  };
}

const head = { name: "Local Config", version: "1.0.0", schema: "v1" };

function continueFolder({ environment, homeDirectory }: Surroundings): string {
  const own = environment["CONTINUE_GLOBAL_DIR"];
  return own !== undefined && isAbsolute(own) ? own : join(homeDirectory, ".continue");
}

/** With a config of the older form only: a config.yaml would hide it. */
const isOldForm = (around: Surroundings): boolean => {
  const folder = continueFolder(around);
  return around.exists(join(folder, "config.json")) && !around.exists(join(folder, "config.yaml"));
};

export const continueDev: Client = {
  id: "continue",
  title: "Continue",
  programs: ["cn"],
  scopes: ["user"],
  found(around) {
    const folder = continueFolder(around);
    return around.exists(folder) ? folder : null;
  },
  files(around, _scope, gateway) {
    const folder = continueFolder(around);
    const { name: title, provider, model, apiBase, apiKey, defaultCompletionOptions } = entry(gateway);
    if (isOldForm(around))
      return [
        {
          path: join(folder, "config.json"),
          format: "json",
          edits: [
            {
              path: ["models", { where: "title", is: name }],
              value: {
                title,
                provider,
                model,
                apiBase,
                apiKey,
                contextLength: defaultCompletionOptions.contextLength,
              },
            },
          ],
        },
      ];
    return [
      {
        path: join(folder, "config.yaml"),
        format: "yaml",
        edits: [
          ...Object.entries(head).map(([key, value]) => ({ path: [key], value, isOptional: true })),
          { path: ["models", { where: "name", is: name, isFirst: true }], value: entry(gateway) },
        ],
      },
    ];
  },
  notes: (around) => [
    "In the editor, choose the model ClawGate in Continue's list of models",
    ...(isOldForm(around) ? ["`cn` reads config.yaml only, and there is a config.json"] : []),
  ],
  run: (_around, gateway, folder) => ({
    args: ["--config", join(folder, "config.yaml")],
    variables: {},
    // JSON is YAML.
    files: [{ name: "config.yaml", text: JSON.stringify({ ...head, models: [entry(gateway)] }) }],
  }),
};
