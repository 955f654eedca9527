// `clawgate run <client>`: starts a client connected for this once, by variables and temporary files only. Nothing of the user's is
// written, so nothing has to be taken back.

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Client, keyWord, type RunPlan } from "../../connect/client.ts";
import { clients } from "../../connect/client-table.ts";
import { boundsOf, keyOf } from "../../connect/connection.ts";
import { readJournal } from "../../connect/journal.ts";
import { findOnPath, runInTerminal } from "../../system/process.ts";
import { goesThroughProxy } from "../../system/proxy.ts";
import { stateDirectory } from "../../system/state-directory.ts";
import { type Command, type CommandContext, exitCodes } from "../command.ts";
import { gatewayOptionsHelp } from "../gateway-options.ts";
import { readOptions, refuseUsage } from "../options.ts";
import { GatewayProblem, refuseAbsent } from "../running-gateway.ts";
import { type ClientGateway, clientGateway, isBilledByKey, modelsAt, ownCommand } from "./client-gateway.ts";
import { findClient } from "./client-options.ts";
import { askedSurroundings, programOf, surroundings, wholeEnvironment } from "./client-program.ts";
import { inWords } from "./connect.ts";

const runnable = clients.filter((each) => each.run !== undefined).map(({ id }) => id);

const help = `Usage: clawgate run [options] <client> [--] [the client's own arguments]

Starts a client connected to the gateway for this once, by variables and temporary files only: its config is not touched. Its own
arguments follow its name; put -- before them if one of them is --help. Where the gateway asks for keys, CLAWGATE_API_KEY is used, or
the key of the connection that clawgate connect made. The exit code is the client's.

Clients: ${runnable.join(", ")}

Options (before the client's name):
${gatewayOptionsHelp}`;

async function run(context: CommandContext): Promise<number> {
  // Everything behind the client's name is the client's.
  const at = context.args.findIndex(
    (word, index) => !word.startsWith("-") && !takesWord(context.args[index - 1]),
  );
  const own = at < 0 ? context.args : context.args.slice(0, at);
  const read = readOptions({ ...context, args: own }, "run", {
    "state-dir": { type: "string" },
    config: { type: "string" },
  });
  if ("usage" in read) return read.usage;
  const client = findClient(context, "run", at < 0 ? undefined : context.args[at]);
  if ("usage" in client) return client.usage;
  const rest = context.args.slice(at + 1);
  return inWords(context, () => start(context, client, rest[0] === "--" ? rest.slice(1) : rest, read.values));
}

const takesWord = (word: string | undefined): boolean => word === "--config" || word === "--state-dir";

async function start(
  context: CommandContext,
  client: Client,
  args: readonly string[],
  values: { readonly config?: string | undefined; readonly "state-dir"?: string | undefined },
): Promise<number> {
  if (client.run === undefined)
    return refuseUsage(
      context,
      "run",
      `${client.id} cannot be started from here; \`clawgate connect ${client.id}\` connects it`,
    ).usage;
  const around = await askedSurroundings(client, surroundings(context));
  // A folder of the client's settings shows that it is used, and starts nothing.
  const program = findOnPath(programOf(client, around) ?? "", undefined);
  if (program === null) throw new GatewayProblem(`${client.title} was not found on this machine.`);
  const gateway = await clientGateway(context, values);
  const problem = client.runProblem?.(around, args, gateway.url) ?? null;
  if (problem !== null) throw new GatewayProblem(`${client.title} cannot be started connected: ${problem}.`);
  if (gateway.running === null)
    return refuseAbsent(context, { why: gateway.absent ?? "no gateway is running" });
  const key = await keyFor(context, client, gateway);
  const { models, status, message } = await modelsAt(gateway.url, key);
  if (status !== 200)
    throw new GatewayProblem(`The gateway answered with status ${status}: ${message ?? ""}`);
  const folder = await mkdtemp(join(tmpdir(), "clawgate-run-"));
  try {
    const command = ownCommand(context, values);
    const billed = isBilledByKey(gateway.loaded);
    const plan = client.run(
      around,
      { url: gateway.url, key, models, command, isBilledByKey: billed },
      folder,
    );
    for (const { name, text } of plan.files ?? []) {
      const path = join(folder, name);
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeFile(path, text, { mode: 0o600, flag: "wx" });
    }
    const code = await runInTerminal([program, ...plan.args, ...args], {
      env: variablesOf(beyondProxy(wholeEnvironment(around), gateway.url), plan),
      cwd: around.workingDirectory,
    });
    return code ?? exitCodes.failed;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function variablesOf(
  own: Readonly<Record<string, string>>,
  { variables, unset = [] }: RunPlan,
): Record<string, string> {
  const kept = Object.entries(own).filter(([name]) => !unset.includes(name));
  return { ...Object.fromEntries(kept), ...variables };
}

/** Most clients would ask a proxy for this machine's own address too. */
function beyondProxy(own: Record<string, string>, gateway: string): Record<string, string> {
  const url = new URL(gateway);
  if (!goesThroughProxy(url, own)) return own;
  const list = [own["no_proxy"] || own["NO_PROXY"], url.hostname].filter(Boolean).join(",");
  return { ...own, NO_PROXY: list, no_proxy: list };
}

/** Throws GatewayProblem. */
async function keyFor(context: CommandContext, client: Client, gateway: ClientGateway): Promise<string> {
  if (!gateway.asksForKeys) return keyWord(client.id);
  const given = context.environment["CLAWGATE_API_KEY"];
  if (given) return given;
  const journal = await readJournal(stateDirectory(gateway.environment));
  for (const entry of journal.filter((each) => each.client === client.id)) {
    const key = await keyOf(entry, boundsOf(surroundings(context), entry.project));
    if (key !== null) return key;
  }
  throw new GatewayProblem(
    `The gateway asks for a key: set CLAWGATE_API_KEY to one of its keys, or run \`clawgate connect ${client.id}\` once.`,
  );
}

export const runClient: Command = {
  name: "run",
  summary: "start a client connected to the gateway, for this once",
  help,
  run,
};
