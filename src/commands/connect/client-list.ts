// `clawgate connect --list`: every client, its version, its config file and whether it is connected; what `doctor` says of them.

import type { Client, Surroundings } from "../../connect/client.ts";
import { clients } from "../../connect/client-table.ts";
import { homesOf, stateOf } from "../../connect/connection.ts";
import { type Connection, JournalProblem, readJournal } from "../../connect/journal.ts";
import { type Finding, findingsIn } from "../../operator/examination/finding.ts";
import { type Environment, stateDirectory } from "../../system/state-directory.ts";
import { type CommandContext, exitCodes } from "../command.ts";
import { plain, terminalStyle } from "../terminal.ts";
import { textTable } from "../text-table.ts";
import { clientEnvironment } from "./client-gateway.ts";
import { findClient } from "./client-options.ts";
import { programOf, surroundings, versionOf } from "./client-program.ts";

type Row = {
  readonly client: string;
  readonly title: string;
  readonly scope: "user" | "project";
  readonly project: string | null;
  readonly found: boolean;
  readonly version: string | null;
  readonly config: readonly string[];
  readonly state: "connected" | "changed" | "not connected";
  readonly changes: readonly string[];
};

/** A place is asked for without a gateway: only its paths count. */
const nowhere = { url: "http://127.0.0.1", key: "", models: [], command: "clawgate", isBilledByKey: false };

async function rowsOf(
  client: Client,
  around: Surroundings,
  journal: readonly Connection[],
): Promise<readonly Row[]> {
  const version = await versionOf(client, around);
  const found = programOf(client, around) !== null;
  const { id, title } = client;
  const own = journal.filter((each) => each.client === id);
  const connected = await Promise.all(
    own.map(async (entry): Promise<Row> => {
      const { scope, project, files } = entry;
      const homes = project === null ? homesOf(around) : [...homesOf(around), project];
      const { state, changes } = await stateOf(entry, homes);
      return {
        client: id,
        title,
        scope,
        project,
        found,
        version,
        config: files.map(({ path }) => path),
        state,
        changes,
      };
    }),
  );
  if (own.some(({ scope }) => scope === "user") || !client.scopes.includes("user")) return connected;
  const config = client.files(around, "user", nowhere).map(({ path }) => path);
  const none: Row = {
    client: id,
    title,
    scope: "user",
    project: null,
    found,
    version,
    config,
    state: "not connected",
    changes: [],
  };
  return [none, ...connected];
}

export async function listClients(
  context: CommandContext,
  values: {
    readonly json: boolean;
    readonly config?: string | undefined;
    readonly "state-dir"?: string | undefined;
  },
  name: string | undefined,
): Promise<number> {
  const only = name === undefined ? null : findClient(context, "connect", name);
  if (only !== null && "usage" in only) return only.usage;
  const around = surroundings(context);
  const journal = await readJournal(stateDirectory(clientEnvironment(context, values)));
  const listed = only === null ? clients : [only];
  const rows = (await Promise.all(listed.map((client) => rowsOf(client, around, journal)))).flat();
  if (values.json) context.stdout.write(`${JSON.stringify({ clients: rows }, null, 2)}\n`);
  else context.stdout.write(listText(rows, context));
  return exitCodes.ok;
}

function listText(rows: readonly Row[], context: CommandContext): string {
  const style = terminalStyle(context);
  const paints = { connected: style.green, changed: style.yellow, "not connected": style.dim };
  const columns = [
    { title: "CLIENT" },
    { title: "VERSION" },
    { title: "STATE" },
    { title: "CONFIG", shrinks: true },
  ];
  const cells = rows.map(({ client, scope, version, found, state, config }) => [
    scope === "user" ? client : `${client} (project)`,
    plain(version ?? (found ? "found" : "-")),
    { text: state, paint: paints[state] },
    plain(config.join(", ")),
  ]);
  const changes = rows.flatMap(({ client, changes: each }) =>
    each.map((what) => `${client}: ${plain(what)}\n`),
  );
  return `${textTable(columns, cells, style)}${changes.join("")}`;
}

const inClients = findingsIn("clients");

/** Nothing for a machine on which no client was connected. */
export async function connectionFindings(
  context: CommandContext,
  environment: Environment,
): Promise<readonly Finding[]> {
  const around = surroundings(context);
  let journal: readonly Connection[];
  try {
    journal = await readJournal(stateDirectory(environment));
  } catch (thrown) {
    if (!(thrown instanceof JournalProblem)) throw thrown;
    return [inClients("warning", "journal", thrown.message)];
  }
  return Promise.all(
    journal.map(async (entry): Promise<Finding> => {
      const title = clients.find(({ id }) => id === entry.client)?.title ?? entry.client;
      const homes = entry.project === null ? homesOf(around) : [...homesOf(around), entry.project];
      const { state, changes } = await stateOf(entry, homes);
      const shown = entry.project === null ? title : `${title} in ${entry.project}`;
      if (state === "connected") return inClients("ok", entry.client, shown, `connected to ${entry.url}`);
      const advice = `clawgate connect ${entry.client}${entry.scope === "project" ? " --scope project" : ""} writes it again`;
      return inClients("warning", entry.client, shown, changes.join("; "), advice);
    }),
  );
}
