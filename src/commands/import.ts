// `clawgate import`: takes over the settings and records of the program that somebody used before, shows what became of each, and
// writes after consent. It must never print a key.

import { dirname, join } from "node:path";
import { type ImportResult, planRecords, type RecordsPlan } from "../app/offline/records-import.ts";
import { ConfigProblem } from "../config/problems.ts";
import { MigrationProblem, programNames, type Verdict } from "../migration/finding.ts";
import { ensurePrivateDirectory, replaceFile } from "../system/files.ts";
import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { askConsent, interrupted } from "./consent.ts";
import { gatewayEnvironment } from "./gateway-options.ts";
import { type ImportPlan, planImport, type PlannedFile } from "./import-plan.ts";
import { cannotWrite, type Place } from "./new-config.ts";
import { readOptions, refuseUsage } from "./options.ts";
import { findGateway } from "./running-gateway.ts";
import { plain, shellWord, terminalStyle } from "./terminal.ts";

const help = `Usage: clawgate import <file|folder> [options]

Takes over from another program: ClawGate in Python (config.yaml, .env, its database of requests), openclaw-cc-gateway
(config.yaml, skills/), claude-code-proxy (.env, mcp-servers.json), CLIProxyAPI (config.yaml), or an openclaw.json whose provider
is one of these. Which one it is follows from what the files contain. It shows a line for every setting: kept, changed, left out,
or refused, and why. The other program's files stay as they are.

Keys go into the .env beside the new config, readable by you alone. Records are imported once, marked with the tag "imported".

Options:
  --out FILE   config file to write (default: where a start looks first, as \`init\` does: $CLAWGATE_CONFIG, else ./config.yaml;
               $XDG_CONFIG_HOME/clawgate/config.yaml where the imported files lie in this folder, or others may write to it)
  --force      replace existing files; the old ones are kept as .bak
  --yes        write without asking (needed without a terminal)
  --dry-run    only show what would be written
  --json       the result as JSON
  -h, --help   this text
`;

type Options = {
  readonly isForced: boolean;
  readonly isSure: boolean;
  readonly isDry: boolean;
  readonly isJson: boolean;
};

async function run(context: CommandContext): Promise<number> {
  const read = readOptions(
    context,
    "import",
    {
      out: { type: "string" },
      force: { type: "boolean", default: false },
      yes: { type: "boolean", default: false },
      "dry-run": { type: "boolean", default: false },
      json: { type: "boolean", default: false },
    },
    1,
  );
  if ("usage" in read) return read.usage;
  const [named] = read.positionals;
  if (named === undefined) return refuseUsage(context, "import", "name a file or a folder").usage;
  const { values } = read;
  const options: Options = {
    isForced: values.force,
    isSure: values.yes,
    isDry: values["dry-run"],
    isJson: values.json,
  };
  try {
    const plan = await planImport(context, named, values.out);
    const wantsRecords = plan.program === null || plan.program === "clawgate-py";
    const records = wantsRecords ? await planRecords(plan.input, plan.database) : null;
    return await carryOut(context, plan, records, options);
  } catch (thrown) {
    if (thrown instanceof ConfigProblem) {
      context.stderr.write(`clawgate: ${plain(named)} cannot be taken over as it is:\n`);
      for (const { key, message, hint } of thrown.problems)
        context.stderr.write(
          `  ${plain([key, message].filter((each) => each !== "").join(": "))}${hint === null ? "" : `; ${plain(hint)}`}\n`,
        );
      context.stderr.write("Nothing was written. Correct it there and import again.\n");
      return exitCodes.config;
    }
    if (!(thrown instanceof Error)) throw thrown;
    context.stderr.write(`clawgate: ${plain(thrown.message)}\n`);
    return thrown instanceof MigrationProblem ? exitCodes.config : exitCodes.failed;
  }
}

async function carryOut(
  context: CommandContext,
  plan: ImportPlan,
  records: RecordsPlan | null,
  options: Options,
): Promise<number> {
  const { isForced, isSure, isDry, isJson } = options;
  if (!isJson) show(context, plan, records);
  if (isDry) {
    const counted =
      records?.source == null ? null : await records.run({ isDryRun: true, onProgress: () => undefined });
    if (isJson) writeJson(context, plan, { isWritten: false, records: counted });
    else {
      if (counted !== null) context.stdout.write(`${counted.total} records would be imported.\n`);
      context.stdout.write("Nothing was written (--dry-run).\n");
    }
    return exitCodes.ok;
  }
  if (!isSure) {
    if (isJson || !context.stdout.isTTY || !process.stdin.isTTY)
      return refuseUsage(context, "import", "nothing was written: there is no terminal to ask; pass --yes")
        .usage;
    const consent = await askConsent(context);
    if (consent !== "yes") {
      context.stdout.write("Nothing was written.\n");
      return consent === "no" ? exitCodes.ok : interrupted;
    }
  }
  const inTheWay = plan.files.filter(({ before, text }) => before !== null && before !== text);
  if (inTheWay.length > 0 && !isForced) {
    const paths = inTheWay.map(({ path }) => plain(path)).join(" and ");
    context.stderr.write(
      `clawgate: ${paths} would be changed; nothing was written. --force writes, and keeps the old as .bak; --out names another place.\n`,
    );
    return exitCodes.failed;
  }
  // Keys first: the config refers to them.
  for (const file of plan.files.toReversed()) await write(file);
  const { result, problem } = await importedRecords(context, records, isJson);
  if (isJson) writeJson(context, plan, { isWritten: true, records: result });
  else tell(context, plan, result);
  if (problem !== null) context.stderr.write(`clawgate: the records: ${plain(problem)}.\n`);
  return problem === null ? exitCodes.ok : exitCodes.failed;
}

