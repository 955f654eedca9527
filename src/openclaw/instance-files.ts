// What we write into an instance's openclaw.json, what we read from it, and how our keys are removed again: text in, text out.
// It must never touch a key that is not ours.

import {
  addToJson5Array,
  readJson5,
  removeFromJson5,
  removeFromJson5Array,
  setInJson5,
} from "./json5-text.ts";
import { type Api, apis, keyVariable, type ProviderId, providerIds } from "./provider-entry.ts";

const entryPathOf = (id: ProviderId) => ["models", "providers", id] as const;
const modelPath = ["agents", "defaults", "model"] as const;
const utilityPath = ["agents", "defaults", "utilityModel"] as const;
const imagePath = ["agents", "defaults", "imageModel"] as const;
const allowPath = ["agents", "defaults", "modelPolicy", "allow"] as const;
const pluginsPath = ["plugins", "allow"] as const;
const primaryOf = (id: ProviderId): string => `${id}/auto`;
const allOf = (id: ProviderId): string => `${id}/*`;

/** The variables by which skills and scripts of the instance find the gateway, and OpenClaw finds the key. */
export const variableNames = ["CLAWGATE_BASE_URL", keyVariable] as const;

export type OpenclawEdit = {
  readonly id: ProviderId;
  readonly provider: object;
  /** Whether the instance's main model becomes the gateway's `auto`. */
  readonly isPrimary: boolean;
  /** The model for titles and recaps, for an instance whose main model is ours and that names none; null: left alone. */
  readonly utilityModel: string | null;
  /** The same for pictures, where `auto` may choose a model that sees none; null: left alone. */
  readonly imageModel: string | null;
  readonly variables: Readonly<Record<string, string>>;
};

