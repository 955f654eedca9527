// `clawgate connect`: shows what it would write into a client's config, and writes it after consent. It must never write without
// consent, and never show a key.

import { basename } from "node:path";
import { EditProblem } from "../../config/edit.ts";
import { ConfigProblem } from "../../config/problems.ts";
import { type Client, type Gateway, keyWord, type Scope, type Surroundings } from "../../connect/client.ts";
import { clients } from "../../connect/client-table.ts";
import { ClientFileProblem } from "../../connect/client-file.ts";
import {
  type ConnectionPlan,
  homesOf,
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
} from "../../connect/journal.ts";
import { instructed, type Instructed } from "../../connect/instructions.ts";
import { formats } from "../../connect/texts/format-table.ts";
import { sha256Hex } from "../../system/secret.ts";
import { type Command, type CommandContext, exitCodes } from "../command.ts";
import { askConsent, canAsk, interrupted } from "../consent.ts";
import { gatewayOptionsHelp } from "../gateway-options.ts";
import { readOptions, refuseUsage } from "../options.ts";
import { GatewayProblem } from "../running-gateway.ts";
import { setup } from "../setup.ts";
import { plain, terminalStyle } from "../terminal.ts";
import {
  type ClientGateway,
  clientGateway,
  configuredModels,
  connectionsFolder,
  dropClientKey,
  isBilledByKey,
  type MadeKey,
  makeClientKey,
  modelsAt,
  ownCommand,
} from "./client-gateway.ts";
import { listClients } from "./client-list.ts";
import { clientNamed, inStateDirectory, sharedFlags, setupFlags } from "./client-options.ts";
import { askedSurroundings, checkedBy, programOf, surroundings } from "./client-program.ts";
import { diffLines, keyToCome, paintedDiff } from "./client-text.ts";

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

type Values = {
  readonly yes: boolean;
  readonly "dry-run": boolean;
  readonly print: boolean;
  readonly json: boolean;
  readonly config?: string | undefined;
  readonly "state-dir"?: string | undefined;
};

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

type Work = {
  readonly context: CommandContext;
  readonly client: Client;
  readonly scope: Scope;
  readonly values: Values;
  readonly around: Surroundings;
  readonly gateway: ClientGateway;
  readonly stateFolder: string;
  readonly old: Connection | null;
};

