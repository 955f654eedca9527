// The providers of a CLIProxyAPI config: its lists of keys become providers here, one for each address, and its aliases become ours.

import type { BackendName } from "../backends/settings.ts";
import { isTree, type Tree } from "../config/values.ts";
import { type DraftModel, draftModel, nameUnreadMembers, writtenModel } from "./cli-proxy-models.ts";
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
  "disabled",
]);

/** The same of one key in a list of them. */
const readKeyMembers = new Set(["api-key", "proxy-url", "weight", "disabled"]);

type Draft = {
  readonly backend: BackendName;
  readonly base_url?: string;
  readonly api_keys: string[];
  readonly models: DraftModel[];
  readonly proxy?: string;
  readonly headers?: Tree;
  readonly weight?: number;
};

/** Keys that go the same way. */
type KeyGroup = { readonly keys: string[]; readonly proxy: unknown; readonly weight: unknown };

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

  /** `more`: further keys of an entry whose models and members are told already. */
  add(
    list: Omit<List, "key">,
    entry: Tree,
    what: string,
    { keys, isMore = false }: { readonly keys: readonly string[]; readonly isMore?: boolean },
  ): string {
    const base = textOf(entry["base-url"]) ?? list.baseUrl;
    const proxy = textOf(entry["proxy-url"]) ?? this.commonProxy;
    const isDirect = proxy !== null && /^(?:direct|none)$/.test(proxy);
    const models = listOf(entry["models"]).filter(isTree);
    const headers = this.headersOf(entry["headers"], isMore ? null : what);
    const made: Draft = {
      backend: list.backend,
      ...(base === null ? {} : { base_url: base }),
      api_keys: [...keys],
      models: models.flatMap((each) => draftModel(each) ?? []),
      ...(proxy === null || isDirect ? {} : { proxy }),
      ...(headers === null ? {} : { headers }),
      ...(typeof entry["weight"] === "number" && entry["weight"] > 0 ? { weight: entry["weight"] } : {}),
    };
    const id = this.idFor(list.id, made, list.model);
    if (isDirect)
      this.draft.say(
        "changed",
        `${what}.proxy-url`,
        "no `proxy`: a proxy in the environment (HTTPS_PROXY) counts here; name the vendor in NO_PROXY",
      );
    if (isMore) return id;
    this.aliasesOf(models, id, what);
    this.draft.say("kept", what, `providers.${id}`);
    nameUnreadMembers(this.draft, what, listOf(entry["models"]));
    for (const member of Object.keys(entry))
      if (!readMembers.has(member)) this.draft.say("left out", `${what}.${member}`, whyNot(member));
    return id;
  }

  private aliasesOf(models: readonly Tree[], id: string, what: string): void {
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
  }

  /** `what` null: they are told already. */
  private headersOf(value: unknown, what: string | null): Tree | null {
    if (!isTree(value)) return null;
    // `$NAME` stands for a header of the client there.
    const isCopied = (header: unknown): boolean => typeof header === "string" && /^\$(?!\{)/.test(header);
    const kept = Object.entries(value).filter(([, header]) => !isCopied(header));
    for (const [name, header] of Object.entries(value))
      if (what !== null && isCopied(header))
        this.draft.say(
          "left out",
          `${what}.headers.${name}`,
          "a client's header is not copied under another name",
        );
    const texts = kept.map(([name, header]) => [name, isTree(header) ? header : String(header)]);
    return kept.length === 0 ? null : Object.fromEntries(texts);
  }

  /** Keys for one address belong to one provider. */
  private idFor(wanted: string, made: Draft, model: string): string {
    for (let count = 1; ; count++) {
      const id = count === 1 ? wanted : `${wanted}-${count}`;
      const other = this.byId.get(id);
      if (other === undefined) {
        this.byId.set(id, made.models.length === 0 ? { ...made, models: [{ id: model }] } : made);
        return id;
      }
      const { api_keys: _k, models: _m, ...rest } = made;
      const { api_keys: keys, models, ...same } = other;
      if (!Bun.deepEquals(rest, same)) continue;
      keys.push(...made.api_keys);
      models.push(...made.models.filter((each) => !models.some((known) => known.id === each.id)));
      return id;
    }
  }

  write(): void {
    for (const [id, { api_keys: keys, models, ...rest }] of this.byId) {
      const [first, ...more] = models;
      const listed = first === undefined || Object.keys(first).length === 1 ? more : models;
      this.draft.set(["providers", id], {
        ...rest,
        ...(keys.length === 0 ? {} : keys.length === 1 ? { api_key: keys[0] } : { api_keys: keys }),
        model: first?.id ?? "",
        ...(listed.length === 0 ? {} : { models: listed.map(writtenModel) }),
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
      : /^(?:cloak|fingerprint-profile|experimental-cch-signing)$/.test(member)
        ? "ClawGate calls as itself and imitates no other client"
        : /^(?:disable-cooling|request-retry|request-scoped-errors)$/.test(member)
          ? "a failed request goes to the next target, and how long one rests follows from its answer"
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
      const what = `${list.key}[${index}]`;
      if (isSwitchedOff(draft, tree, what)) continue;
      const key = textOf(tree["api-key"]);
      if (key === null && textOf(tree["base-url"]) === null)
        draft.say("left out", what, "it has no api-key that is a text");
      else providers.add(list, tree, what, { keys: key === null ? [] : [key] });
    }
  for (const [index, entry] of entriesOf("openai-compatibility").entries())
    compatible(draft, providers, entry, `openai-compatibility[${index}]`);
  providers.write();
}

/** Says why it is not used. */
function isSwitchedOff(draft: ConfigDraft, tree: Tree, what: string): boolean {
  const { weight } = tree;
  const isWeightless = typeof weight === "number" && weight <= 0;
  // As that program reads a truth value, which is more than YAML 1.2 does.
  const isOff = /^(?:true|yes|on|y)$/i.test(String(tree["disabled"]));
  if (isOff) draft.say("left out", what, "it is switched off by `disabled: true`");
  else if (isWeightless)
    draft.say("left out", `${what}.weight`, "a weight is above 0 here; what gets nothing is not listed");
  return isOff;
}

function compatible(draft: ConfigDraft, providers: Providers, entry: unknown, what: string): void {
  if (!isTree(entry)) return void draft.say("left out", what, "it is not a map");
  const baseUrl = textOf(entry["base-url"]);
  if (baseUrl === null) return void draft.say("left out", what, "it has no base-url");
  if (isSwitchedOff(draft, entry, what)) return;
  const id = word(textOf(entry["name"]) ?? "") || "compatible";
  const list = { id, backend: "openai-compat", baseUrl, model: "default" } as const;
  const groups = keyGroups(draft, entry, what);
  const [first = { keys: [] as string[], proxy: entry["proxy-url"], weight: entry["weight"] }, ...more] =
    groups;
  const withGroup = ({ proxy, weight }: KeyGroup): Tree => ({ ...entry, "proxy-url": proxy, weight });
  providers.add(list, withGroup(first), what, first);
  for (const group of more)
    draft.say(
      "changed",
      `${what}.api-key-entries`,
      `keys with a proxy or weight of their own are providers.${providers.add(list, withGroup(group), what, { keys: group.keys, isMore: true })}: both belong to a provider here; put it into fallback_chain`,
    );
}

/** In the order of their first keys. */
function keyGroups(draft: ConfigDraft, entry: Tree, what: string): readonly KeyGroup[] {
  const groups: KeyGroup[] = [];
  for (const member of ["api-key-entries", "api-keys"])
    for (const [index, each] of listOf(entry[member]).entries()) {
      const tree: Tree = isTree(each) ? each : { "api-key": each };
      const at = `${what}.${member}[${index}]`;
      const key = textOf(tree["api-key"]);
      if (key === null) {
        draft.say("left out", at, "it has no api-key that is a text");
        continue;
      }
      if (isSwitchedOff(draft, tree, at)) continue;
      for (const name of Object.keys(tree))
        if (!readKeyMembers.has(name)) draft.say("left out", `${at}.${name}`, whyNot(name));
      const proxy = tree["proxy-url"] ?? entry["proxy-url"];
      const weight = tree["weight"] ?? entry["weight"];
      const same = groups.find((group) => group.proxy === proxy && group.weight === weight);
      if (same === undefined) groups.push({ keys: [key], proxy, weight });
      else same.keys.push(key);
    }
  return groups;
}