/** openclaw.json with our keys in it. Throws Json5Problem. */
export function withGateway(text: string | null, edit: OpenclawEdit): string {
  const source = text === null || text.trim() === "" ? "{}\n" : text;
  const before = readJson5(source);
  let edited = source;
  // Written only if it differs: a second set-up changes no byte.
  const entryPath = entryPathOf(edit.id);
  const written = at(before, entryPath);
  // What the user added to our entry stays, such as a timeout.
  const provider = { ...(isMap(written) ? written : {}), ...edit.provider };
  if (!Bun.deepEquals(written, provider)) edited = setInJson5(edited, entryPath, provider);
  const primary = primaryOf(edit.id);
  const model = at(before, modelPath);
  if (edit.isPrimary) {
    if (typeof model === "object" && model !== null) {
      if (at(model, ["primary"]) !== primary) edited = setInJson5(edited, [...modelPath, "primary"], primary);
    } else if (model !== primary) edited = setInJson5(edited, modelPath, primary);
  }
  const isOurs = edit.isPrimary || mainModelOf(before)?.startsWith(`${edit.id}/`) === true;
  // Otherwise titles and recaps of somebody else's model would begin to go through the gateway.
  if (isOurs && edit.utilityModel !== null && at(before, utilityPath) === undefined)
    edited = setInJson5(edited, utilityPath, `${edit.id}/${edit.utilityModel}`);
  if (isOurs && edit.imageModel !== null && at(before, imagePath) === undefined)
    edited = setInJson5(edited, imagePath, { primary: `${edit.id}/${edit.imageModel}` });
  if (!isAllowed(at(before, allowPath), edit.id)) edited = addToJson5Array(edited, allowPath, allOf(edit.id));
  if (edit.id === "clawrouter" && isFilled(at(before, pluginsPath)))
    edited = addToJson5Array(edited, pluginsPath, edit.id);
  return withVariables(edited, before, edit.variables);
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isFilled = (value: unknown): value is readonly unknown[] => Array.isArray(value) && value.length > 0;

/** An absent or empty policy allows every model. */
const isAllowed = (allow: unknown, id: ProviderId): boolean =>
  !isFilled(allow) || allow.includes("*") || allow.includes(allOf(id));

/** The instance's main model, as its config says it. */
export function mainModelOf(config: unknown): string | null {
  const model = at(config, modelPath);
  const primary = isMap(model) ? model["primary"] : model;
  return typeof primary === "string" ? primary : null;
}

/** Our names that are already in `env`, flat (older OpenClaw) or in `vars`, are kept up to date, in `vars`. */
function withVariables(text: string, before: unknown, values: Readonly<Record<string, string>>): string {
  let edited = text;
  for (const [name, value] of Object.entries(values)) {
    const isFlat = at(before, ["env", name]) !== undefined;
    const inVars = at(before, ["env", "vars", name]);
    if (isFlat) edited = removeFromJson5(edited, ["env", name]);
    if ((isFlat || inVars !== undefined) && inVars !== value)
      edited = setInJson5(edited, ["env", "vars", name], value);
  }
  return edited;
}

/** Removes our keys from a file that others have changed since; the values before ours are restored. */
export function withoutGateway(text: string, original: string | null): string {
  const before = original === null || original.trim() === "" ? {} : readJson5(original);
  const put = (source: string, path: readonly string[]): string => {
    const old = at(before, path);
    return old === undefined ? removeFromJson5(source, path) : setInJson5(source, path, old);
  };
  const drop = (source: string, path: readonly string[], element: string): string => {
    const old = at(before, path);
    return Array.isArray(old) && old.includes(element) ? source : removeFromJson5Array(source, path, element);
  };
  let edited = text;
  for (const id of providerIds) {
    if (!hasEntry(text, id)) continue;
    edited = put(edited, entryPathOf(id));
    const model = at(readJson5(edited), modelPath);
    if (model === primaryOf(id)) edited = put(edited, modelPath);
    else if (at(model, ["primary"]) === primaryOf(id)) edited = put(edited, [...modelPath, "primary"]);
    // Without its provider the model does not exist.
    const utility = at(readJson5(edited), utilityPath);
    if (typeof utility === "string" && utility.startsWith(`${id}/`)) edited = put(edited, utilityPath);
    const seeing = at(readJson5(edited), imagePath);
    const shown = isMap(seeing) ? seeing["primary"] : seeing;
    if (typeof shown === "string" && shown.startsWith(`${id}/`)) edited = put(edited, imagePath);
    edited = drop(edited, allowPath, allOf(id));
    if (id === "clawrouter") edited = drop(edited, pluginsPath, id);
  }
  for (const path of [["models", "providers"], ["models"], modelPath, modelPath.slice(0, 2), ["agents"]])
    if (at(before, path) === undefined && isEmptyMap(at(readJson5(edited), path)))
      edited = removeFromJson5(edited, path);
  return edited;
}

/** The variables of an instance's config: `env.vars`, and the flat form of older versions below them. */
export function variablesOf(text: string): Readonly<Record<string, string>> {
  const env = at(readJson5(text), ["env"]);
  const texts = (value: unknown): [string, string][] =>
    Object.entries(typeof value === "object" && value !== null ? value : {}).filter(
      (pair): pair is [string, string] => typeof pair[1] === "string" && pair[0] !== "__proto__",
    );
  return Object.fromEntries([...texts(env), ...texts(at(env, ["vars"]))]);
}

/** The key in our entry; null if there is none, or only a reference to a variable. */
export function keyInEntry(text: string): string | null {
  const key = at(readJson5(text), [...entryPathOf("clawgate"), "apiKey"]);
  return typeof key === "string" && !key.includes("${") ? key : null;
}

/** Whether the entry is there and ours: a `clawrouter` entry may be that of a real router, and has another key then. */
export function hasEntry(text: string, id: ProviderId): boolean {
  const entry = at(readJson5(text), entryPathOf(id));
  return id === "clawgate" ? entry !== undefined : at(entry, ["apiKey", "id"]) === keyVariable;
}

/** The entry under this id, whoever wrote it; null: there is none. */
export function entryIn(text: string, id: ProviderId): Readonly<Record<string, unknown>> | null {
  const entry = at(readJson5(text), entryPathOf(id));
  return isMap(entry) ? entry : null;
}

/** The format in our entry; null if there is none. */
export function apiInEntry(text: string): Api | null {
  const written = at(readJson5(text), [...entryPathOf("clawgate"), "api"]);
  return apis.find((each) => each === written) ?? null;
}

/** Whether the config switches a plugin off. */
export function isPluginOff(text: string, id: string): boolean {
  const plugins = at(readJson5(text), ["plugins"]);
  const denied = at(plugins, ["deny"]);
  return (
    at(plugins, ["enabled"]) === false ||
    at(plugins, ["entries", id, "enabled"]) === false ||
    (Array.isArray(denied) && denied.includes(id))
  );
}

function at(value: unknown, path: readonly string[]): unknown {
  let node = value;
  for (const name of path) {
    if (typeof node !== "object" || node === null || !Object.hasOwn(node, name)) return undefined;
    node = (node as Record<string, unknown>)[name];
  }
  return node;
}

const isEmptyMap = (value: unknown): boolean =>
  typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;

/** The model of an agent's heartbeats, or that of all (null); null: the agent's own. */
export function heartbeatModelIn(text: string, agent: string | null): string | null {
  const agents = at(readJson5(text), ["agents"]);
  const own = agent === null ? undefined : at(agents, ["entries", agent, "heartbeat", "model"]);
  const model = own ?? at(agents, ["defaults", "heartbeat", "model"]);
  return typeof model === "string" ? model : null;
}

/** Who wrote our part: "none" is there, "older": a version before the shape of OpenClaw 2026.9. */
export function writtenBy(text: string): "none" | "older" | "current" {
  if (hasEntry(text, "clawgate")) {
    const models = at(readJson5(text), [...entryPathOf("clawgate"), "models"]);
    const isCurrent = (model: unknown): boolean =>
      at(model, ["compat", "supportsUsageInStreaming"]) !== undefined;
    return Array.isArray(models) && models.every(isCurrent) ? "current" : "older";
  }
  return hasEntry(text, "clawrouter") ? "current" : "none";
}
