// Zed: a provider of its own in settings.json. Zed keeps keys in the system's key ring, so the key goes by a header.

import { join } from "node:path";
import type { Client, Gateway, Surroundings } from "./client.ts";
import { keyWord } from "./client.ts";
import { contextOf, defaultModel, listedModels, outputOf } from "./offered-models.ts";

const provider = "ClawGate";

function settings(gateway: Gateway) {
  const models = listedModels(gateway).map((model) => ({
    name: model.id,
    display_name: model.name,
    max_tokens: contextOf(model, gateway),
    max_output_tokens: outputOf(model, gateway),
    capabilities: { tools: true, images: true, parallel_tool_calls: true, prompt_cache_key: true },
  }));
  return {
    api_url: `${gateway.url}/v1`,
    available_models: models,
    custom_headers: { "x-clawgate-key": gateway.key },
  };
}

/** The same on Linux and macOS. */
const zedFolder = ({ environment, homeDirectory, platform }: Surroundings): string =>
  join((platform === "linux" && environment["XDG_CONFIG_HOME"]) || join(homeDirectory, ".config"), "zed");

export const zed: Client = {
  id: "zed",
  title: "Zed",
  programs: ["zed", "zeditor"],
  // A project's settings may not choose where requests go.
  scopes: ["user"],
  found(around) {
    const places = [zedFolder(around), "/Applications/Zed.app"];
    return places.find((path) => around.exists(path)) ?? null;
  },
  files: (around, _scope, gateway) => [
    {
      path: join(zedFolder(around), "settings.json"),
      format: "json",
      edits: [
        { path: ["language_models", "openai_compatible", provider], value: settings(gateway) },
        { path: ["agent", "default_model"], value: { provider, model: defaultModel(gateway).id } },
      ],
    },
  ],
  notes: () => [
    `Zed asks for a key of the provider ${provider} (Settings, AI, LLM Providers): give it the word ${keyWord("zed")}; the key itself is in the settings`,
  ],
};
