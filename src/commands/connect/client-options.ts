// The arguments that connect and disconnect share.

import { nearest } from "../../canon/nearest.ts";
import type { Client, Scope } from "../../connect/client.ts";
import { clients } from "../../connect/client-table.ts";
import type { CommandContext } from "../command.ts";
import { gatewayOptions } from "../gateway-options.ts";
import { type Refused, refuseUsage } from "../options.ts";

export const sharedFlags = {
  ...gatewayOptions,
  scope: { type: "string", default: "user" },
  yes: { type: "boolean", default: false },
  "dry-run": { type: "boolean", default: false },
} as const;

export function findClient(
  context: CommandContext,
  command: string,
  name: string | undefined,
): Client | Refused {
  const known = clients.map(({ id }) => id);
  if (name === undefined) return refuseUsage(context, command, `name a client: ${known.join(", ")}`);
  const found = clients.find(({ id }) => id === name);
  if (found !== undefined) return found;
  const near = nearest(name, [...known, "openclaw"]);
  const hint = near === null ? `; known are ${known.join(", ")}` : `; did you mean ${near}?`;
  return refuseUsage(context, command, `there is no client "${name.slice(0, 60)}"${hint}`);
}

export function clientNamed(
  context: CommandContext,
  command: string,
  name: string | undefined,
  scope: string,
): { readonly client: Client; readonly scope: Scope } | Refused {
  const client = findClient(context, command, name);
  if ("usage" in client) return client;
  if (scope !== "user" && scope !== "project")
    return refuseUsage(context, command, "--scope must be user or project");
  if (!client.scopes.includes(scope))
    return refuseUsage(context, command, `${client.id} has no config with the scope "${scope}"`);
  return { client, scope };
}

/** The options of `connect openclaw` as `setup` takes them. */
export function setupFlags(values: {
  readonly yes: boolean;
  readonly "dry-run": boolean;
  readonly json: boolean;
  readonly print?: boolean;
  readonly config?: string | undefined;
}): readonly string[] {
  const set = (["yes", "dry-run", "json", "print"] as const).filter((name) => values[name] === true);
  return [
    ...set.map((name) => `--${name}`),
    ...(values.config === undefined ? [] : ["--config", values.config]),
  ];
}

/** For a command that has no `--state-dir` of its own. */
export const inStateDirectory = (context: CommandContext, named: string | undefined): CommandContext =>
  named === undefined
    ? context
    : { ...context, environment: { ...context.environment, CLAWGATE_STATE_DIR: named } };
