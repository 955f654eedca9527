// Notices for the operator of a CLI provider at the start: whose login tenants use, and which tenants have none.
// It must never search for a login: it only reports what is configured.

import { normalize } from "node:path";
import { refusedVariable } from "../backends/claude-code/settings.ts";
import type { Config } from "./schema.ts";

type Env = Readonly<Record<string, string>>;

/** Variables that are a tenant's own key, or select a cloud that has one: then no login is needed. */
const keys = /^(?:ANTHROPIC_API_KEY|ANTHROPIC_AUTH_TOKEN|CLAUDE_CODE_USE_(?:BEDROCK|VERTEX|FOUNDRY))$/;
const token = "CLAUDE_CODE_OAUTH_TOKEN";

const hasKey = (env: Env): boolean =>
  Object.entries(env).some(([name, value]) => keys.test(name) && value !== "");

/** `home`: the value of `~`. */
export function cliNotices(
  config: Pick<Config, "providers" | "cli" | "tenants">,
  home: string | undefined,
): readonly string[] {
  /** One name for each folder, however it is written. */
  const place = (path: string | undefined): string | undefined =>
    path === undefined
      ? undefined
      : normalize(path.replace(/^~(?=\/|$)/, home ?? "~")).replace(/(.)\/$/, "$1");
  return Object.entries(config.providers).flatMap(([id, provider]) => {
    if (provider.backend !== "claude-cli") return [];
    const shared: Env = { ...config.cli?.env, ...provider.env };
    const folder =
      place(provider.config_dir ?? config.cli?.config_dir ?? shared["CLAUDE_CONFIG_DIR"]) ?? null;
    if (hasKey(shared)) return [];
    /** The login that a tenant uses; null: none is configured. */
    const loginOf = ({ env, config_dir, uid }: Config["tenants"][number]): string | null =>
      env[token] ??
      place(config_dir ?? env["CLAUDE_CONFIG_DIR"]) ??
      shared[token] ??
      // Another user has its own home, and its own login there.
      (uid === undefined ? folder : `uid ${uid}`);
    const tenants = config.tenants.filter(({ env }) => !hasKey(env));
    const users = Map.groupBy(tenants, loginOf);
    const without = users.get(null) ?? [];
    return [
      ...[...users].flatMap(([login, sharing]) =>
        login === null || sharing.length < 2
          ? []
          : [
              sharedNotice(
                id,
                sharing.map(({ name }) => name),
              ),
            ],
      ),
      ...(without.length === 0
        ? []
        : [
            lacking(
              id,
              without.map(({ name }) => name),
            ),
          ]),
    ];
  });
}

const sharedNotice = (id: string, names: readonly string[]): string =>
  `providers.${id}: the tenants ${listed(names)} share one Claude login. A subscription is for its owner's own ordinary use ` +
  "(Anthropic's consumer terms); unless all of them are your own agents, give each an ANTHROPIC_API_KEY in its env or a config_dir";

const lacking = (id: string, names: readonly string[]): string =>
  `providers.${id}: Claude Code has no login for ${names.length === 1 ? "the tenant" : "the tenants"} ${listed(names)}: ` +
  "each needs its own login folder. Set ANTHROPIC_API_KEY in its env, or config_dir to the folder that `clawgate login` signs in to";

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(", ");
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}

/** Variables that are set but never reach the program: an operator who relies on one must be warned. */
export function variableNotices(config: Pick<Config, "providers" | "cli" | "tenants">): readonly string[] {
  const places: readonly (readonly [string, Env | undefined, RegExp])[] = [
    ["cli.env", config.cli?.env, refusedVariable],
    ...Object.entries(config.providers).map(
      ([id, { env }]) => [`providers.${id}.env`, env, refusedVariable] as const,
    ),
    // HOME is the tenant's folder, or the home of its `uid`.
    ...config.tenants.map(
      ({ env }, at) => [`tenants[${at}].env`, env, new RegExp(`${refusedVariable.source}|^HOME$`)] as const,
    ),
  ];
  return places.flatMap(([place, env = {}, refused]) => {
    const names = Object.keys(env).filter((name) => refused.test(name));
    return names.length === 0
      ? []
      : [`${place}: ${names.join(", ")} ${names.length === 1 ? "is" : "are"} not passed to Claude Code`];
  });
}
