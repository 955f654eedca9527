// Codex: a provider of its own in config.toml, and a list of models, without which Codex warns and takes a wrong window for granted.

import { isAbsolute, join } from "node:path";
import type { Client, Gateway, OfferedModel, Surroundings } from "./client.ts";
import { contextOf, defaultModel, listedModels } from "./offered-models.ts";

const id = "clawgate";
const listName = "clawgate-models.json";
/** Each carries a system prompt of 20 kB. */
const mostModels = 12;

function codexFolder({ environment, homeDirectory }: Surroundings): string {
  const own = environment["CODEX_HOME"];
  return own !== undefined && isAbsolute(own) ? own : join(homeDirectory, ".codex");
}

const provider = ({ url, key }: Gateway) => ({
  name: "ClawGate",
  base_url: `${url}/v1`,
  wire_api: "responses",
  experimental_bearer_token: key,
  // Each conversation would begin with an attempt that the gateway refuses.
  supports_websockets: false,
});

type Entry = Readonly<Record<string, unknown>>;

const isEntry = (value: unknown): value is Entry => typeof value === "object" && value !== null;

/**
 * An entry of the list that the program carries: the members that it wants change from version to version, and a model without a system
 * prompt is refused. The models that are not for everybody's server are left out.
 */
function templateIn(told: string): Entry | null {
  let list: unknown;
  try {
    list = JSON.parse(told);
  } catch {
    return null;
  }
  const models = isEntry(list) && Array.isArray(list["models"]) ? (list["models"] as readonly unknown[]) : [];
  const fits = (entry: Entry): boolean =>
    entry["visibility"] === "list" &&
    entry["use_responses_lite"] !== true &&
    (entry["tool_mode"] ?? null) === null &&
    typeof entry["base_instructions"] === "string";
  return models.filter(isEntry).find(fits) ?? null;
}

function entryOf(template: Entry, model: OfferedModel, gateway: Gateway, priority: number): Entry {
  const context = contextOf(model, gateway);
  const { model_messages: _, base_instructions: prompt, ...rest } = template;
  return {
    ...rest,
    slug: model.id,
    display_name: model.name,
    description: "a model behind ClawGate",
    priority,
    context_window: context,
    max_context_window: context,
    // Whoever answers is not told that it is OpenAI's.
    base_instructions: String(prompt).replaceAll(
      /,? (?:an agent |a coding agent )?based on GPT-\d+(?:\.\d+)*/g,
      "",
    ),
    upgrade: null,
    availability_nux: null,
    additional_speed_tiers: [],
    service_tiers: [],
  };
}

/** Null: the program did not tell of its own. */
function modelList(around: Surroundings, gateway: Gateway): readonly Entry[] | null {
  const template = around.told === undefined ? null : templateIn(around.told);
  if (template === null) return null;
  const models = listedModels(gateway).slice(0, mostModels);
  return models.map((model, at) => entryOf(template, model, gateway, at));
}

export const codex: Client = {
  id: "codex",
  title: "Codex",
  programs: ["codex"],
  // A project's config may not choose where requests go.
  scopes: ["user"],
  asks: { args: ["debug", "models", "--bundled"], emptyFolder: "CODEX_HOME" },
  files(around, _scope, gateway) {
    const folder = codexFolder(around);
    const list = modelList(around, gateway);
    const listPath = join(folder, listName);
    const model = defaultModel(gateway);
    const window =
      list === null
        ? { path: ["model_context_window"], value: contextOf(model, gateway) }
        : { path: ["model_catalog_json"], value: listPath };
    const config = {
      path: join(folder, "config.toml"),
      format: "toml" as const,
      edits: [
        { path: ["model"], value: model.id },
        { path: ["model_provider"], value: id },
        window,
        { path: ["model_providers", id], value: provider(gateway) },
      ],
    };
    // First, because Codex does not start with a list that is named and missing.
    return list === null
      ? [config]
      : [{ path: listPath, format: "json", edits: [{ path: ["models"], value: list }] }, config];
  },
  notes: (around) =>
    around.told === undefined
      ? ["`codex debug models` could not be asked: Codex will say that it has no metadata for the model"]
      : [],
  check: {
    args: ["debug", "models"],
    problemIn: ({ code, stdout, stderr }) =>
      code === 0
        ? stdout.includes('"models"')
          ? null
          : "it does not read its models"
        : stderr.trim() || "it does not start",
  },
  run(around, gateway, folder) {
    const list = modelList(around, gateway);
    const model = defaultModel(gateway);
    const set = (name: string, value: unknown): readonly string[] => ["-c", `${name}=${tomlValue(value)}`];
    const window =
      list === null
        ? set("model_context_window", contextOf(model, gateway))
        : set("model_catalog_json", join(folder, listName));
    // Arguments are seen by every user of the machine: the key goes by a variable.
    const { experimental_bearer_token: key, ...open } = provider(gateway);
    const own = { ...open, env_key: "CLAWGATE_API_KEY" };
    return {
      args: [
        ...set("model", model.id),
        ...set("model_provider", id),
        ...window,
        ...set(`model_providers.${id}`, own),
      ],
      variables: { CLAWGATE_API_KEY: key },
      files: list === null ? [] : [{ name: listName, text: JSON.stringify({ models: list }) }],
    };
  },
};

/** A JSON string is a TOML string too. */
function tomlValue(value: unknown): string {
  if (!isEntry(value)) return JSON.stringify(value);
  const members = Object.entries(value).map(([name, each]) => `${name}=${tomlValue(each)}`);
  return `{${members.join(",")}}`;
}
