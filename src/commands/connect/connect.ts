// `clawgate connect`: shows what it would write into a client's config, and writes it after consent. It must never write without
// consent, and never show a key.

import { basename } from "node:path";
import { EditProblem } from "../../config/edit.ts";
import { ConfigProblem } from "../../config/problems.ts";
import { type Client, keyWord, type Scope, type Surroundings } from "../../connect/client.ts";
import { clients } from "../../connect/client-table.ts";
import { ClientFileProblem } from "../../connect/client-file.ts";
import {
  boundsOf,
  type ConnectionPlan,
  keyOf,
  planConnection,
  writeConnection,
} from "../../connect/connection.ts";
import {
  type Connection,
  holdingJournal,
  isSameConnection,
  JournalProblem,
  readJournal,
  writeJournal,
} from "../../connect/journal.ts";
import { instructed, type Instructed } from "../../connect/instructions.ts";
import { sha256Hex } from "../../system/secret.ts";
import { type Command, type CommandContext, exitCodes } from "../command.ts";
import { askConsent, canAsk, interrupted } from "../consent.ts";
import { gatewayOptionsHelp } from "../gateway-options.ts";
import { readOptions, refuseUsage } from "../options.ts";
import { GatewayProblem } from "../running-gateway.ts";
import { setup } from "../setup.ts";
import { plain, terminalStyle } from "../terminal.ts";
import { clientGateway, connectionsFolder, modelsAt } from "./client-gateway.ts";
import {
  addClientKey,
  type ClientKey,
  type PlannedKey,
  planClientKey,
  takeBackClientKey,
} from "./client-key.ts";
import { listClients } from "./client-list.ts";
import { clientNamed, inStateDirectory, sharedFlags, setupFlags } from "./client-options.ts";
import { askedSurroundings, checkedBy, surroundings, versionOf } from "./client-program.ts";
import { keyToCome } from "./client-text.ts";
import { gatewayFor, notesOf, print, show, type Target, writeJson } from "./connect-report.ts";

const help = `Usage: clawgate connect <client> [options]
       clawgate connect --list [--json]

Connects a client to the gateway: shows the change of its config file as a diff, keeps a copy beside it (.clawgate-backup), and
writes only what is needed; comments, order and everything else stay. clawgate disconnect takes exactly that back. Where the gateway
asks for keys the client gets one of its own (auth.clients in the config), which is shown nowhere.

Clients: ${clients.map(({ id }) => id).join(", ")}, openclaw (the same as clawgate setup),
${instructed.map(({ id }) => id).join(", ")} (told what to do by hand).

Options:
  --list          every client: its version, its config file, and whether it is connected
  --scope SCOPE   user (default) or project: the config of the folder that you are in
  --yes           write without asking (needed without a terminal)
  --dry-run       only show what would be written
  --print         print what belongs into the client's config, to be merged by hand
  --json          the result as JSON
${gatewayOptionsHelp}`;

const options = {
  ...sharedFlags,
  list: { type: "boolean", default: false },
  print: { type: "boolean", default: false },
} as const;

async function run(context: CommandContext): Promise<number> {
  const read = readOptions(context, "connect", options, 1);
  if ("usage" in read) return read.usage;
  const { values, positionals } = read;
  const [name] = positionals;
  if (values.list) return inWords(context, () => listClients(context, values, name));
  if (name === "openclaw")
    return setup.run({ ...inStateDirectory(context, values["state-dir"]), args: setupFlags(values) });
  const byHand = instructed.find(({ id }) => id === name);
  if (byHand !== undefined) return instruct(context, byHand, values.json);
  const client = clientNamed(context, "connect", name, values.scope);
  if ("usage" in client) return client.usage;
  return inWords(context, () => connectClient(context, client.client, client.scope, values));
}

function instruct(
  { stdout }: Pick<CommandContext, "stdout">,
  { id, title, steps }: Instructed,
  isJson: boolean,
): number {
  const report = { client: id, written: false, steps };
  const text = steps.map((step, at) => `${at + 1}. ${step}\n`).join("");
  stdout.write(
    isJson
      ? `${JSON.stringify(report, null, 2)}\n`
      : `${title} is connected by hand; nothing is written.\n${text}`,
  );
  return exitCodes.ok;
}

