// The providers of a CLIProxyAPI config: its lists of keys become providers here, one for each address, and its aliases become ours.

import type { BackendName } from "../backends/settings.ts";
import { isTree, type Tree } from "../config/values.ts";
import type { ConfigDraft } from "./config-draft.ts";

type List = {
  readonly key: string;
  readonly id: string;
  readonly backend: BackendName;
  readonly baseUrl: string | null;
  /** Asked for where the list names no model. */
  readonly model: string;
};

const lists: readonly List[] = [
  { key: "claude-api-key", id: "anthropic", backend: "anthropic", baseUrl: null, model: "claude-sonnet-4-6" },
  { key: "gemini-api-key", id: "gemini", backend: "google-genai", baseUrl: null, model: "gemini-3.8-flash" },
  {
    key: "generative-language-api-key",
    id: "gemini",
    backend: "google-genai",
    baseUrl: null,
    model: "gemini-3.8-flash",
  },
  {
    key: "codex-api-key",
    id: "openai",
    backend: "openai-responses",
    baseUrl: "https://api.openai.com/v1",
    model: "gpt-6-luna",
  },
  {
    key: "xai-api-key",
    id: "xai",
    backend: "openai-compat",
    baseUrl: "https://api.x.ai/v1",
    model: "grok-4",
  },
];

/** Members of an entry that are read, or said in other words. */
const readMembers = new Set([
  "api-key",
  "base-url",
  "proxy-url",
  "headers",
  "models",
  "name",
  "api-key-entries",
  "api-keys",
  "weight",
]);

type Draft = {
  readonly backend: BackendName;
  readonly base_url?: string;
  readonly api_keys: string[];
  readonly models: string[];
  readonly proxy?: string;
  readonly headers?: Tree;
  readonly weight?: number;
};

const textOf = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const word = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, "-")
    .replaceAll(/^[-.]+|-+$/g, "");

class Providers {
  private readonly byId = new Map<string, Draft>();
  private readonly aliases: Record<string, string> = {};

  constructor(
    private readonly draft: ConfigDraft,
    private readonly commonProxy: string | null,
  ) {}

  add(list: Omit<List, "key">, entry: Tree, what: string, keys: readonly string[]): void {
    const base = textOf(entry["base-url"]) ?? list.baseUrl;
    const proxy = textOf(entry["proxy-url"]) ?? this.commonProxy;
    const models = listOf(entry["models"]).filter(isTree);
    const made: Draft = {
      backend: list.backend,
      ...(base === null ? {} : { base_url: base }),
      api_keys: [...keys],
      models: models.flatMap((each) => textOf(each["name"]) ?? []),
      ...(proxy === null || /^(?:direct|none)$/.test(proxy) ? {} : { proxy }),
      ...(isTree(entry["headers"]) ? { headers: entry["headers"] } : {}),
      ...(typeof entry["weight"] === "number" && entry["weight"] > 0 ? { weight: entry["weight"] } : {}),
    };
    const id = this.idFor(list.id, made, list.model);
    for (const each of models) {
      const [name, alias] = [textOf(each["name"]), textOf(each["alias"])];
      if (name === null || alias === null || alias === name) continue;
      if (this.aliases[alias] === undefined) this.aliases[alias] = `${id}/${name}`;
      else
        this.draft.say(
          "left out",
          `${what}: alias ${alias}`,
          "it is taken: a name means one model here, and fallback_chain says who is next",
        );
    }
    this.draft.say("kept", what, `providers.${id}`);
    for (const member of Object.keys(entry))
      if (!readMembers.has(member)) this.draft.say("left out", `${what}.${member}`, whyNot(member));
  }

  /** Keys for one address belong to one provider. */
  private idFor(wanted: string, made: Draft, model: string): string {
    for (let count = 1; ; count++) {
      const id = count === 1 ? wanted : `${wanted}-${count}`;
      const other = this.byId.get(id);
      if (other === undefined) {
        this.byId.set(id, made.models.length === 0 ? { ...made, models: [model] } : made);
        return id;
      }
      const { api_keys: _k, models: _m, ...rest } = made;
      const { api_keys: keys, models, ...same } = other;
      if (!Bun.deepEquals(rest, same)) continue;
      keys.push(...made.api_keys);
      models.push(...made.models.filter((each) => !models.includes(each)));
      return id;
    }
  }

  write(): void {
    for (const [id, { api_keys: keys, models, ...rest }] of this.byId) {
      const [model = "", ...more] = models;
      this.draft.set(["providers", id], {
        ...rest,
        ...(keys.length === 0 ? {} : keys.length === 1 ? { api_key: keys[0] } : { api_keys: keys }),
        model,
        ...(more.length === 0 ? {} : { models: more }),
      });
    }
    if (Object.keys(this.aliases).length > 0) this.draft.set(["aliases"], this.aliases);
  }
}

const whyNot = (member: string): string =>
  member === "excluded-models"
    ? "only listed models are offered; tenants[].models limits who may ask for them"
    : member === "prefix"
      ? "`provider/model` names the provider"
      : member === "cloak"
        ? "ClawGate calls as itself and imitates no other client"
        : "no setting here means the same";

export function readProviders(
  draft: ConfigDraft,
  take: (name: string) => unknown,
  commonProxy: string | null,
): void {
  const providers = new Providers(draft, commonProxy);
  const entriesOf = (key: string): readonly unknown[] => {
    const value = take(key) ?? [];
    if (!Array.isArray(value)) draft.say("left out", key, "it is not a list");
    return listOf(value);
  };
  if (commonProxy !== null) draft.say("kept", "proxy-url", "`proxy` of each provider");
  for (const list of lists)
    for (const [index, entry] of entriesOf(list.key).entries()) {
      const tree: Tree = isTree(entry) ? entry : { "api-key": entry };
      const key = textOf(tree["api-key"]);
      providers.add(list, tree, `${list.key}[${index}]`, key === null ? [] : [key]);
    }
  for (const [index, entry] of entriesOf("openai-compatibility").entries()) {
    const what = `openai-compatibility[${index}]`;
    if (!isTree(entry)) {
      draft.say("left out", what, "it is not a map");
      continue;
    }
    const keys = [...listOf(entry["api-key-entries"]), ...listOf(entry["api-keys"])].flatMap(
      (each) => textOf(isTree(each) ? each["api-key"] : each) ?? [],
    );
    const baseUrl = textOf(entry["base-url"]);
    if (baseUrl === null) draft.say("left out", what, "it has no base-url");
    else
      providers.add(
        {
          id: word(textOf(entry["name"]) ?? "") || "compatible",
          backend: "openai-compat",
          baseUrl,
          model: "default",
        },
        entry,
        what,
        keys,
      );
  }
  providers.write();
}
