// Variables of another program's `.env`: those that set something become keys of the config, keys of vendors go into our own `.env`, and
// secrets that stand in a config go there too. It must never put a secret into a finding.

import type { Path } from "../config/document.ts";
import { keyVariables } from "../config/environment.ts";
import { variablesIn } from "../config/expand.ts";
import { isSecretName } from "../config/folder-variables.ts";
import { dotted } from "../config/document.ts";
import { overridesOf } from "../config/overrides.ts";
import { isTree } from "../config/values.ts";
import type { ConfigDraft } from "./config-draft.ts";
import { MigrationProblem } from "./finding.ts";

export type Variables = Map<string, string>;

const isKeyVariable = (name: string): boolean => keyVariables.includes(name);

/** Throws MigrationProblem for one that the gateway would refuse. */
export function takeVariables(
  draft: ConfigDraft,
  values: Readonly<Record<string, string>>,
  variables: Variables,
): void {
  const { overrides, refused } = overridesOf(draft.value, values, {});
  const [problem] = refused;
  if (problem !== undefined) throw new MigrationProblem(`${problem.origin} ${problem.message}`);
  const isUnlocked = overrides.some(({ origin }) => origin === "REQUIRE_AUTH");
  const places = Map.groupBy(overrides, ({ origin }) => origin);
  for (const { path, value } of overrides) draft.set(path, value);
  const mentioned = new Set(variablesIn(draft.value));
  for (const [name, value] of Object.entries(values)) {
    const here = places.get(name)?.map(({ path }) => dotted(path));
    if (value === "") draft.say("left out", name, "it is empty");
    else if (name === "PROXY_API_KEYS" && isUnlocked)
      draft.say("left out", name, "REQUIRE_AUTH is false, so no key is asked for");
    else if (here !== undefined) draft.say("kept", name, here.join(" and "));
    else if (name === "REQUIRE_AUTH") draft.say("kept", name, "clients need a key where the config has keys");
    else if (isKeyVariable(name) || mentioned.has(name)) {
      variables.set(name, value);
      draft.say("kept", name, "in .env");
    } else draft.say("left out", name, "no setting here reads it");
  }
}

/** Keys whose texts are secrets, wherever they stand. */
const secretKeys = new Set([
  "api_key",
  "api_keys",
  "admin_key",
  "keys",
  "key",
  "secret",
  "token",
  "password",
]);

/** An address is one where it names a user. */
const addressKeys = new Set(["proxy", "url", "base_url"]);

/** Whether this text is a plain secret: no reference to a variable, no hash. */
function isPlainSecret(path: Path, value: unknown): value is string | number {
  if (typeof value !== "string" && typeof value !== "number") return false;
  if (value === "" || /\$\{|^sha256:/.test(String(value))) return false;
  const names = path.filter((part) => typeof part === "string");
  const last = names.at(-1) ?? "";
  if (addressKeys.has(last)) return /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*@/i.test(String(value));
  if (names.includes("env")) return isSecretName(last);
  if (names.includes("headers")) return /authorization|key|token|cookie|secret/i.test(last);
  return secretKeys.has(last);
}

const word = (text: string): string =>
  text
    .replaceAll(/[^A-Za-z0-9]+/g, "_")
    .replaceAll(/^_+|_+$/g, "")
    .toUpperCase();

/** `CLAWGATE_DEEPSEEK_CHAT_API_KEY` for providers.deepseek-chat.api_key: a name that no vendor's own program reads. */
function variableFor(draft: ConfigDraft, path: Path, isTaken: (name: string) => boolean): string {
  const [section, owner, ...rest] = path;
  const names = rest.filter((part) => typeof part === "string").filter((each) => each !== "env");
  const last = names.at(-1) ?? "";
  const tenant = word(String(typeof owner === "number" ? draft.at(["tenants", owner, "name"]) : ""));
  const holder = section === "tenants" ? tenant : section === "auth" ? "" : word(String(owner));
  const own =
    section === "auth" ? (owner === "admin_key" ? "ADMIN_KEY" : "KEY") : nameOfSecret(section, last);
  const base = ["CLAWGATE", ...(own.startsWith(`${holder}_`) ? [] : [holder]), own]
    .filter((each) => each !== "")
    .join("_");
  return freeName(isSecretName(base) ? base : `${base}_SECRET`, isTaken);
}

/** A `.env` that is only found may set names of secrets alone. */
function freeName(base: string, isTaken: (name: string) => boolean): string {
  let free = base;
  const [, start = "", end = ""] = /^(.*)(_[A-Z0-9]+)$/.exec(base) ?? [];
  for (let count = 2; isTaken(free); count++) free = `${start}_${count}${end}`;
  return free;
}

function nameOfSecret(section: unknown, key: string): string {
  if (section === "tenants" && (key === "api_key" || key === "key")) return "KEY";
  return word(key === "api_keys" ? "api_key" : key);
}

/** Every plain secret becomes a variable. `valueOf`: what a variable of this name is already, which would win. */
export function moveSecrets(
  draft: ConfigDraft,
  variables: Variables,
  valueOf: (name: string) => string | undefined,
): void {
  const nameOf = new Map([...variables].map(([name, value]) => [value, name]));
  const walk = (value: unknown, path: Path): void => {
    if (isPlainSecret(path, value)) {
      const text = typeof value === "number" ? draft.textAt(path) : value;
      const same = nameOf.get(text);
      const name =
        same ?? variableFor(draft, path, (each) => variables.has(each) || (valueOf(each) ?? text) !== text);
      variables.set(name, text);
      nameOf.set(text, name);
      draft.set(path, `\${${name}}`);
      draft.say("changed", path, `the secret is in .env as ${name}`);
    } else if (Array.isArray(value)) value.forEach((each, index) => walk(each, [...path, index]));
    else if (isTree(value)) for (const [key, each] of Object.entries(value)) walk(each, [...path, key]);
  };
  walk(draft.value, []);
}

/** As `readDotEnv` reads it back. */
export function dotEnvText(variables: Variables): string {
  const lines = [...variables].map(([name, value]) => {
    if (/^[\w./:@+=,-]+$/.test(value)) return `${name}=${value}`;
    const quoted = value
      .replaceAll(/[\\"$]/g, (each) => `\\${each}`)
      .replaceAll("\n", "\\n")
      .replaceAll("\r", "\\r");
    return `${name}="${quoted}"`;
  });
  return lines.map((line) => `${line}\n`).join("");
}
