// What is no longer as it was when a client was connected: its files, its program, the place of its config, the gateway's address and
// keys. Shared by `connect --list` and `clawgate doctor`.

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { ConfigProblem } from "../../config/problems.ts";
import type { Client, Scope, Surroundings } from "../../connect/client.ts";
import { clients } from "../../connect/client-table.ts";
import { boundsOf, type Place, stateOf } from "../../connect/connection.ts";
import type { Connection } from "../../connect/journal.ts";
import type { CommandContext } from "../command.ts";
import { GatewayProblem } from "../running-gateway.ts";
import { type ClientGateway, clientGateway } from "./client-gateway.ts";
import { checkedBy, programOf } from "./client-program.ts";

/** A place is asked for without a gateway: only its paths count. */
const nowhere = { url: "http://127.0.0.1", key: "", models: [], command: "clawgate", isBilledByKey: false };

/** Where the client reads its config now. */
export const placesOf = (client: Client, around: Surroundings, scope: Scope): readonly Place[] =>
  client.files(around, scope, nowhere).map(({ path, format }) => ({ path, format }));

/** The gateway of now; null: its config is broken, or nobody knows its port. */
export async function presentGateway(
  context: CommandContext,
  values: Parameters<typeof clientGateway>[1],
): Promise<ClientGateway | null> {
  try {
    return await clientGateway(context, values);
  } catch (thrown) {
    if (thrown instanceof ConfigProblem || thrown instanceof GatewayProblem) return null;
    throw thrown;
  }
}

export type Present = {
  readonly around: Surroundings;
  readonly gateway: ClientGateway | null;
  /** Of the client's program; null: unknown. */
  readonly version: string | null;
};

/** A phrase each; empty: the client is connected as it was. Nothing is started. */
export async function changesOf(
  entry: Connection,
  { around, gateway, version }: Present,
): Promise<readonly string[]> {
  const { project, scope } = entry;
  if (project !== null && !existsSync(project)) return [`${project} is gone`];
  const { changes } = await stateOf(entry, boundsOf(around, project));
  const client = clients.find(({ id }) => id === entry.client);
  if (client === undefined) return changes;
  const there = project === null ? around : { ...around, workingDirectory: project };
  const known = entry.files.map(({ path }) => path);
  const elsewhere = placesOf(client, there, scope)
    .map(({ path }) => resolve(path))
    .filter((path) => known.length > 0 && !known.includes(path))
    .map((path) => `its config is ${path} now, and nothing was written there`);
  return [
    ...changes,
    ...elsewhere,
    ...(client.rivals?.(there, scope, entry.url) ?? []),
    ...programChanges(entry, client, { around, version }),
    ...(gateway === null ? [] : gatewayChanges(entry, gateway)),
  ];
}

function programChanges(
  entry: Connection,
  client: Client,
  { around, version }: Pick<Present, "around" | "version">,
): readonly string[] {
  const then = entry.version ?? null;
  if (then === null) return [];
  if (programOf(client, around) === null) return ["its program is not found any more"];
  // What is written for it depends on what its program tells.
  if (client.asks !== undefined && version !== null && version !== then)
    return [`it was written for version ${then}, and ${version} is installed`];
  return [];
}

function gatewayChanges(
  { url, keyHash, keyEdit, files }: Connection,
  { url: now, asksForKeys, loaded }: ClientGateway,
): readonly string[] {
  if (files.length === 0) return [];
  const known = loaded.config.auth.clients.some(({ key }) => key === `sha256:${keyHash}`);
  const isRemoved = keyHash !== null && keyEdit?.path === loaded.path && !known;
  return [
    ...(url === now ? [] : [`it is told ${url}, and the gateway is at ${now}`]),
    ...(asksForKeys && keyHash === null ? ["the gateway asks for keys now, and it has none"] : []),
    ...(asksForKeys && isRemoved ? ["its key is no longer in auth.clients"] : []),
  ];
}

/** What the client's own checker says; null: nothing, or it has none here. */
export async function checkerProblem(entry: Connection, around: Surroundings): Promise<string | null> {
  const client = clients.find(({ id }) => id === entry.client);
  if (client === undefined || entry.files.length === 0) return null;
  if (entry.project !== null && !existsSync(entry.project)) return null;
  const there = entry.project === null ? around : { ...around, workingDirectory: entry.project };
  const problem = await checkedBy(client, there);
  return problem === null ? null : `${client.title} itself says: ${problem}`;
}
