// Which file or environment each variable of a config comes from: it admits variables of a working directory's `.env` where they are
// allowed, and reports the sources at the start. It must never print a value, only names.

import type { Path } from "./document.ts";
import { variablesIn } from "./expand.ts";
import { refusalAt } from "./folder-variable-scope.ts";
import type { ResolvedEnvironment } from "./resolved-environment.ts";
import { isTree, type Tree, valueAt } from "./values.ts";

export type VariableLookup = {
  /** The value of `${NAME}` at this place. */
  lookup(name: string, path: Path): string | undefined;
  /** Why a variable in a file has no value; null: it is in no file. */
  whyUnset(name: string): string | null;
  sources(): readonly string[];
  notices(): readonly string[];
};

export function createVariableLookup(
  { environment, origins, folderFile, ignored }: ResolvedEnvironment,
  document: unknown,
  isFolderConfig: boolean,
): VariableLookup {
  const refused = new Map<string, string>(ignored.map(({ name, why }) => [name, why]));
  const isFromFolder = (name: string): boolean => folderFile !== null && origins.get(name) === folderFile;
  const use = {
    document,
    isFolderConfig,
    isFromFolder,
    valueOf: (name: string): string | undefined => environment[name],
  };
  return {
    lookup(name, path) {
      if (!isFromFolder(name)) return environment[name];
      const why = refusalAt(path, use);
      if (why === null) return environment[name];
      refused.set(name, why);
      return undefined;
    },
    whyUnset(name) {
      const why = refused.get(name);
      return why === undefined ? null : `the variable ${name} is not taken from ${folderFile}: ${why}`;
    },
    sources() {
      const taken = [...origins].filter(([name, file]) => file !== folderFile || !refused.has(name));
      const files = Map.groupBy(taken, ([, file]) => file);
      return [...files].map(
        ([file, entries]) => `taken from ${file}: ${listed(entries.map(([name]) => name))}`,
      );
    },
    notices() {
      const reasons = Map.groupBy([...refused], ([, why]) => why);
      return [...reasons].map(
        ([why, entries]) =>
          `not taken from ${folderFile}: ${listed(entries.map(([name]) => name))} (${why}). ` +
          "A .env file in the working directory may not set this; export it, or put it in the .env file next to a config passed with --config",
      );
    },
  };
}

/** Which variables and credentials a found config uses, and where they are sent: a line each. */
export function foundConfigLines(
  path: string,
  written: unknown,
  { environment, origins }: ResolvedEnvironment,
): readonly string[] {
  const isThere = (name: string): boolean => (environment[name] ?? "") !== "";
  const names = [...variablesIn(written)].filter(isThere);
  const fromHere = names.filter((name) => !origins.has(name));
  const used =
    fromHere.length === 0
      ? "it uses no variable of the environment"
      : `it uses these variables of the environment: ${listed(fromHere)}`;
  const providers = valueAt(written, ["providers"]);
  const destinations = isTree(providers)
    ? Object.entries(providers).flatMap(([id, provider]) =>
        isTree(provider) ? destinationsOf(id, provider, fromHere) : [],
      )
    : [];
  const logins = loginDestinations("cli", valueAt(written, ["cli"]));
  return [
    `${path} was found in the working directory and not named explicitly; ${used}`,
    ...[...destinations, ...logins].map((destination) => `config.yaml: ${destination}`),
  ];
}

/** Before expansion: a variable in an address may be a secret. */
const hostOf = (address: string): string => /^https?:\/\/([^/\s]+)/i.exec(address)?.[1] ?? address;

/** Claude Code sends its own login, or the key that it is given, to the address in its variables. */
function loginDestinations(place: string, owner: unknown): readonly string[] {
  const env = valueAt(owner, ["env"]);
  return (isTree(env) ? Object.entries(env) : []).flatMap(([name, value]) =>
    typeof value === "string" && /_(?:URL|ENDPOINT|PROXY)$/i.test(name)
      ? [`${place}.env sends Claude Code's traffic, possibly including its login, to ${hostOf(value)}`]
      : [],
  );
}

function destinationsOf(id: string, provider: Tree, names: readonly string[]): readonly string[] {
  const { base_url: address, auth, ...rest } = provider;
  const used = [...variablesIn(rest)].filter((name) => names.includes(name));
  const token = tokenLabel(auth);
  const what = [...used, ...(token === null ? [] : [token])];
  const direct =
    typeof address !== "string" || what.length === 0
      ? []
      : [`providers.${id} sends ${listed(what)} to ${hostOf(address)}`];
  return [...direct, ...loginDestinations(`providers.${id}`, provider)];
}

function tokenLabel(auth: unknown): string | null {
  if (!isTree(auth)) return null;
  const { type, variable, path, command } = auth;
  if (type === "bearer-env" && typeof variable === "string") return variable;
  if (type === "bearer-file" && typeof path === "string") return `the file ${path}`;
  return type === "bearer-command" && Array.isArray(command) ? `what ${String(command[0])} prints` : null;
}

const maxListed = 30;

function listed(names: readonly string[]): string {
  const shown = names.toSorted().slice(0, maxListed).join(", ");
  return names.length > maxListed ? `${shown} and ${names.length - maxListed} more` : shown;
}
