// Local providers that have no key and need none: which server must answer for one to be loaded, and the resulting provider.
// It must never call a server itself; the code that loads the config does, without any credential.

import { resolveBaseUrl, type VendorRow } from "../backends/settings.ts";
import { isTree, type Tree } from "./values.ts";

export type SkippedProvider = {
  readonly id: string;
  readonly reason: string;
  /** The same without an address, for callers that may not see one. Absent: it contains none. */
  readonly publicReason?: string;
};

/** The models that the servers at these URLs list now; null: no answer. Servers not in it were not probed. */
export type LocalAnswers = ReadonlyMap<string, readonly string[] | null>;

export type LocalServers = {
  readonly rows: readonly VendorRow[];
  readonly answers: LocalAnswers;
  /** The gateway's own address: it must not take itself for a server. */
  readonly ownPort: unknown;
};

const loopback = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;
const formats: ReadonlySet<unknown> = new Set([undefined, "openai-compat", "openai-responses", "anthropic"]);

/** The URL that lists the models of a provider without a key; null: its vendor is not a local server. */
function modelsUrl(id: string, { base_url: written, backend }: Tree, local: LocalServers): string | null {
  if (typeof written !== "string" || !formats.has(backend)) return null;
  const resolved = resolveBaseUrl(written, "openai-compat");
  if (!("url" in resolved)) return null;
  const { hostname, port } = new URL(resolved.url);
  if (!loopback.test(hostname) || port === String(local.ownPort)) return null;
  const isRow = local.rows.some((row) => row.id === id || new URL(row.baseUrl).port === port);
  return isRow ? `${resolved.url}/models` : null;
}

export type LocalProvider =
  /** `loadedNotice`: that it is loaded and why; `notice`: how it differs from the config. */
  | { readonly loaded: Tree; readonly loadedNotice: string; readonly notice: string | null }
  | { readonly skipped: SkippedProvider; readonly urlToProbe: string | null };

/** `reason`: why it is skipped if no server answers; its key is empty. */
export function localProvider(
  id: string,
  provider: Tree,
  reason: string,
  local: LocalServers | null,
): LocalProvider {
  const url = local === null ? null : modelsUrl(id, provider, local);
  const models = url === null ? undefined : local?.answers.get(url);
  if (url === null || models === undefined) return { skipped: { id, reason }, urlToProbe: url };
  const { host } = new URL(url);
  const model = models === null ? null : modelOf(provider, models);
  if (models === null || model === null) {
    const why =
      models === null ? `no model server answers at ${host}` : `the server at ${host} has no models`;
    return { skipped: { id, reason: `${reason}, and ${why}`, publicReason: reason }, urlToProbe: null };
  }
  const { api_key: _, api_keys: __, ...keyless } = provider;
  const listed: readonly unknown[] = Array.isArray(provider["models"]) ? provider["models"] : [];
  const names = listed.map((entry) => (isTree(entry) ? entry["id"] : entry));
  const count = models.length === 1 ? "1 model" : `${models.length} models`;
  return {
    loaded: { ...keyless, model, models: [...listed, ...models.filter((each) => !names.includes(each))] },
    loadedNotice: `providers.${id}: ${reason}, but a model server answers at ${host} with ${count}, so it is loaded without a key`,
    notice:
      typeof provider["model"] === "string" && !isSame(provider["model"], model)
        ? `providers.${id}: the server at ${host} does not have ${provider["model"]}; ${model} is used instead`
        : null,
  };
}

/** Ollama calls the newest version of a model `:latest`, and also accepts its name without that. */
const isSame = (one: string, other: string): boolean =>
  one.replace(/:latest$/, "") === other.replace(/:latest$/, "");

/** These are not chat models. */
const noChat = /embed|rerank|whisper|\bbge\b|minilm|\bclip\b/i;

/** The configured model, by the server's name for it, if the server has it; otherwise the first that looks like a chat model. */
function modelOf({ model: written, models: listed }: Tree, models: readonly string[]): string | null {
  const wanted = [written, ...(Array.isArray(listed) ? listed : [])];
  for (const entry of wanted) {
    const name = isTree(entry) ? entry["id"] : entry;
    const found = typeof name === "string" ? models.find((each) => isSame(name, each)) : undefined;
    if (found !== undefined) return typeof name === "string" && models.includes(name) ? name : found;
  }
  return models.find((each) => !noChat.test(each)) ?? models[0] ?? null;
}
