// The config file for the manage commands: found as the gateway finds it, checked as the gateway checks it before it is written,
// and applied immediately if a gateway runs. They must never write a config that a gateway would refuse.

import {
  offlineEnvironment,
  loadOffline,
  type OfflineInput,
  withFileText,
} from "../../app/offline/offline-config.ts";
import { nearest } from "../../canon/nearest.ts";
import { type ConfigEdit, editConfig, EditProblem, writeConfig } from "../../config/edit.ts";
import type { Config } from "../../config/schema.ts";
import { ConfigProblem } from "../../config/problems.ts";
import { findConfigFile } from "../../config/search.ts";
import { foreignConfig } from "../../migration/migration.ts";
import { FileProblem } from "../../openclaw/file-access.ts";
import { PathProblem } from "../../system/folder-handle.ts";
import { type CommandContext, exitCodes } from "../command.ts";
import { findGateway, GatewayProblem, errorMessage } from "../running-gateway.ts";
import { offlineInput } from "../config-input.ts";
import { plain } from "../terminal.ts";

export type OpenConfig = {
  readonly path: string;
  /** The text as it was read. */
  readonly original: string;
  readonly edit: ConfigEdit;
  readonly input: OfflineInput;
};

/** The message is for the person at the terminal. */
export class ManageProblem extends Error {
  override readonly name = "ManageProblem";
  readonly exitCode: number;

  constructor(message: string, exitCode: number = exitCodes.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Throws ManageProblem, EditProblem. */
export function openConfig(context: CommandContext, configPath: string | undefined): OpenConfig {
  const input = offlineInput(context, configPath);
  const search = findConfigFile(input);
  if ("missing" in search)
    throw new ManageProblem(
      `the config file ${search.missing} cannot be read: ${search.reason}`,
      exitCodes.config,
    );
  if (search.file === null)
    throw new ManageProblem(
      [...search.notices, "there is no config file yet; name one with --config"].join("; "),
      exitCodes.config,
    );
  const { path, text } = search.file;
  if (foreignConfig(search.file) !== null)
    throw new ManageProblem(
      `${plain(path)} is the file of another program; \`clawgate import\` makes a config of it that can be changed here`,
      exitCodes.config,
    );
  return { path, original: text, edit: editConfig(text), input };
}

/** The config that would result from the changes. Throws ConfigProblem. */
export async function checkedConfig({ path, edit, input }: OpenConfig): Promise<Config> {
  return (await loadOffline(withFileText(input, path, edit.text()))).config;
}

export type Reloaded = "in force" | "no gateway" | "dry run";

/** Throws ManageProblem, EditProblem, ConfigProblem, GatewayProblem. */
export async function writeAndReload(
  context: CommandContext,
  opened: OpenConfig,
  isDryRun: boolean,
): Promise<Reloaded> {
  const { path, edit, input } = opened;
  await checkedConfig(opened);
  if (isDryRun) return "dry run";
  if (input.readFile(path) !== opened.original)
    throw new ManageProblem(
      `${plain(path)} was changed by another program in the meantime; nothing was written. Try again`,
    );
  await writeConfig(path, edit.text());
  const found = await findGateway(context, offlineEnvironment(input));
  if ("why" in found) return "no gateway";
  const { status, body } = await found.ask({ method: "POST", path: "/api/reload", timeoutMs: 30_000 });
  if (status >= 200 && status < 300) return "in force";
  throw new GatewayProblem(
    `The config is written, but the running gateway did not accept it: ${errorMessage(body) ?? `status ${status}`}`,
    status,
  );
}

export function reloadText(reloaded: Reloaded): string {
  if (reloaded === "in force") return "The running gateway is using it.\n";
  return reloaded === "dry run"
    ? "Nothing was written (--dry-run).\n"
    : "No gateway is running; it takes effect at the next start.\n";
}

export function unknownTenant(edit: ConfigEdit, name: string): ManageProblem {
  const names = edit.tenants().map((each) => each.name);
  const near = nearest(name, names);
  const hint = near === null ? '"clawgate manage list" lists the tenants.' : `Did you mean "${plain(near)}"?`;
  return new ManageProblem(`There is no tenant "${plain(name)}". ${hint}`);
}

/** Runs a command's work, and prints one line about an error. */
export async function withProblems(context: CommandContext, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof ConfigProblem) {
      context.stderr.write(`${thrown.message}\n`);
      return exitCodes.config;
    }
    const isKnown =
      thrown instanceof ManageProblem ||
      thrown instanceof EditProblem ||
      thrown instanceof GatewayProblem ||
      thrown instanceof FileProblem ||
      thrown instanceof PathProblem ||
      (thrown instanceof Error && thrown.name === "SkillProblem");
    if (!isKnown) throw thrown;
    context.stderr.write(`clawgate: ${thrown.message}\n`);
    return thrown instanceof ManageProblem ? thrown.exitCode : exitCodes.failed;
  }
}
