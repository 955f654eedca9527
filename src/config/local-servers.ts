// Providers on this machine that have no key and need none: which server would have to answer for one to be loaded, and what it
// becomes then. It must never ask anybody itself; whoever loads the config does, without any credential.

import { resolveBaseUrl, type VendorRow } from "../backends/settings.ts";
import { isTree, type Tree } from "./values.ts";

export type SkippedProvider = {
  readonly id: string;
  readonly reason: string;
  /** The same without an address, for whoever may not know of any. Absent: there is none in it. */
  readonly publicReason?: string;
};

/** What the servers at these URLs list, asked just now; null: nobody answers there. Those that are not here were not asked. */
export type LocalAnswers = ReadonlyMap<string, readonly string[] | null>;

export type LocalServers = {
  readonly rows: readonly VendorRow[];
  readonly answers: LocalAnswers;
  /** Where the gateway itself listens: it must not take itself for a server. */
  readonly ownPort: unknown;
};

const loopback = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;
const formats: ReadonlySet<unknown> = new Set([undefined, "openai-compat", "openai-responses", "anthropic"]);

/** Where the models of a provider without a key are listed; null: its vendor is no server on this machine. */
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
  /** `told`: that it is loaded and why; `notice`: what is not as it is written. */
  | { readonly loaded: Tree; readonly loadedNotice: string; readonly notice: string | null }
  | { readonly skipped: SkippedProvider; readonly urlToProbe: string | null };

/** `reason`: why it is skipped where nobody answers; its key is empty. */
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
        ? `providers.${id}: the server at ${host} does not have ${provider["model"]}; ${model} is used in its place`
        : null,
  };
}

/** Ollama calls the newest of a model `:latest`, and takes its name without that as well. */
const isSame = (one: string, other: string): boolean =>
  one.replace(/:latest$/, "") === other.replace(/:latest$/, "");

/** These answer no chat. */
const noChat = /embed|rerank|whisper|\bbge\b|minilm|\bclip\b/i;

/** The one that is written, as the server calls it, where the server has it; else the first that looks as if it could talk. */
function modelOf({ model: written, models: listed }: Tree, models: readonly string[]): string | null {
  const wanted = [written, ...(Array.isArray(listed) ? listed : [])];
  for (const entry of wanted) {
    const name = isTree(entry) ? entry["id"] : entry;
    const found = typeof name === "string" ? models.find((each) => isSame(name, each)) : undefined;
    if (found !== undefined) return typeof name === "string" && models.includes(name) ? name : found;
  }
  return models.find((each) => !noChat.test(each)) ?? models[0] ?? null;
}
