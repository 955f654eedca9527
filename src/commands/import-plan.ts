// What `clawgate import` would write, planned before anything is written: the files that it reads, the config that follows from them,
// checked as the gateway checks it, and the `.env` beside it. It must never write, and never return a key outside a file's text.

import { statSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { loadOffline, type OfflineInput, withFileText } from "../app/offline/offline-config.ts";
import { holdsEarlierRecords } from "../app/offline/records-import.ts";
import { readDotEnv } from "../config/environment.ts";
import { ConfigProblem, type Problem } from "../config/problems.ts";
import { findConfigFile } from "../config/search.ts";
import { type Finding, MigrationProblem, type Program, programNames } from "../migration/finding.ts";
import { leaveOut, migrate, type Migration } from "../migration/migration.ts";
import type { SourceFile } from "../migration/source-files.ts";
import { dotEnvText, moveSecrets } from "../migration/variables.ts";
import type { CommandContext } from "./command.ts";
import { offlineInput, readFile } from "./config-input.ts";

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
  readonly configPath: string | null;
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
  if (stats.isFile() && holdsEarlierRecords(path))
    return {
      program: null,
      files: [],
      findings: [],
      configPath: null,
      input: offlineInput(context, out),
      database: path,
    };
  const { files, folder } = sourceFiles(path, stats.isDirectory());
  const skills = join(folder, "skills");
  const isThere = (each: string, kind: "isDirectory" | "isFile"): boolean =>
    statSync(each, { throwIfNoEntry: false })?.[kind]() === true;
  const migration = migrate({ files, skillsFolder: isThere(skills, "isDirectory") ? skills : null });
  const target = targetPath(context, out, files);
  const { draft } = migration;
  const skillFile = draft.at(["cli", "skill_file"]);
  if (typeof skillFile === "string" && isAbsolute(skillFile) && !isThere(skillFile, "isFile")) {
    draft.delete(["cli", "skill_file"]);
    draft.say("left out", ["cli", "skill_file"], "there is no such file; the built-in one is used");
  }
  const old = readDotEnv(readFile(join(dirname(target), ".env")) ?? "");
  moveSecrets(draft, migration.variables, (name) => context.environment[name] ?? old[name]);
  const checked = await checkedFiles(context, migration, target);
  const database = ["clawgate.db"].map((name) => join(folder, name)).find((each) => isThere(each, "isFile"));
  return {
    program: migration.program,
    files: checked.files,
    findings: [...migration.draft.findings],
    configPath: target,
    input: checked.input,
    database: database !== undefined && holdsEarlierRecords(database) ? database : null,
  };
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

/** Where serve looks first: the file that it would find, unless that is what is imported. */
function targetPath(context: CommandContext, out: string | undefined, files: readonly SourceFile[]): string {
  if (out !== undefined) {
    const path = resolve(context.workingDirectory, out);
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
      ? join(path, "config.yaml")
      : path;
  }
  const search = findConfigFile(offlineInput(context, undefined));
  if ("missing" in search) return search.missing;
  const found = search.file?.path;
  if (found !== undefined && !files.some(({ path }) => path === found)) return found;
  const xdg = context.environment["XDG_CONFIG_HOME"];
  const home = xdg?.startsWith("/") ? xdg : join(context.homeDirectory, ".config");
  return join(home, "clawgate", "config.yaml");
}

const mostRounds = 200;

/** The files, after everything that the gateway would refuse was taken out. Throws ConfigProblem for what only a person can decide. */
async function checkedFiles(context: CommandContext, migration: Migration, target: string) {
  const { draft, variables, program } = migration;
  const environmentPath = join(dirname(target), ".env");
  const before = readFile(environmentPath);
  const environmentText = mergedDotEnv(before, variables);
  for (let round = 0; ; round++) {
    const text = `# Written by \`clawgate import\` from the settings of ${programNames[program]}.\n\n${draft.text()}`;
    const named = withFileText(offlineInput(context, target), target, text);
    const input = withFileText(named, environmentPath, environmentText);
    try {
      await loadOffline({ ...input, stderr: context.stderr, reported: new Set() });
    } catch (thrown) {
      if (!(thrown instanceof ConfigProblem) || round >= mostRounds) throw thrown;
      const [problem] = thrown.problems;
      const why = `ClawGate refuses it: ${problem?.message ?? ""}`;
      if (problem === undefined || problem.path !== target) throw thrown;
      if (!closed(draft, problem) && !leaveOut(draft, problem.key, why)) throw thrown;
      continue;
    }
    const files: PlannedFile[] = [{ path: target, text, before: readFile(target) }];
    if (variables.size > 0) files.push({ path: environmentPath, text: environmentText, before });
    return { files, input };
  }
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
