// `clawgate update`: the only command that asks the network for another version. It must never run another installer, and never leave
// a gateway that works worse than before.

import { lstatSync, readFileSync } from "node:fs";
import { systemClock } from "../system/clock.ts";
import { buildTarget, homepage, releaseKey, userAgent, version } from "../system/identity.ts";
import { megabytes } from "../system/free-space.ts";
import { readProxyVariables } from "../system/proxy.ts";
import { stateDirectory } from "../system/state-directory.ts";
import { type Installation, thisInstallation } from "../updates/installation.ts";
import { openJournal } from "../updates/update-journal.ts";
import { manifestSchema, releaseBase } from "../updates/release-files.ts";
import { readManifest, type ReleaseSource } from "../updates/release-source.ts";
import { UpdateProblem } from "../updates/update-problem.ts";
import {
  archivesFor,
  installVersion,
  rollBack,
  undoUnfinished,
  versionOf,
  type Updated,
  type UpdatePorts,
} from "../updates/updater.ts";
import { compareVersions } from "../updates/version-order.ts";
import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { gatewayEnvironment, gatewayOptions, gatewayOptionsHelp } from "./gateway-options.ts";
import { readOptions, refuseUsage } from "./options.ts";
import { plain } from "./terminal.ts";
import {
  configArgumentsOf,
  gatewayControl,
  type GatewayPlace,
  ownGateway,
  ownProgramRunner,
  placeOfService,
  withoutGateway,
} from "./update-gateway.ts";

const help = `Usage: clawgate update [options]

Replaces this program by the latest version: downloads it, verifies its signature and its checksum, tries it with the config
in force, puts it in place and restarts the running gateway. The gateway is watched for up to 30 seconds; if it does not
work as before, the old program is put back and started again. The replaced program is kept beside the new one.
Interrupted at any step, the old one serves; the next update undoes what was left.
A program that Homebrew, npm, a container or a package manager installed is not touched: the command for it is printed.
No other command asks for new versions. Proxies are taken from HTTPS_PROXY, HTTP_PROXY, NO_PROXY.

Options:
  --check         only say whether there is a newer version
  --version X     this version, also an older one
  --rollback      put the kept version back; a second time: forward again
  --json          the result as JSON
${gatewayOptionsHelp}
Exit code 0: done, or nothing newer. 1: nothing was changed, or it was undone. 2: --check found a newer version.
3: installed by something else, which has to update it.
`;

/** Besides those of every command. */
const newerExists = 2;
const installedElsewhere = 3;

type Result = {
  readonly code: number;
  readonly words: string;
  readonly facts: Readonly<Record<string, unknown>>;
};

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

async function run(context: CommandContext): Promise<number> {
  const read = readOptions(context, "update", {
    ...gatewayOptions,
    check: { type: "boolean", default: false },
    rollback: { type: "boolean", default: false },
    version: { type: "string" },
  });
  if ("usage" in read) return read.usage;
  const { check: isCheck, rollback: isRollback, version: given, json } = read.values;
  const wanted = given?.replace(/^v/, "") ?? null;
  if (wanted !== null && !manifestSchema.shape.version.safeParse(wanted).success)
    return refuseUsage(context, "update", "--version must be a version such as 1.2.3").usage;
  if (isRollback && (isCheck || wanted !== null))
    return refuseUsage(context, "update", "--rollback goes with neither --check nor --version").usage;
  const stopper = new AbortController();
  const onSignal = (): void => stopper.abort();
  for (const signal of signals) process.on(signal, onSignal);
  let result: Result;
  try {
    const order: Order = { isCheck, isRollback, wanted, signal: stopper.signal };
    result = await update(context, gatewayEnvironment(context, read.values), order);
  } catch (thrown) {
    if (!(thrown instanceof UpdateProblem)) throw thrown;
    result = { code: exitCodes.failed, words: `${thrown.message}.`, facts: { why: thrown.message } };
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
  }
  const isFine = result.code !== exitCodes.failed;
  if (json) {
    const facts = {
      current: version,
      installed: thisInstallation(context.environment).kind,
      ...result.facts,
    };
    context.stdout.write(`${JSON.stringify({ ok: isFine, ...facts }, null, 2)}\n`);
  } else if (isFine) context.stdout.write(`${result.words}\n`);
  else context.stderr.write(`clawgate: ${plain(result.words)}\n`);
  return result.code;
}

type Order = {
  readonly isCheck: boolean;
  readonly isRollback: boolean;
  readonly wanted: string | null;
  readonly signal: AbortSignal;
};

type Environment = ReturnType<typeof gatewayEnvironment>;

async function update(context: CommandContext, environment: Environment, order: Order): Promise<Result> {
  const installation = thisInstallation(context.environment);
  if (installation.updatedBy !== null && !order.isCheck) return elsewhere(installation);
  if (order.isCheck) return check(context, installation, order);
  const journal = await openJournal(stateDirectory(environment));
  try {
    const ports = await portsOf(context, environment, { installation, journal, signal: order.signal });
    const undone = await undoUnfinished(ports);
    if (undone !== null) ports.say(undone);
    // After that another version than this process's may lie there.
    const current = undone === null ? version : ((await versionOf(ports, ports.program)) ?? version);
    if (order.isRollback && current !== version)
      return {
        code: exitCodes.ok,
        words: `${current} is back in its place.`,
        facts: { version: current, changed: true },
      };
    const now = { ...ports, current };
    return order.isRollback ? done(await rollBack(now)) : await install(context, now, order);
  } finally {
    journal.close();
  }
}

