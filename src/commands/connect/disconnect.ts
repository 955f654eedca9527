// `clawgate disconnect`: takes back exactly what connecting wrote into a client's config, whatever else the user has edited since.

import { existsSync } from "node:fs";
import { type Client, keyWord, type Scope, type Surroundings } from "../../connect/client.ts";
import { boundsOf, type Place, undoConnection, undoPlan, type UndoPlan } from "../../connect/connection.ts";
import {
  type Connection,
  holdingJournal,
  isSameConnection,
  JournalProblem,
  readJournal,
  writeJournal,
} from "../../connect/journal.ts";
import { EditProblem } from "../../config/edit.ts";
import { ConfigProblem } from "../../config/problems.ts";
import { type Command, type CommandContext, exitCodes } from "../command.ts";
import { askConsent, canAsk, interrupted } from "../consent.ts";
import { gatewayOptionsHelp } from "../gateway-options.ts";
import { readOptions, refuseUsage } from "../options.ts";
import { GatewayProblem } from "../running-gateway.ts";
import { setup } from "../setup.ts";
import { plain, terminalStyle } from "../terminal.ts";
import { clientEnvironment, clientGateway, connectionsFolder } from "./client-gateway.ts";
import { dropClientKey } from "./client-key.ts";
import { clientNamed, inStateDirectory, setupFlags, sharedFlags } from "./client-options.ts";
import { surroundings } from "./client-program.ts";
import { diffLines, paintedDiff } from "./client-text.ts";
import { inWords } from "./connect.ts";
import { placesOf } from "./connection-changes.ts";

const help = `Usage: clawgate disconnect <client> [options]

Takes back what clawgate connect wrote into the client's config: byte for byte, also where you have edited the file since. A value of
ours that you have changed is yours: it is left and named. A key that was made for the client is removed from auth.clients.

Options:
  --scope SCOPE   user (default) or project: the config of the folder that you are in
  --yes           write without asking (needed without a terminal)
  --dry-run       only show what would be written
  --json          the result as JSON
${gatewayOptionsHelp}`;

async function run(context: CommandContext): Promise<number> {
  const read = readOptions(context, "disconnect", sharedFlags, 1);
  if ("usage" in read) return read.usage;
  const { values, positionals } = read;
  const [name] = positionals;
  if (name === "openclaw") return undoSetup(context, values);
  const named = clientNamed(context, "disconnect", name, values.scope);
  if ("usage" in named) return named.usage;
  return inWords(context, async () => {
    const around = surroundings(context);
    const stateFolder = await connectionsFolder(clientEnvironment(context, values));
    const journal = await readJournal(stateFolder);
    const entry = entryFor(journal, named.client, named.scope, around);
    if (entry !== null) {
      const places = placesOf(named.client, around, entry.scope);
      return disconnectClient(context, { entry, around, places, stateFolder, values });
    }
    const others = journal.flatMap(({ client, project }) =>
      client === named.client.id && project !== null ? [project] : [],
    );
    if (values.json) {
      const report = { client: named.client.id, written: false, connected: false, projects: others };
      context.stdout.write(`${JSON.stringify(report)}\n`);
    } else {
      const here = named.scope === "project" ? ` in ${plain(around.workingDirectory)}` : "";
      const there =
        others.length === 0
          ? ""
          : ` It is in ${plain(others.join(", "))}: \`--scope project\` takes that back when you are in there.`;
      context.stdout.write(`${named.client.title} is not connected${here}.${there}\n`);
    }
    return exitCodes.ok;
  });
}

/** A project that was moved or removed cannot be gone into: its connection is taken back from anywhere. */
function entryFor(
  journal: readonly Connection[],
  client: Client,
  scope: Scope,
  { workingDirectory }: Surroundings,
): Connection | null {
  const project = scope === "project" ? workingDirectory : null;
  const wanted = { client: client.id, scope, project };
  const isLost = ({ client: id, project: folder }: Connection): boolean =>
    scope === "project" && id === client.id && folder !== null && !existsSync(folder);
  return journal.find((each) => isSameConnection(each, wanted)) ?? journal.find(isLost) ?? null;
}

type Work = {
  readonly entry: Connection;
  readonly around: Surroundings;
  /** Where the client has its config now. */
  readonly places: readonly Place[];
  readonly stateFolder: string;
  readonly values: {
    readonly yes: boolean;
    readonly "dry-run": boolean;
    readonly json: boolean;
    readonly config?: string | undefined;
    readonly "state-dir"?: string | undefined;
  };
};