/** Config and `.env` hold keys, whatever the mode of an older file was. */
async function write({ path, text, before }: PlannedFile): Promise<void> {
  if (before === text) return;
  try {
    if (before === null) await ensureFolder(dirname(path));
    await replaceFile(path, text, { keepOld: true, mode: 0o600 });
  } catch (thrown) {
    throw cannotWrite(path, thrown);
  }
}

/** A folder of somebody's choice keeps its mode; only a new one is private. */
async function ensureFolder(folder: string): Promise<void> {
  if (
    !(await Bun.file(join(folder, "."))
      .stat()
      .then(
        () => true,
        () => false,
      ))
  )
    await ensurePrivateDirectory(folder);
}

async function importedRecords(
  context: CommandContext,
  records: RecordsPlan | null,
  isJson: boolean,
): Promise<{ readonly result: ImportResult | null; readonly problem: string | null }> {
  if (records?.source == null) return { result: null, problem: records?.unreadable ?? null };
  const found = await findGateway(context, gatewayEnvironment(context, {}), true);
  if (!("why" in found) || found.holder != null)
    return {
      result: null,
      problem:
        "a gateway is running; stop it (`clawgate stop`) and run the import again: what is there already stays as it is",
    };
  const isShown = !isJson && context.stderr.isTTY;
  let shownAtMs = 0;
  const result = await records.run({
    isDryRun: false,
    onProgress(done, total) {
      const nowMs = performance.now();
      if (!isShown || (nowMs - shownAtMs < 500 && done < total)) return;
      shownAtMs = nowMs;
      context.stderr.write(`\r${done} of ${total} records`);
      if (done >= total) context.stderr.write("\n");
    },
  });
  return { result, problem: result.problem };
}

const order: readonly Verdict[] = ["kept", "changed", "left out", "refused"];

function show(context: CommandContext, plan: ImportPlan, records: RecordsPlan | null): void {
  const { stdout } = context;
  const style = terminalStyle(context);
  const paints = { kept: style.green, changed: style.yellow, "left out": style.yellow, refused: style.red };
  if (plan.program !== null) stdout.write(`${style.bold(`From ${programNames[plan.program]}`)}\n\n`);
  for (const verdict of order)
    for (const { what, why } of plan.findings.filter((each) => each.verdict === verdict))
      stdout.write(`${paints[verdict](verdict.padEnd(8))}  ${plain(what)}: ${plain(why)}\n`);
  if (plan.files.length > 0) stdout.write("\nFiles:\n");
  for (const { path, before, text } of plan.files)
    stdout.write(
      `  ${plain(path)} (${before === null ? "new" : before === text ? "unchanged" : "exists"})\n`,
    );
  if (plan.place?.why != null) stdout.write(`  not in this folder: ${plain(plan.place.why)}\n`);
  if (records === null) return;
  if (records.unreadable !== null) stdout.write(`Records: ${plain(records.unreadable)}\n`);
  else if (records.source === null)
    stdout.write(`Records: no database of ClawGate (Python) at ${plain(records.target)}\n`);
  else {
    stdout.write(`Records: from ${plain(records.source)} to ${plain(records.target)}\n`);
    if (records.retentionDays > 0)
      stdout.write(
        `         metrics.retention_days is ${records.retentionDays}: older ones are removed by the gateway; 0 keeps them\n`,
      );
  }
}

function tell(context: CommandContext, plan: ImportPlan, result: ImportResult | null): void {
  const { stdout } = context;
  if (result !== null)
    stdout.write(
      `Records: ${result.imported} imported, ${result.already} were there, ${result.unreadable} could not be read.\n`,
    );
  for (const { path, before, text } of plan.files)
    if (before !== text)
      stdout.write(`Written: ${plain(path)}${before === null ? "" : ` (the old one: ${plain(path)}.bak)`}\n`);
  if (plan.place !== null) stdout.write(`Start it: ${startOf(plan.place)}\n`);
}

const startOf = ({ path, isFound }: Place): string => {
  const named = `clawgate --config ${shellWord(path)}`;
  return isFound ? `clawgate in this folder, or ${named}` : named;
};

function writeJson(
  context: CommandContext,
  plan: ImportPlan,
  { isWritten, records }: { readonly isWritten: boolean; readonly records: ImportResult | null },
): void {
  const { program, files, findings, place } = plan;
  const shown = files.map(({ path, before, text }) => ({
    path,
    existed: before !== null,
    changed: before !== text,
  }));
  context.stdout.write(
    `${JSON.stringify({ program, config: place?.path ?? null, written: isWritten, files: shown, findings, records }, null, 2)}\n`,
  );
}

export const importCommand: Command = {
  name: "import",
  summary: "take over the settings and records of another program",
  help,
  run,
};
