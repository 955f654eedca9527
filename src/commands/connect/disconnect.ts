// `clawgate disconnect`: takes back exactly what connecting wrote into a client's config, whatever else the user has edited since.

import type { Surroundings } from "../../connect/client.ts";
import { homesOf, undoConnection, undoPlan, type UndoPlan } from "../../connect/connection.ts";
import { type Connection, holdingJournal, isSameConnection, readJournal } from "../../connect/journal.ts";
import { EditProblem } from "../../config/edit.ts";
import { ConfigProblem } from "../../config/problems.ts";
import { type Command, type CommandContext, exitCodes } from "../command.ts";
import { askConsent, canAsk, interrupted } from "../consent.ts";
import { gatewayOptionsHelp } from "../gateway-options.ts";
import { readOptions, refuseUsage } from "../options.ts";
import { GatewayProblem } from "../running-gateway.ts";
import { setup } from "../setup.ts";
import { plain, terminalStyle } from "../terminal.ts";
import { clientEnvironment, clientGateway, connectionsFolder, dropClientKey } from "./client-gateway.ts";
import { clientNamed, inStateDirectory, setupFlags, sharedFlags } from "./client-options.ts";
import { surroundings } from "./client-program.ts";
import { diffLines, paintedDiff } from "./client-text.ts";
import { inWords } from "./connect.ts";
import { keyWord } from "../../connect/client.ts";

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
    const project = named.scope === "project" ? around.workingDirectory : null;
    const wanted = { client: named.client.id, scope: named.scope, project };
    const entry = (await readJournal(stateFolder)).find((each) => isSameConnection(each, wanted));
    if (entry !== undefined) return disconnectClient(context, { entry, around, stateFolder, values });
    if (values.json)
      context.stdout.write(
        `${JSON.stringify({ client: wanted.client, written: false, connected: false })}\n`,
      );
    else
      context.stdout.write(
        `${named.client.title} is not connected${project === null ? "" : ` in ${plain(project)}`}.\n`,
      );
    return exitCodes.ok;
  });
}

type Work = {
  readonly entry: Connection;
  readonly around: Surroundings;
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
  const { entry, around, stateFolder, values } = work;
  const plan = await undoPlan(entry, homesOf(around));
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
  await holdingJournal(stateFolder, () => undoConnection(stateFolder, entry, plan));
  const notes = await withoutKey(context, work);
  if (values.json) writeJson(context, entry, plan, notes, true);
  else {
    const style = terminalStyle(context);
    for (const note of notes) context.stdout.write(`${style.yellow("note")}  ${plain(note)}\n`);
    context.stdout.write(`${style.green("ok")}    ${entry.client} is disconnected.\n`);
  }
  return exitCodes.ok;
}

/** The client's files are as they were, so a key that cannot be removed is only told. */
async function withoutKey(context: CommandContext, { entry, values }: Work): Promise<readonly string[]> {
  if (entry.keyEdit === null) return [];
  try {
    const left = await dropClientKey(await clientGateway(context, values), entry.keyEdit);
    return left === null ? [] : [left];
  } catch (thrown) {
    const isTold =
      thrown instanceof EditProblem || thrown instanceof GatewayProblem || thrown instanceof ConfigProblem;
    if (!isTold) throw thrown;
    return [`its key ${entry.keyEdit.name} is still in auth.clients: ${thrown.message}`];
  }
}

const shownLeft = ({ left, gone }: UndoPlan): readonly string[] => [
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
