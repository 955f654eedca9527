// What we write into an instance's openclaw.json, what we read from it, and how our keys are removed again: text in, text out.
// It must never touch a key that is not ours.

import { readJson5, removeFromJson5, setInJson5 } from "./json5-text.ts";
import { type Api, apis, providerId } from "./provider-entry.ts";

const entryPath = ["models", "providers", providerId] as const;
const modelPath = ["agents", "defaults", "model"] as const;
const primaryModel = `${providerId}/auto`;

/** The variables by which skills and scripts of the instance find the gateway. */
export const variableNames = ["CLAWGATE_BASE_URL", "CLAWGATE_API_KEY"] as const;

export type OpenclawEdit = {
  readonly provider: object;
  /** Whether the instance's main model becomes the gateway's `auto`. */
  readonly isPrimary: boolean;
  readonly variables: Readonly<Record<string, string>>;
};

/** openclaw.json with our keys in it. Throws Json5Problem. */
export function withGateway(text: string | null, edit: OpenclawEdit): string {
  const source = text === null || text.trim() === "" ? "{}\n" : text;
  const before = readJson5(source);
  let edited = source;
  // Written only if it differs: a second set-up changes no byte.
  if (!Bun.deepEquals(at(before, entryPath), edit.provider))
    edited = setInJson5(edited, entryPath, edit.provider);
  if (edit.isPrimary) {
    const model = at(before, modelPath);
    if (typeof model === "object" && model !== null) {
      if (at(model, ["primary"]) !== primaryModel)
        edited = setInJson5(edited, [...modelPath, "primary"], primaryModel);
    } else if (model !== primaryModel) edited = setInJson5(edited, modelPath, primaryModel);
  }
  return withVariables(edited, before, edit.variables);
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
  let edited = put(text, entryPath);
  const model = at(readJson5(edited), modelPath);
  if (model === primaryModel) edited = put(edited, modelPath);
  else if (at(model, ["primary"]) === primaryModel) edited = put(edited, [...modelPath, "primary"]);
  for (const path of [
    entryPath.slice(0, 2),
    entryPath.slice(0, 1),
    modelPath,
    modelPath.slice(0, 2),
    ["agents"],
  ])
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

/** The key in our entry; null if there is none. */
export function keyInEntry(text: string): string | null {
  const key = at(readJson5(text), [...entryPath, "apiKey"]);
  return typeof key === "string" ? key : null;
}

/** The format in our entry; null if there is none. */
export function apiInEntry(text: string): Api | null {
  const written = at(readJson5(text), [...entryPath, "api"]);
  return apis.find((each) => each === written) ?? null;
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
