// aider: a model of its own with address and key in its model settings, so that the user's own keys stay as they are.

import { join } from "node:path";
import type { Client, Gateway } from "./client.ts";
import { contextOf, defaultModel, outputOf } from "./offered-models.ts";

// LiteLLM's word for a server that speaks OpenAI's format. With `openai/` aider would ask for OpenAI's key.
const kind = "litellm_proxy";
const modelName = (gateway: Gateway): string => `${kind}/${defaultModel(gateway).id}`;

const modelSettings = (gateway: Gateway) => ({
  name: modelName(gateway),
  edit_format: "diff",
  use_repo_map: true,
  extra_params: { api_base: `${gateway.url}/v1`, api_key: gateway.key },
});

function metadata(gateway: Gateway) {
  const model = defaultModel(gateway);
  return {
    max_input_tokens: contextOf(model, gateway),
    max_output_tokens: outputOf(model, gateway),
    litellm_provider: kind,
    mode: "chat",
  };
}

export const aider: Client = {
  id: "aider",
  title: "aider",
  programs: ["aider"],
  scopes: ["user", "project"],
  files({ homeDirectory, workingDirectory }, scope, gateway) {
    const folder = scope === "user" ? homeDirectory : workingDirectory;
    const name = modelName(gateway);
    return [
      {
        path: join(folder, ".aider.model.settings.yml"),
        format: "yaml",
        edits: [{ path: [{ where: "name", is: name }], value: modelSettings(gateway) }],
      },
      {
        path: join(folder, ".aider.model.metadata.json"),
        format: "json",
        edits: [{ path: [name], value: metadata(gateway) }],
      },
      { path: join(folder, ".aider.conf.yml"), format: "yaml", edits: [{ path: ["model"], value: name }] },
    ];
  },
  notes: ({ environment }, scope) => [
    ...(environment["AIDER_MODEL"]
      ? ["AIDER_MODEL is set in this terminal and is preferred by aider: unset it"]
      : []),
    ...(scope === "project"
      ? ["`.aider.model.settings.yml` holds the key: keep it out of your repository"]
      : []),
  ],
  run: (_around, gateway, folder) => ({
    args: [],
    variables: {
      AIDER_MODEL: modelName(gateway),
      AIDER_MODEL_SETTINGS_FILE: join(folder, "settings.yml"),
      AIDER_MODEL_METADATA_FILE: join(folder, "metadata.json"),
    },
    files: [
      // JSON is YAML.
      { name: "settings.yml", text: JSON.stringify([modelSettings(gateway)]) },
      { name: "metadata.json", text: JSON.stringify({ [modelName(gateway)]: metadata(gateway) }) },
    ],
  }),
};
