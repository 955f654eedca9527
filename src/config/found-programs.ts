// Which programs a config.yaml found in the working directory may start: programs of the machine, by name or absolute path, never
// one in the folder itself, reached by a relative path. It only checks; it must never start anything.

import { realpathSync, statSync } from "node:fs";
import { isAbsolute, join, sep } from "node:path";
import type { McpServers } from "../backends/claude-code/settings.ts";
import { findOnPath } from "../system/process.ts";
import { dotted, type Path } from "./document.ts";
import type { Environment } from "./environment.ts";
import { isTree, type Tree, valueAt } from "./values.ts";

export type Folder = { readonly path: string; readonly environment: Environment };

/** Why this program is not started; null: it may be. `written`: its text before variables were expanded. */
function programRefusal(written: string, meant: string, folder: Folder): string | null {
  if (meant.includes("/")) return pathRefusal(written, meant, folder);
  const found = findOnPath(meant, folder.environment["PATH"]);
  return found !== null && isInside(found, folder.path) ? `"${meant}" is a program of this folder` : null;
}

function pathRefusal(written: string, meant: string, { path: folder, environment }: Folder): string | null {
  const home = environment["HOME"] ?? "";
  const path = meant === "~" || meant.startsWith("~/") ? join(home, meant.slice(1)) : meant;
  const isRelative = !isAbsolute(path);
  // The author of a checkout cannot know its absolute path; such paths, and those from a variable, are detected here all the same.
  const isSpelled = written === meant && written.startsWith(folder.replace(/\/*$/, "/"));
  const isLive = /^\/+(?:proc|dev)\//.test(path);
  return isRelative || isLive || (isInside(path, folder) && !isSpelled)
    ? `"${written}" is a path relative to this folder`
    : null;
}

function isInside(path: string, folder: string): boolean {
  const [at, above] = [realOf(path), realOf(folder)];
  return at !== null && above !== null && at.startsWith(above.endsWith(sep) ? above : above + sep);
}

function realOf(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}

/** The program, and the files among its arguments: `sh ./x`, `sh -c "exec ./x"` and `python x.py` start one as well. */
function commandRefusal(written: readonly string[], meant: readonly string[], folder: Folder): string | null {
  const [program = "", ...args] = meant;
  const refusal = programRefusal(written[0] ?? "", program, folder);
  if (refusal !== null) return refusal;
  for (const [index, text] of args.entries()) {
    const isLiteral = written[index + 1] === text;
    for (const word of wordsOf(text))
      if (word !== "" && isOfFolder(word, isLiteral ? word : "", folder))
        return `"${word}" in its arguments is a file of this folder`;
  }
  return null;
}

const wordsOf = (text: string): readonly string[] => text.split(/[\s;|&<>()"'`={},:]+/);

/**
 * The value of a child's variable: SHELL, BASH_ENV and the like are programs, CLAUDE_CONFIG_DIR is a folder of settings,
 * GIT_SSH_COMMAND and NODE_OPTIONS contain a file among other words.
 */
function variableRefusal(written: string, meant: string, folder: Folder): string | null {
  const reasons = [meant, ...wordsOf(meant)]
    .filter(looksLikePath)
    .map((path) => pathRefusal(written === meant ? path : "", path, folder));
  return firstOf(reasons) === null ? null : `"${written}" names a path relative to this folder`;
}

function isOfFolder(word: string, written: string, folder: Folder): boolean {
  if (/^\.\.?(?:\/|$)/.test(word)) return true;
  if (isAbsolute(word) || word.startsWith("~/")) return pathRefusal(written, word, folder) !== null;
  try {
    return statSync(join(folder.path, word)).isFile();
  } catch {
    return false;
  }
}

export type WithoutPrograms = {
  readonly value: Tree;
  /** Providers that are left out, and why. */
  readonly refused: ReadonlyMap<string, string>;
  /** What else is left out, a line each. */
  readonly notices: readonly string[];
};

const advice =
  "config.yaml was found in the working directory and not named explicitly; write an absolute path, or pass the file with --config";

/**
 * The config without anything that it may not start. `isFromFile` is false if a variable or flag has replaced the file's value.
 */
export function withoutFolderPrograms(
  value: Tree,
  written: unknown,
  isFromFile: (path: Path) => boolean,
  folder: Folder,
): WithoutPrograms {
  const refused = new Map<string, string>();
  const refusalOf = (path: Path, judge: typeof pathRefusal): string | null => {
    const meant = valueAt(value, path);
    if (typeof meant !== "string" || !isFromFile(path)) return null;
    const text = valueAt(written, path);
    const why = judge(typeof text === "string" ? text : "", meant, folder);
    return why === null ? null : `${dotted(path)}: ${why}; ${advice}`;
  };
  const variableOf = (base: Path): string | null => {
    const env = valueAt(value, [...base, "env"]);
    const names = isTree(env) ? Object.keys(env) : [];
    return firstOf(names.map((name) => refusalOf([...base, "env", name], variableRefusal)));
  };
  const reasonAt = (base: Path): string | null =>
    firstOf([
      refusalOf([...base, "bin"], programRefusal),
      refusalOf([...base, "config_dir"], pathRefusal),
      variableOf(base),
    ]);
  const { providers, tenants } = value;
  const ofTenants = Array.isArray(tenants) ? tenants.map((_, index) => variableOf(["tenants", index])) : [];
  const ofSection = firstOf([reasonAt(["cli"]), ...ofTenants]);
  for (const [id, provider] of isTree(providers) ? Object.entries(providers) : []) {
    if (!isTree(provider)) continue;
    const shared = provider["backend"] === "claude-cli" ? ofSection : null;
    const why = firstOf([reasonAt(["providers", id]), shared, tokenRefusal(id, provider, written, folder)]);
    if (why !== null) refused.set(id, why);
  }
  // Otherwise the section would create a provider with the refused values when no other is left.
  const { bin: _bin, config_dir: _login, env: _env, ...section } = isTree(value["cli"]) ? value["cli"] : {};
  const whyAlerts = alertRefusal(value, written, folder);
  return {
    value: {
      ...value,
      ...(ofSection === null ? {} : { cli: section }),
      ...(whyAlerts === null ? {} : { alerts: { ...Object(value["alerts"]), command: [] } }),
    },
    refused,
    notices: whyAlerts === null ? [] : [whyAlerts],
  };
}

function alertRefusal(value: Tree, written: unknown, folder: Folder): string | null {
  const command = valueAt(value, ["alerts", "command"]);
  if (!isTexts(command) || command.length === 0) return null;
  const text = valueAt(written, ["alerts", "command"]);
  const why = commandRefusal(isTexts(text) ? text : [], command, folder);
  return why === null ? null : `alerts.command is left out: ${why}; ${advice}`;
}

function tokenRefusal(id: string, provider: Tree, written: unknown, folder: Folder): string | null {
  const command = valueAt(provider, ["auth", "command"]);
  if (!isTexts(command)) return null;
  const text = valueAt(written, ["providers", id, "auth", "command"]);
  const why = commandRefusal(isTexts(text) ? text : [], command, folder);
  return why === null ? null : `providers.${id}.auth.command: ${why}; ${advice}`;
}

const firstOf = (reasons: readonly (string | null)[]): string | null =>
  reasons.find((each) => each !== null) ?? null;

const looksLikePath = (value: string): boolean => /^(?:\.{1,2}(?:\/|$)|~?\/)/.test(value);

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((each) => typeof each === "string");

/** The MCP servers that may be started, and a line for each that may not. `written`: as in their file. */
export function withoutFolderServers(
  servers: McpServers,
  written: unknown,
  folder: Folder,
): { readonly servers: McpServers; readonly notices: readonly string[] } {
  const notices: string[] = [];
  const kept = Object.entries(servers).filter(([name, server]) => {
    if (!("command" in server)) return true;
    // In a separate file nothing is expanded.
    const own = isTree(written) ? written[name] : server;
    const args = valueAt(own, ["args"]);
    const text = [String(valueAt(own, ["command"]) ?? ""), ...(isTexts(args) ? args : [])];
    const why = firstOf([
      commandRefusal(text, [server.command, ...server.args], folder),
      ...Object.entries(server.env).map(([key, value]) =>
        variableRefusal(String(valueAt(own, ["env", key]) ?? ""), value, folder),
      ),
    ]);
    if (why !== null) notices.push(`mcp_servers.${name} is left out: ${why}; ${advice}`);
    return why === null;
  });
  return { servers: Object.fromEntries(kept), notices };
}
