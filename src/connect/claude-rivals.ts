// What the user, a project or the machine's owner may have set that Claude Code takes before what is written for the gateway, or sends
// beside it (seen with 2.1.197 and 2.1.332): another vendor's platform, another credential, headers with one. An empty value is none.

import { join } from "node:path";
import { goesThroughProxy } from "../system/proxy.ts";
import type { Surroundings } from "./client.ts";
import type { Edit } from "./texts/edit-text.ts";
import { formats } from "./texts/format-table.ts";
import { TextProblem, valueAt } from "./texts/text-format.ts";

export const rivalVariables = [
  "ANTHROPIC_API_KEY",
  "CLAUDE_CODE_USE_ANTHROPIC_AWS",
  "CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD",
  "CLAUDE_CODE_USE_BEDROCK",
  "CLAUDE_CODE_USE_FOUNDRY",
  "CLAUDE_CODE_USE_GATEWAY",
  "CLAUDE_CODE_USE_MANTLE",
  "CLAUDE_CODE_USE_VERTEX",
] as const;

/** An empty value in a preferred file does not take it away. */
export const socketVariable = "ANTHROPIC_UNIX_SOCKET";
const proxyVariables = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"];
const noProxyVariables = ["no_proxy", "NO_PROXY"];

const headersVariable = "ANTHROPIC_CUSTOM_HEADERS";
const credentialLine = /^\s*(?:authorization|x-api-key|x-clawgate-key)\s*:/i;

const isSet = (value: unknown): boolean => value !== undefined && value !== null && value !== "";

const emptied = (value: unknown): unknown => (isSet(value) ? "" : undefined);

/** The user's headers without those that carry a credential; undefined: none does. */
function withoutCredentials(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const lines = value.split("\n");
  const kept = lines.filter((line) => !credentialLine.test(line));
  return kept.length === lines.length ? undefined : kept.join("\n");
}

/** What becomes of each place of a settings file, by what stands there; undefined: it stays. */
const rivalPlaces: readonly (readonly [path: readonly string[], change: (value: unknown) => unknown])[] = [
  ...rivalVariables.map((name) => [["env", name], emptied] as const),
  [["env", headersVariable], withoutCredentials],
  // A program that is asked for a credential, which is then sent as well.
  [["apiKeyHelper"], emptied],
];

type Settings = { readonly path: string; readonly value: unknown };

function settingsAt(around: Surroundings, path: string): Settings {
  const text = around.readText?.(path) ?? null;
  if (text === null) return { path, value: {} };
  try {
    return { path, value: formats.json.read(text.replace(/^\uFEFF/, "")) };
  } catch (error) {
    // Claude Code does not read it either.
    if (error instanceof TextProblem) return { path, value: {} };
    throw error;
  }
}

/** The names of what a settings file has, as a person finds them there. */
const rivalsIn = ({ value }: Settings): readonly string[] =>
  rivalPlaces.flatMap(([path, change]) =>
    change(valueAt(value, path)) === undefined ? [] : [path.at(-1) ?? ""],
  );

/**
 * The edits that take them out of the way in the file that is written: what it has itself, and what the `lower` ones have, which it is
 * preferred to.
 */
export function rivalEdits(around: Surroundings, lower: readonly string[]): readonly Edit[] {
  const others = lower.map((path) => settingsAt(around, path));
  return rivalPlaces.map(([path, change]) => {
    const found = others.map(({ value }) => change(valueAt(value, path))).find((each) => each !== undefined);
    // What the file itself has counts before the others; harmless, it stays.
    return { path, change: (own: unknown) => (own === undefined ? found : change(own)) };
  });
}

/** What `run` sets besides: `lower` are the settings files, from the one that counts most; `host` is the gateway's. */
export function withoutRivals(around: Surroundings, lower: readonly string[], host: string) {
  const files = lower.map((path) => settingsAt(around, path).value);
  const valueOf = (name: string): unknown =>
    [...files.map((value) => valueAt(value, ["env", name])), around.environment[name]].find(isSet);
  const headers = withoutCredentials(valueOf(headersVariable));
  const isProxied = proxyVariables.some((name) => valueOf(name) !== undefined);
  const direct = [noProxyVariables.map(valueOf).find(isSet), host].filter(isSet).join(",");
  return {
    variables: Object.fromEntries([
      ...rivalVariables.map((name) => [name, ""]),
      ...(headers === undefined ? [] : [[headersVariable, headers]]),
      ...(isProxied ? noProxyVariables.map((name) => [name, direct]) : []),
    ]) as Readonly<Record<string, string>>,
    settings: { apiKeyHelper: "" },
  };
}

/** Why it cannot be led to the gateway at `url`; null: it can. */
export function immovableRival(around: Surroundings, paths: readonly string[], url: string): string | null {
  const path = paths.find((each) => isSet(valueAt(settingsAt(around, each).value, ["env", socketVariable])));
  return path === undefined
    ? managedProblem(around, url)
    : `${socketVariable} in ${path} sends its requests elsewhere, and cannot be set aside: remove it there`;
}

/** A sentence for each of these files, from the one that counts most, that has some which counts. */
export function rivalsOf(around: Surroundings, paths: readonly string[]): readonly string[] {
  const files = paths.map((path) => settingsAt(around, path));
  const found = rivalPlaces.flatMap(([path, change]) => {
    const file = files.find(({ value }) => valueAt(value, path) !== undefined);
    return file === undefined || change(valueAt(file.value, path)) === undefined
      ? []
      : [{ name: path.at(-1) ?? "", file: file.path }];
  });
  return paths.flatMap((path) => {
    const names = found.filter(({ file }) => file === path).map(({ name }) => name);
    return names.length === 0 ? [] : [`${names.join(", ")} in ${path} counts before it`];
  });
}

/** Of a proxy in a settings file that would be asked for the gateway too. */
export function proxyRivals(around: Surroundings, path: string, gateway: string): readonly string[] {
  const variables = valueAt(settingsAt(around, path).value, ["env"]);
  if (typeof variables !== "object" || variables === null) return [];
  const texts = Object.entries(variables).filter(([, value]) => typeof value === "string");
  const url = new URL(gateway);
  return goesThroughProxy(url, Object.fromEntries(texts) as Readonly<Record<string, string>>)
    ? [`${path} sets a proxy, which would be asked for the gateway: add ${url.hostname} to its NO_PROXY`]
    : [];
}

function leadsTo(address: unknown, url: string): boolean {
  const named = typeof address === "string" ? URL.parse(address) : null;
  return named !== null && named.origin === new URL(url).origin;
}

/** What whoever manages the machine has set: it is preferred to every other settings file, and to `--settings`. */
function managedProblem(around: Surroundings, url: string): string | null {
  const folder =
    around.platform === "darwin" ? "/Library/Application Support/ClaudeCode" : "/etc/claude-code";
  const settings = settingsAt(around, join(folder, "managed-settings.json"));
  const valueOf = (name: string): unknown => valueAt(settings.value, ["env", name]);
  // They may lead to this gateway already, with a key of theirs.
  const address = leadsTo(valueOf("ANTHROPIC_BASE_URL"), url)
    ? []
    : ["ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN"].filter((name) => isSet(valueOf(name)));
  const names = [...address, ...rivalsIn(settings)];
  return names.length === 0
    ? null
    : `${settings.path} sets ${names.join(", ")}, which Claude Code prefers to everything else: whoever manages this machine decides where its requests go`;
}