/** Problems that a person can solve become words and an exit code; everything else is thrown on. */
export async function inWords(
  { stderr }: Pick<CommandContext, "stderr">,
  work: () => Promise<number>,
): Promise<number> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof ConfigProblem) {
      stderr.write(`${thrown.message}\n`);
      return exitCodes.config;
    }
    const isTold =
      thrown instanceof ClientFileProblem ||
      thrown instanceof JournalProblem ||
      thrown instanceof GatewayProblem ||
      thrown instanceof EditProblem;
    if (!isTold) throw thrown;
    stderr.write(`clawgate: ${plain(thrown.message)}\n`);
    return thrown instanceof EditProblem ? exitCodes.config : exitCodes.failed;
  }
}

type Work = Target & {
  readonly stateFolder: string;
  readonly old: Connection | null;
  /** What is to be said beside the change. */
  readonly notes: readonly string[];
};

const wantedOf = (client: Client, scope: Scope, { workingDirectory }: Surroundings) => ({
  client: client.id,
  scope,
  project: scope === "project" ? workingDirectory : null,
});

async function connectClient(
  context: CommandContext,
  client: Client,
  scope: Scope,
  values: Target["values"],
): Promise<number> {
  const around = await askedSurroundings(client, surroundings(context));
  const gateway = await clientGateway(context, values);
  const shownKey = gateway.asksForKeys ? keyToCome : keyWord(client.id);
  const target = { context, client, scope, values, around, gateway };
  // Before the client's files are looked at: it is asked for where they cannot be edited.
  if (values.print) {
    await print(target, shownKey);
    return exitCodes.ok;
  }
  const stateFolder = await connectionsFolder(gateway.environment);
  const wanted = wantedOf(client, scope, around);
  const old = (await readJournal(stateFolder)).find((each) => isSameConnection(each, wanted)) ?? null;
  const work = { ...target, stateFolder, old };
  const preview = await planFor(work, shownKey, { made: null, version: null });
  const notes = await notesOf(target, preview, shownKey);
  const isWritten = values.yes && !values["dry-run"];
  const hasChanges = preview.changes.some(({ file, after }) => file.text !== after);
  if (!values.json) show(target, preview, { shownKey, notes });
  if (values["dry-run"] || preview.changes.length === 0) {
    if (values.json) writeJson(target, preview, { shownKey, notes, isWritten: false, problem: null });
    return exitCodes.ok;
  }
  if (!isWritten && hasChanges) {
    if (values.json || !canAsk(context))
      return refuseUsage(context, "connect", "nothing was written: there is no terminal to ask; pass --yes")
        .usage;
    const consent = await askConsent(context);
    if (consent !== "yes") {
      context.stdout.write("Nothing was written.\n");
      return consent === "no" ? exitCodes.ok : interrupted;
    }
  }
  return holdingJournal(stateFolder, () => write({ ...work, notes }, preview, shownKey));
}

async function planFor(
  work: Omit<Work, "notes">,
  key: string,
  { made, version }: { readonly made: ClientKey | null; readonly version: string | null },
): Promise<ConnectionPlan> {
  const { client, around, scope, old } = work;
  return planConnection({
    client,
    around,
    scope,
    gateway: await gatewayFor(work, key),
    made,
    old,
    version,
    now: new Date().toISOString(),
  });
}

/** The key that the client has and the config knows, else a new one (`planned`); null: the gateway asks for none. */
async function keyFor({
  client,
  scope,
  around,
  gateway,
  old,
}: Work): Promise<{ readonly key: ClientKey; readonly planned: PlannedKey | null } | null> {
  if (!gateway.asksForKeys) return null;
  const edit = old?.keyEdit ?? null;
  const own = old === null || edit === null ? null : await keyOf(old, boundsOf(around, old.project));
  const known = gateway.loaded.config.auth.clients.find((each) => each.name === edit?.name)?.key;
  if (own !== null && edit !== null && known === `sha256:${sha256Hex(own)}`)
    return { key: { key: own, hash: sha256Hex(own), edit }, planned: null };
  const name = scope === "user" ? client.id : `${client.id}-${folderName(around.workingDirectory)}`;
  const planned = planClientKey(gateway, name, edit);
  return { key: planned, planned };
}