async function disconnectClient(context: CommandContext, work: Work): Promise<number> {
  const { entry, around, places, stateFolder, values } = work;
  // Of a project that was moved: what is in the folder that the user is in.
  const isLost = entry.project !== null && !existsSync(entry.project);
  const bounds = boundsOf(around, isLost ? around.workingDirectory : entry.project);
  const plan = await undoPlan(entry, bounds, places);
  if (!values.json) show(context, entry, plan);
  if (values["dry-run"]) {
    if (values.json) writeJson(context, entry, plan, []);
    return exitCodes.ok;
  }
  if (!values.yes) {
    if (values.json || !canAsk(context))
      return refuseUsage(
        context,
        "disconnect",
        "nothing was written: there is no terminal to ask; pass --yes",
      ).usage;
    const consent = await askConsent(context);
    if (consent !== "yes") {
      context.stdout.write("Nothing was written.\n");
      return consent === "no" ? exitCodes.ok : interrupted;
    }
  }
  const notes = await holdingJournal(stateFolder, async () => {
    const now = (await readJournal(stateFolder)).find((each) => isSameConnection(each, entry));
    if (!Bun.deepEquals(now, entry))
      throw new JournalProblem(
        `another command has connected or disconnected ${entry.client} meanwhile: try again`,
      );
    await undoConnection(stateFolder, entry, plan);
    return withoutKey(context, work);
  });
  if (values.json) writeJson(context, entry, plan, notes, true);
  else {
    const style = terminalStyle(context);
    for (const note of notes) context.stdout.write(`${style.yellow("note")}  ${plain(note)}\n`);
    context.stdout.write(`${style.green("ok")}    ${entry.client} is disconnected.\n`);
  }
  return exitCodes.ok;
}

/** The client's files are as they were, so a key that cannot be removed is only told, and stays in the journal. */
async function withoutKey(
  context: CommandContext,
  { entry, stateFolder, values }: Work,
): Promise<readonly string[]> {
  const { keyEdit, client, scope } = entry;
  if (keyEdit === null) return [];
  try {
    const { left, isGone } = await dropClientKey(await clientGateway(context, values), keyEdit);
    if (isGone) await writeJournal(stateFolder, entry, null);
    return left === null ? [] : [left];
  } catch (thrown) {
    const isTold =
      thrown instanceof EditProblem || thrown instanceof GatewayProblem || thrown instanceof ConfigProblem;
    if (!isTold) throw thrown;
    const command = `clawgate disconnect ${client}${scope === "project" ? " --scope project" : ""}`;
    return [
      `its key ${keyEdit.name} is not taken out of auth.clients: ${thrown.message}. When that is mended, \`${command}\` does it`,
    ];
  }
}

const shownLeft = ({ left, gone, moved }: UndoPlan): readonly string[] => [
  ...moved.map(({ from, to }) => `${from} is gone; ${to} holds what was written there`),
  ...left.map(({ place, path, why }) =>
    why === "changed"
      ? `${place} in ${path} was changed since and is left`
      : `${place} in ${path} was removed already`,
  ),
  ...gone.map((path) => `${path} is gone`),
];

function show(context: CommandContext, entry: Connection, plan: UndoPlan): void {
  const style = terminalStyle(context);
  for (const change of plan.changes)
    context.stdout.write(paintedDiff(diffLines(change, keyWord(entry.client)), style));
  for (const line of shownLeft(plan)) context.stdout.write(`${style.yellow("note")}  ${plain(line)}\n`);
}

function writeJson(
  context: CommandContext,
  { client, scope }: Connection,
  plan: UndoPlan,
  notes: readonly string[],
  isWritten = false,
): void {
  const files = plan.changes.map((change) => ({
    path: change.file.path,
    real_path: change.file.realPath,
    removed: change.after === null,
    diff: diffLines(change, keyWord(client)),
  }));
  const report = {
    client,
    scope,
    written: isWritten,
    files,
    left: plan.left,
    notes: [...shownLeft(plan), ...notes],
  };
  context.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
}

export const disconnect: Command = {
  name: "disconnect",
  summary: "take back what connect wrote",
  help,
  run,
};

/** `setup --undo` asks nothing and shows nothing beforehand. */
async function undoSetup(
  context: CommandContext,
  values: Parameters<typeof setupFlags>[0] & { readonly "state-dir"?: string | undefined },
): Promise<number> {
  const refused = (why: string): number => refuseUsage(context, "disconnect", why).usage;
  if (values["dry-run"] === true)
    return refused("what setup wrote cannot be shown before it is taken back: leave --dry-run out");
  if (values.yes !== true) {
    if (values.json === true || !canAsk(context))
      return refused("nothing was written: there is no terminal to ask; pass --yes");
    const consent = await askConsent(context);
    if (consent !== "yes") {
      context.stdout.write("Nothing was written.\n");
      return consent === "no" ? exitCodes.ok : interrupted;
    }
  }
  const args = ["--undo", ...setupFlags({ ...values, yes: false, "dry-run": false })];
  return setup.run({ ...inStateDirectory(context, values["state-dir"]), args });
}
