// What `clawgate import` would write, planned before anything is written: the files that it reads, the config that follows from them,
// checked as the gateway checks it, and the `.env` beside it. It must never write, and never return a key outside a file's text.

import { statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import {
  loadOffline,
  lossWhenFound,
  type OfflineInput,
  withFileText,
} from "../app/offline/offline-config.ts";
import { holdsEarlierRecords, unreadableDatabase } from "../app/offline/records-import.ts";
import { readDotEnv } from "../config/environment.ts";
import { variablesIn } from "../config/expand.ts";
import { ConfigProblem, type Problem } from "../config/problems.ts";
import { type Finding, MigrationProblem, type Program, programNames } from "../migration/finding.ts";
import { leaveOut, migrate, type Migration } from "../migration/migration.ts";
import type { SourceFile } from "../migration/source-files.ts";
import { dotEnvText, moveSecrets } from "../migration/variables.ts";
import { maxFoundBytes } from "../system/trusted-file.ts";
import type { CommandContext } from "./command.ts";
import { offlineInput, readFile } from "./config-input.ts";
import { type Place, placeFor } from "./new-config.ts";

export type PlannedFile = {
  readonly path: string;
  readonly text: string;
  /** Null: there is none. */
  readonly before: string | null;
};

export type ImportPlan = {
  /** Null: only records are imported. */
  readonly program: Program | null;
  readonly files: readonly PlannedFile[];
  readonly findings: readonly Finding[];
  /** Null: no config is written. */
  readonly place: Place | null;
  /** The config as a gateway would read it after the import. */
  readonly input: OfflineInput;
  /** The database that the user named; null: it is searched for. */
  readonly database: string | null;
};

/** Names of files that an owner may have in one folder. */
const knownNames = ["config.yaml", "config.yml", ".env", "mcp-servers.json", "openclaw.json"];
const mostBytes = 5_000_000;

/** Throws MigrationProblem, ConfigProblem. */
export async function planImport(
  context: CommandContext,
  named: string,
  out: string | undefined,
): Promise<ImportPlan> {
  const path = resolve(context.workingDirectory, named);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new MigrationProblem(`there is no ${path}`);
  if (!stats.isFile() && !stats.isDirectory())
    throw new MigrationProblem(`${path} is neither a file nor a folder`);
  if (stats.isFile() && holdsEarlierRecords(path))
    return {
      program: null,
      files: [],
      findings: [],
      place: null,
      input: offlineInput(context, out),
      database: path,
    };
  const unreadable = unreadableDatabase(path);
  if (unreadable !== null) throw new MigrationProblem(`${path} cannot be read: ${unreadable}`);
  const source = sourceFiles(path, stats.isDirectory());
  const wanted = { out, sources: source.files.map((each) => each.path) };
  const planned = await planConfig(context, source, placeFor(context, { ...wanted, refusal: null }));
  const loss = planned.place.isFound ? await lossAt(planned) : null;
  if (loss === null) return planned.plan;
  const refusal = `where a config is only found, not all of it counts: ${loss}`;
  return (await planConfig(context, source, placeFor(context, { ...wanted, refusal }))).plan;
}

type Source = { readonly files: readonly SourceFile[]; readonly folder: string };
type Planned = { readonly plan: ImportPlan; readonly place: Place };

async function planConfig(
  context: CommandContext,
  { files, folder }: Source,
  place: Place,
): Promise<Planned> {
  const skills = join(folder, "skills");
  const isThere = (each: string, kind: "isDirectory" | "isFile"): boolean =>
    statSync(each, { throwIfNoEntry: false })?.[kind]() === true;
  const migration = migrate({ files, skillsFolder: isThere(skills, "isDirectory") ? skills : null });
  const { draft } = migration;
  const skillFile = draft.at(["cli", "skill_file"]);
  if (typeof skillFile === "string" && isAbsolute(skillFile) && !isThere(skillFile, "isFile")) {
    draft.delete(["cli", "skill_file"]);
    draft.say("left out", ["cli", "skill_file"], "there is no such file; the built-in one is used");
  }
  const old = readDotEnv(readFile(place.environmentPath) ?? "");
  moveSecrets(draft, migration.variables, (name) => context.environment[name] ?? old[name]);
  const checked = await checkedFiles(context, migration, place);
  const database = ["clawgate.db"].map((name) => join(folder, name)).find((each) => isThere(each, "isFile"));
  const plan: ImportPlan = {
    program: migration.program,
    files: checked.files,
    findings: [...migration.draft.findings],
    place,
    input: checked.input,
    database: database !== undefined && holdsEarlierRecords(database) ? database : null,
  };
  return { plan, place };
}

/** Why a start that finds these files would not use all of them; null: it would. */
async function lossAt({ plan }: Planned): Promise<string | null> {
  const large = plan.files.find(({ text }) => Buffer.byteLength(text) > maxFoundBytes);
  if (large !== undefined) return `${basename(large.path)} is larger than ${maxFoundBytes / 1024} KB`;
  return lossWhenFound(plan.input);
}

function sourceFiles(path: string, isFolder: boolean): { files: SourceFile[]; folder: string } {
  const folder = isFolder ? path : dirname(path);
  const names = isFolder ? knownNames : [];
  const read = (each: string): SourceFile[] => {
    const stats = statSync(each, { throwIfNoEntry: false });
    if (stats === undefined || !stats.isFile()) return [];
    if (stats.size > mostBytes) throw new MigrationProblem(`${each} is larger than ${mostBytes / 1e6} MB`);
    return [{ path: each, text: readFile(each) ?? "" }];
  };
  const files = isFolder ? names.flatMap((name) => read(join(folder, name))) : read(path);
  // The variables belong to the config beside them.
  if (!isFolder && /\.ya?ml$/i.test(path)) files.push(...read(join(folder, ".env")));
  const servers = files.flatMap(({ text }) => readDotEnv(text)["PROXY_MCP_CONFIG"] ?? []);
  for (const server of servers) {
    const each = isAbsolute(server) ? server : resolve(folder, server);
    if (server !== "" && !files.some((file) => file.path === each)) files.push(...read(each));
  }
  return { files, folder };
}

const mostRounds = 200;

/** The files, after everything that the gateway would refuse was taken out. Throws ConfigProblem for what only a person can decide. */
async function checkedFiles(
  context: CommandContext,
  migration: Migration,
  { path: target, environmentPath }: Place,
) {
  const { draft, variables, program } = migration;
  const before = readFile(environmentPath);
  const reported = new Set<string>();
  for (let round = 0; ; round++) {
    const text = `# Written by \`clawgate import\` from the settings of ${programNames[program]}.\n\n${draft.text()}`;
    forgetUnused(migration);
    const environmentText = mergedDotEnv(before, variables);
    const named = withFileText(offlineInput(context, target), target, text);
    const input = withFileText(named, environmentPath, environmentText);
    try {
      await loadOffline({ ...input, reported });
    } catch (thrown) {
      if (!(thrown instanceof ConfigProblem) || round >= mostRounds) throw thrown;
      takeOut(migration, thrown, target);
      continue;
    }
    const files: PlannedFile[] = [{ path: target, text, before: readFile(target) }];
    if (variables.size > 0) files.push({ path: environmentPath, text: environmentText, before });
    return { files, input };
  }
}

/** A secret whose place was left out. */
function forgetUnused({ draft, variables }: Migration): void {
  const mentioned = variablesIn(draft.value);
  for (const name of variables.keys())
    if (name.startsWith("CLAWGATE_") && !mentioned.has(name)) variables.delete(name);
}

/** The first problem, whose removal may end others, and every unknown key, whose removal moves nothing else. Throws it. */
function takeOut({ draft }: Migration, thrown: ConfigProblem, target: string): void {
  const [first, ...others] = thrown.problems;
  const why = ({ message }: Problem): string => `ClawGate refuses it: ${message}`;
  if (first === undefined || first.path !== target) throw thrown;
  if (!closed(draft, first) && !leaveOut(draft, first.key, why(first))) throw thrown;
  for (const each of others)
    if (each.path === target && each.message.startsWith("unknown key")) leaveOut(draft, each.key, why(each));
}

/** What stands in the file stays, unless it is set anew. */
function mergedDotEnv(before: string | null, variables: Migration["variables"]): string {
  if (before === null) return dotEnvText(variables);
  const old = readDotEnv(before);
  const fresh = new Map([...variables].filter(([name, value]) => old[name] !== value));
  if (fresh.size === 0) return before;
  return `${before.replace(/\n?$/, "\n")}${dotEnvText(fresh)}`;
}

/** Without a key that is strong enough the gateway listens to this machine alone. False: that is not what is wrong. */
function closed(draft: Migration["draft"], { key, message }: Problem): boolean {
  const isExposed = key === "server.host" || message.includes("other machines can connect");
  const host = draft.at(["server", "host"]);
  if (!isExposed || host === undefined || host === "127.0.0.1") return false;
  draft.set(["server", "host"], "127.0.0.1");
  draft.say("changed", ["server", "host"], `127.0.0.1 instead of ${String(host)}: ${message}`);
  return true;
}