/** Two projects may have folders of the same name. */
function folderName(path: string): string {
  const word = basename(path)
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .slice(0, 30);
  return `${word}-${sha256Hex(path).slice(0, 6)}`;
}

async function write(work: Work, preview: ConnectionPlan, shownKey: string): Promise<number> {
  const { context, client, scope, around, gateway, stateFolder, old, values, notes } = work;
  const wanted = wantedOf(client, scope, around);
  const now = (await readJournal(stateFolder)).find((each) => isSameConnection(each, wanted)) ?? null;
  if (!Bun.deepEquals(now, old))
    throw new JournalProblem(
      `another command has connected or disconnected ${client.id} meanwhile: try again`,
    );
  const own = await keyFor(work);
  const key = own?.key.key ?? keyWord(client.id);
  const version = await versionOf(client, around);
  // The word is known beforehand: what was shown is what is written.
  const plan = async (): Promise<ConnectionPlan> =>
    key === shownKey
      ? { ...preview, entry: { ...preview.entry, version } }
      : planFor(work, key, { made: own?.key ?? null, version });
  const files = async (): Promise<void> => writeConnection(stateFolder, await plan(), { old, key });
  if (own === null || own.planned === null) await files();
  else await withNewKey(work, { planned: own.planned, entry: preview.entry }, files);
  const problem = await problemAfter(work, key);
  if (values.json) writeJson(work, preview, { shownKey, notes, isWritten: true, problem });
  else {
    const style = terminalStyle(context);
    const checked = gateway.running === null ? `; not checked: ${gateway.absent ?? ""}` : "";
    context.stdout.write(
      problem === null
        ? `${style.green("ok")}    ${client.title} is connected to ${plain(gateway.url)}${plain(checked)}\n`
        : `${style.red("FAIL")}  ${client.title} is connected, but: ${plain(problem)}\n`,
    );
    context.stdout.write(`\`clawgate disconnect ${client.id}\` takes it back.\n`);
  }
  return problem === null ? exitCodes.ok : exitCodes.failed;
}

/** The journal knows the key before the config does: whatever happens then, `disconnect` takes it out. */
async function withNewKey(
  { context, client, scope, gateway, stateFolder, old }: Work,
  { planned, entry }: { readonly planned: PlannedKey; readonly entry: Connection },
  work: () => Promise<void>,
): Promise<void> {
  const pending: Connection =
    old === null
      ? { ...entry, files: [], keyHash: planned.hash, keyEdit: planned.edit }
      : { ...old, keyEdit: planned.edit };
  await writeJournal(stateFolder, old, pending);
  try {
    await addClientKey(gateway, planned);
    await work();
  } catch (thrown) {
    const { left, isInFile } = await takeBackClientKey(gateway, planned);
    await writeJournal(stateFolder, pending, isInFile ? pending : old);
    const inProject = scope === "project" ? " --scope project" : "";
    const advice = isInFile
      ? `\`clawgate disconnect ${client.id}${inProject}\` removes it`
      : "`clawgate reload` lets it";
    if (left !== null) context.stderr.write(`clawgate: ${plain(left)}; ${advice}\n`);
    throw thrown;
  }
}

/** The client's own checker, then one request with the client's own key. */
async function problemAfter({ client, around, gateway }: Work, key: string): Promise<string | null> {
  const own = await checkedBy(client, around);
  if (own !== null || gateway.running === null) return own;
  const { status, message } = await modelsAt(gateway.url, key);
  return status === 200 ? null : `the gateway answered its key with status ${status}: ${message ?? ""}`;
}

export const connect: Command = {
  name: "connect",
  summary: "connect a client (Claude Code, Codex, ...) to the gateway",
  help,
  run,
};