async function connectClient(
  context: CommandContext,
  client: Client,
  scope: Scope,
  values: Values,
): Promise<number> {
  const around = await askedSurroundings(client, surroundings(context));
  const gateway = await clientGateway(context, values);
  const stateFolder = await connectionsFolder(gateway.environment);
  const project = scope === "project" ? around.workingDirectory : null;
  const wanted = { client: client.id, scope, project };
  const old = (await readJournal(stateFolder)).find((each) => isSameConnection(each, wanted)) ?? null;
  const work: Work = { context, client, scope, values, around, gateway, stateFolder, old };
  const shownKey = gateway.asksForKeys ? keyToCome : keyWord(client.id);
  const preview = await planFor(work, shownKey, null);
  if (values.print) return print(work, shownKey);
  const isWritten = values.yes && !values["dry-run"];
  const hasChanges = preview.changes.some(({ file, after }) => file.text !== after);
  if (!values.json) show(work, preview, shownKey);
  if (values["dry-run"] || preview.changes.length === 0) {
    if (values.json) writeJson(work, preview, { shownKey, isWritten: false, problem: null });
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
  return holdingJournal(stateFolder, () => write(work, preview, shownKey));
}

async function gatewayFor({ context, values, gateway }: Work, key: string): Promise<Gateway> {
  const isKnown = gateway.running !== null && key !== keyToCome;
  const answer = isKnown ? await modelsAt(gateway.url, key) : null;
  const models = answer === null || answer.status !== 200 ? configuredModels(gateway.loaded) : answer.models;
  return {
    url: gateway.url,
    key,
    models,
    command: ownCommand(context, values),
    isBilledByKey: isBilledByKey(gateway.loaded),
  };
}

async function planFor(work: Work, key: string, made: MadeKey | null): Promise<ConnectionPlan> {
  const { client, around, scope, old } = work;
  return planConnection({
    client,
    around,
    scope,
    gateway: await gatewayFor(work, key),
    made,
    old,
    now: new Date().toISOString(),
  });
}

/** The key that the client has and the config knows, else a new one; null: the gateway asks for none. */
async function keyFor({
  client,
  scope,
  around,
  gateway,
  old,
}: Work): Promise<{ key: MadeKey; isNew: boolean } | null> {
  if (!gateway.asksForKeys) return null;
  const name = scope === "user" ? client.id : `${client.id}-${folderName(around.workingDirectory)}`;
  const own = old === null ? null : await keyOf(old, homesOf(around));
  const known = gateway.loaded.config.auth.clients.find((each) => each.name === name)?.key;
  if (own !== null && old !== null && old.keyEdit !== null && known === `sha256:${sha256Hex(own)}`)
    return { key: { key: own, hash: sha256Hex(own), edit: old.keyEdit }, isNew: false };
  return { key: await makeClientKey(gateway, name), isNew: true };
}

/** Two projects may have folders of the same name. */
function folderName(path: string): string {
  const word = basename(path)
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .slice(0, 30);
  return `${word}-${sha256Hex(path).slice(0, 6)}`;
}

async function write(work: Work, preview: ConnectionPlan, shownKey: string): Promise<number> {
  const { context, client, gateway, stateFolder, old, values } = work;
  const own = await keyFor(work);
  const key = own?.key.key ?? keyWord(client.id);
  let plan = preview;
  try {
    plan = await planFor(work, key, own?.key ?? null);
    await writeConnection(stateFolder, plan, { old, key });
  } catch (thrown) {
    if (own?.isNew === true) await dropClientKey(await clientGateway(context, values), own.key.edit);
    throw thrown;
  }
  const problem = await problemAfter(work, key);
  if (values.json) writeJson(work, preview, { shownKey, isWritten: true, problem });
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

/** The client's own checker, then one request with the client's own key. */
async function problemAfter({ client, around, gateway }: Work, key: string): Promise<string | null> {
  const own = await checkedBy(client, around);
  if (own !== null || gateway.running === null) return own;
  const { status, message } = await modelsAt(gateway.url, key);
  return status === 200 ? null : `the gateway answered its key with status ${status}: ${message ?? ""}`;
}

async function print(work: Work, shownKey: string): Promise<number> {
  const { client, around, scope, context } = work;
  const target = await gatewayFor(work, shownKey);
  for (const { path, format, edits } of client.files(around, scope, target)) {
    const chosen = formats[format];
    const text = edits.reduce((each, edit) => chosen.set(each, edit.path, edit.value), "");
    context.stdout.write(`# ${plain(path)}\n${text}`);
  }
  for (const note of client.notes?.(around, scope, target) ?? []) context.stdout.write(`# ${plain(note)}\n`);
  return exitCodes.ok;
}

function notesOf(
  { client, around, scope, gateway }: Work,
  { changes, kept }: ConnectionPlan,
): readonly string[] {
  const links = changes.flatMap(({ file }) =>
    file.realPath === file.path ? [] : [`${file.path} is a link: ${file.realPath} is changed`],
  );
  const program = programOf(client, around);
  const absent = program === null ? [`${client.title} was not found on this machine`] : [];
  const target = { url: gateway.url, key: "", models: [], command: "", isBilledByKey: false };
  const own = client.notes?.(around, scope, target) ?? [];
  return [...links, ...absent, ...kept.map((place) => `your own ${place} is kept`), ...own];
}

function show(work: Work, plan: ConnectionPlan, shownKey: string): void {
  const { context } = work;
  const style = terminalStyle(context);
  const diffs = plan.changes.map((change) => paintedDiff(diffLines(change, shownKey), style)).join("");
  const isSame = plan.changes.length > 0 && diffs === "";
  context.stdout.write(isSame ? `${work.client.title} is connected already; nothing changes.\n` : diffs);
  for (const note of notesOf(work, plan)) context.stdout.write(`${style.yellow("note")}  ${plain(note)}\n`);
}

function writeJson(
  work: Work,
  plan: ConnectionPlan,
  {
    shownKey,
    isWritten,
    problem,
  }: { readonly shownKey: string; readonly isWritten: boolean; readonly problem: string | null },
): void {
  const { client, scope, gateway, context } = work;
  const report = {
    client: client.id,
    scope,
    url: gateway.url,
    written: isWritten,
    ok: problem === null,
    problem,
    files: plan.changes.map((change) => ({
      path: change.file.path,
      real_path: change.file.realPath,
      diff: diffLines(change, shownKey),
    })),
    notes: notesOf(work, plan),
  };
  context.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
}

export const connect: Command = {
  name: "connect",
  summary: "connect a client (Claude Code, Codex, ...) to the gateway",
  help,
  run,
};