function elsewhere({ description, updatedBy }: Installation): Result {
  return {
    code: installedElsewhere,
    words: `This program was installed ${description}. Update it by: ${updatedBy}`,
    facts: { updated_by: updatedBy },
  };
}

async function portsOf(
  context: CommandContext,
  environment: Environment,
  { installation, journal, signal }: Pick<UpdatePorts, "journal" | "signal"> & { installation: Installation },
): Promise<UpdatePorts> {
  const { program } = installation;
  let place: GatewayPlace = { context, environment, run: ownProgramRunner(context, environment) };
  let gateway = await ownGateway(place, program);
  const other = gateway === null ? await placeOfService(place, program) : null;
  if (other !== null) {
    place = other;
    gateway = await ownGateway(other, program);
  }
  return {
    program,
    current: version,
    journal,
    gateway: gateway === null ? withoutGateway(place) : gatewayControl(place, gateway.stateDirectory),
    run: place.run,
    configArguments: await configArgumentsOf(gateway),
    clock: systemClock,
    signal,
    say: (line) => void context.stderr.write(`${plain(line)}.\n`),
  };
}

async function check(context: CommandContext, installation: Installation, order: Order): Promise<Result> {
  const manifest = await readManifest(sourceOf(context, order.signal), order.wanted);
  const isNewer = compareVersions(manifest.version, version) > 0;
  const how = installation.updatedBy ?? "clawgate update";
  const facts = {
    version: manifest.version,
    newer: isNewer,
    commit_time: manifest.commit_time,
    updated_by: how,
  };
  if (isNewer)
    return {
      code: newerExists,
      words: `${manifest.version} is newer than this version, ${version}. Update it by: ${how}`,
      facts,
    };
  return { code: exitCodes.ok, words: nothingNewer(manifest.version, version), facts };
}

const nothingNewer = (offered: string, current: string): string =>
  offered === current
    ? `This is ${current}, the latest version.`
    : `This is ${current}; the latest there is ${offered}, which is older.`;

async function install(context: CommandContext, ports: UpdatePorts, order: Order): Promise<Result> {
  const source = sourceOf(context, order.signal);
  const manifest = await readManifest(source, order.wanted);
  const { current } = ports;
  const difference = compareVersions(manifest.version, current);
  if (difference === 0 || (difference < 0 && order.wanted === null))
    return {
      code: exitCodes.ok,
      words: order.wanted === null ? nothingNewer(manifest.version, current) : `This is ${current} already.`,
      facts: { version: manifest.version, changed: false },
    };
  const archives = archivesFor(manifest, buildTarget ?? "", hasAvx2());
  if (archives.length === 0)
    throw new UpdateProblem(`version ${manifest.version} has no build for ${buildTarget ?? "this program"}`);
  ports.say(`${manifest.version} is ${difference < 0 ? "older" : "newer"} than this version, ${current}`);
  return done(await installVersion(ports, source, { manifest, archives }));
}

function done({ from, to, gateway, notes }: Updated): Result {
  const ending = {
    none: "No running gateway of this program was found.",
    restarted: "The gateway was restarted and works as before.",
    "by-hand": "",
  }[gateway];
  const lines = [
    `Updated from ${from} to ${to}. ${ending}`.trim(),
    ...notes.map((note) => `Note: ${plain(note)}.`),
  ];
  return {
    code: exitCodes.ok,
    words: [...lines, `${from} is kept: clawgate update --rollback`].join("\n"),
    facts: { version: to, previous: from, changed: true, gateway, notes },
  };
}

/** Throws UpdateProblem where this program cannot know a release of ours. */
function sourceOf(context: CommandContext, signal: AbortSignal): ReleaseSource {
  const base = releaseBase(context.environment["CLAWGATE_RELEASE_URL"], homepage);
  if (base === null)
    throw new UpdateProblem(
      "it is not known yet where the releases are: set CLAWGATE_RELEASE_URL to their address",
    );
  if (releaseKey === null)
    throw new UpdateProblem(
      "this build has no release key, so it cannot verify another one: install a release",
    );
  return {
    base,
    key: releaseKey,
    proxies: readProxyVariables(context.environment),
    fetch: (url, options) => fetch(url, options),
    signal,
    userAgent,
    onProgress: progressOn(context.stderr),
  };
}

/** One line that is overwritten; nothing without a terminal. */
function progressOn(stderr: NodeJS.WriteStream): ReleaseSource["onProgress"] {
  let shown = -1;
  return (bytes, total) => {
    const percent = Math.floor((100 * bytes) / Math.max(1, total));
    if (!stderr.isTTY || percent === shown) return;
    shown = percent;
    const ending = bytes === total ? "\n" : "";
    stderr.write(
      `\r\u001b[2Kdownloading: ${megabytes(bytes)} of ${megabytes(total)} MB, ${percent} %${ending}`,
    );
  };
}

/** True where the system does not tell: what does not run is not installed. */
function hasAvx2(): boolean {
  const path = "/proc/cpuinfo";
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return true;
  return /\bavx2\b/.test(readFileSync(path, "utf8"));
}

export const updateCommand: Command = {
  name: "update",
  summary: "replace this program by the latest version, or put the last one back",
  help,
  run,
};
