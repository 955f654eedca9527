// `clawgate connect --list`: every client, its version, its config file and whether it is connected; what `doctor` says of them.

import { existsSync } from "node:fs";
import type { Client } from "../../connect/client.ts";
import { clients } from "../../connect/client-table.ts";
import { type Connection, JournalProblem, readJournal } from "../../connect/journal.ts";
import { type Finding, findingsIn } from "../../operator/examination/finding.ts";
import { type Environment, stateDirectory } from "../../system/state-directory.ts";
import { type CommandContext, exitCodes } from "../command.ts";
import { plain, terminalStyle } from "../terminal.ts";
import { textTable } from "../text-table.ts";
import { clientEnvironment } from "./client-gateway.ts";
import { findClient } from "./client-options.ts";
import { programOf, surroundings, versionOf } from "./client-program.ts";
import { changesOf, checkerProblem, placesOf, type Present, presentGateway } from "./connection-changes.ts";

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

async function rowsOf(
  client: Client,
  { around, gateway }: Pick<Present, "around" | "gateway">,
  journal: readonly Connection[],
): Promise<readonly Row[]> {
  const version = await versionOf(client, around);
  const found = programOf(client, around) !== null;
  const { id, title } = client;
  const own = journal.filter((each) => each.client === id);
  const connected = await Promise.all(
    own.map(async (entry): Promise<Row> => {
      const { scope, project, files } = entry;
      const changes = await changesOf(entry, { around, gateway, version });
      return {
        client: id,
        title,
        scope,
        project,
        found,
        version,
        config: files.map(({ path }) => path),
        state: changes.length === 0 ? "connected" : "changed",
        changes,
      };
    }),
  );
  if (own.some(({ scope }) => scope === "user") || !client.scopes.includes("user")) return connected;
  const config = placesOf(client, around, "user").map(({ path }) => path);
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
  const gateway = journal.length === 0 ? null : await presentGateway(context, values);
  const present = { around, gateway };
  const rows = (await Promise.all(listed.map((client) => rowsOf(client, present, journal)))).flat();
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

/** Nothing for a machine on which no client was connected. `isQuick`: no client's program is started. */
export async function connectionFindings(
  context: CommandContext,
  environment: Environment,
  { isQuick, config }: { readonly isQuick: boolean; readonly config: string | undefined },
): Promise<readonly Finding[]> {
  const around = surroundings(context);
  let journal: readonly Connection[];
  try {
    journal = await readJournal(stateDirectory(environment));
  } catch (thrown) {
    if (!(thrown instanceof JournalProblem)) throw thrown;
    return [inClients("warning", "journal", thrown.message)];
  }
  const gateway = journal.length === 0 ? null : await presentGateway(context, { config });
  return Promise.all(
    journal.map(async (entry): Promise<Finding> => {
      const client = clients.find(({ id }) => id === entry.client);
      const version = client === undefined || isQuick ? null : await versionOf(client, around);
      const changes = await changesOf(entry, { around, gateway, version });
      const problem = changes.length > 0 || isQuick ? null : await checkerProblem(entry, around);
      return findingOf(entry, client, problem === null ? changes : [problem]);
    }),
  );
}

function findingOf(entry: Connection, client: Client | undefined, changes: readonly string[]): Finding {
  const { client: id, project, url, files } = entry;
  const title = client?.title ?? id;
  const shown = project === null ? title : `${title} in ${project}`;
  if (changes.length === 0) return inClients("ok", id, shown, `connected to ${url}`);
  const isLost = project !== null && !existsSync(project);
  const inProject = project === null ? "" : isLost ? " --scope project" : " --scope project, in that folder,";
  const again = `clawgate connect ${id}${inProject} writes it again, clawgate disconnect ${id}${inProject} takes it back`;
  const back = `clawgate disconnect ${id}${inProject} takes back what is left`;
  return inClients("warning", id, shown, changes.join("; "), isLost || files.length === 0 ? back : again);
}
