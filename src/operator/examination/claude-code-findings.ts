// What `clawgate doctor` finds about the user's Claude Code programs: which ones the config names, their self-test, their jail, and
// whether the machine has enough memory for the warm processes.

import { createInstallation } from "../../backends/claude-code/installation.ts";
import { childrenThatFit } from "../../backends/agent-process/memory-budget.ts";
import { processMb, programName } from "../../backends/claude-code/program-facts.ts";
import { canMakeFolderAs, resolveUser, UserProblem } from "../../backends/agent-process/other-user.ts";
import { type CliProgram, resolveProgramSettings } from "../../backends/claude-code/program-settings.ts";
import { resolveCliProvider } from "../../backends/claude-code/provider-settings.ts";
import type { CheckResult } from "../../backends/claude-code/self-test/behaviour-checks.ts";
import { selfTest } from "../../backends/claude-code/self-test/self-test.ts";
import { accountWorkFolder, type Workspace } from "../../backends/claude-code/workspace.ts";
import { Failure } from "../../canon/failure.ts";
import { isSecretName } from "../../config/folder-variables.ts";
import type { LoadedConfig } from "../../config/load.ts";
import { missingPosix } from "../../system/posix.ts";
import { findOnPath } from "../../system/process.ts";
import type { Environment } from "../../system/state-directory.ts";
import { type Finding, findingsIn } from "./finding.ts";
import { jailFindings } from "./jail-findings.ts";

export type ClaudeCodeOptions = {
  /** Null: the config is invalid; the program is then searched for in the usual place. */
  readonly loaded: LoadedConfig | null;
  readonly environment: Environment;
  readonly homeDirectory: string;
  readonly workingDirectory: string;
  readonly isQuick: boolean;
  readonly onProgress: (what: string) => void;
  readonly signal: AbortSignal;
};

type ConfiguredProgram = {
  /** The provider's id; null: no provider of the config is this program. */
  readonly provider: string | null;
  readonly program: CliProgram;
  readonly maxConcurrent: number;
};

const inCli = findingsIn("cli");
const inMemory = findingsIn("memory");

export async function claudeCodeFindings(options: ClaudeCodeOptions): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const program of programsOf(options)) findings.push(...(await examined(program, options)));
  return findings;
}

/** Each program once, even if several providers use it. */
function programsOf({ loaded, environment }: ClaudeCodeOptions): readonly ConfiguredProgram[] {
  const config = loaded?.config;
  const hasServers = Object.keys(config?.mcp_servers ?? {}).length > 0;
  const providers = Object.entries(config?.providers ?? {}).flatMap(
    ([provider, settings]): ConfiguredProgram[] => {
      if (settings.backend !== "claude-cli") return [];
      const { program, maxConcurrent } = resolveCliProvider(settings, config?.cli, hasServers);
      return [{ provider, program, maxConcurrent }];
    },
  );
  const seen = new Set<string>();
  const each = providers.filter(({ program }) => {
    const key = JSON.stringify([program.bin, program.configDir, program.env]);
    return seen.has(key) ? false : seen.add(key);
  });
  if (each.length > 0) return each;
  const bin = environment["CLAUDE_BIN"] || environment["CLAUDE_PATH"] || config?.cli?.bin || "claude";
  return [{ provider: null, program: resolveProgramSettings({ bin }, config?.cli), maxConcurrent: 0 }];
}

async function examined(
  configured: ConfiguredProgram,
  options: ClaudeCodeOptions,
): Promise<readonly Finding[]> {
  const { program, provider } = configured;
  const idOf = (id: string): string => (provider === null ? id : `${provider}.${id}`);
  if (isNamedHereOnly(program, options))
    return [
      inCli(
        "skipped",
        idOf("program"),
        `"${program.bin}" was not started`,
        "only a config that was found in the working directory names it, or variables for it",
        "name the config with --config to have it examined",
      ),
    ];
  const workspace = workspaceOf(program, options);
  if (workspace === null) {
    const lacking = missingPosix("Claude Code as a provider");
    if (provider === null)
      return [
        inCli(
          "skipped",
          "program",
          lacking ?? "Claude Code was not found",
          "needed only to use it as a provider",
        ),
      ];
    if (lacking !== null)
      return [inCli("failed", idOf("program"), lacking, `provider ${provider} is not served`)];
    const advice =
      "install it (npm install -g @anthropic-ai/claude-code), or set the provider's `bin` or CLAUDE_BIN";
    return [
      inCli(
        "failed",
        idOf("program"),
        `provider ${provider}: "${program.bin}" is missing or cannot be run`,
        null,
        advice,
      ),
    ];
  }
  const seen: Finding[] = [];
  const report = await selfTest({
    workspace,
    environment: options.environment,
    isQuick: options.isQuick,
    signal: options.signal,
    onVerdict: ({ title }) => options.onProgress(title),
  });
  for (const check of report.checks)
    seen.push(asFinding(check, configured, idOf(check.id), check.id === "login" && isAlone(options)));
  seen.push(...(await jailFindings({ ...options, provider, program, idOf })));
  if (provider !== null) {
    seen.push(...(await userFindings(workspace.bin, options, idOf)));
    seen.push(await memoryFinding(configured));
  }
  return seen;
}

/** Examining a folder must not start a program that the folder names, nor give that program the user's login. */
function isNamedHereOnly(program: CliProgram, { loaded, environment }: ClaudeCodeOptions): boolean {
  if (loaded?.isUnnamed !== true) return false;
  const names = Object.keys(program.env);
  if (!names.every((name) => isSecretName(name) || name === "CLAUDE_CONFIG_DIR")) return true;
  const onPath = findOnPath("claude", environment["PATH"]);
  return !["claude", onPath, environment["CLAUDE_BIN"], environment["CLAUDE_PATH"]].includes(program.bin);
}

/** As for a gateway request without a tenant, except for the folder: nothing may be created here. */
function workspaceOf(program: CliProgram, options: ClaudeCodeOptions): Workspace | null {
  const { environment, homeDirectory, workingDirectory } = options;
  const named = program.env["CLAUDE_CONFIG_DIR"] ?? program.configDir ?? environment["CLAUDE_CONFIG_DIR"];
  const installation = createInstallation({
    program,
    environment,
    stateDirectory: workingDirectory,
    guardedPaths: [],
    warn: () => undefined,
  });
  let bin: string;
  try {
    bin = installation.bin();
  } catch (thrown) {
    if (thrown instanceof Failure) return null;
    throw thrown;
  }
  const home = environment["HOME"] || homeDirectory;
  return {
    tenant: null,
    bin,
    home,
    configDir: named?.replace(/^~(?=\/|$)/, home) || `${home}/.claude`,
    isConfigDirImplied: !named,
    workingDir: workingDirectory,
    env: program.env,
    pluginDirs: [],
    addDirs: [],
    permissionMode: null,
    jail: null,
  };
}

/** No other provider could answer, and no tenant has a login of its own. */
function isAlone({ loaded }: ClaudeCodeOptions): boolean {
  if (loaded === null) return false;
  const { providers, tenants } = loaded.config;
  const others = Object.values(providers).filter(
    ({ backend }) => backend !== "claude-cli" && backend !== "demo",
  );
  return others.length === 0 && tenants.length === 0;
}

function asFinding(
  check: CheckResult,
  { provider }: ConfiguredProgram,
  id: string,
  isNeeded: boolean,
): Finding {
  const { title, otherwise, detail, state, isEssential, fallback } = check;
  if (state === "passed") return inCli("ok", id, title, detail);
  if (state === "skipped") return inCli("skipped", id, title, detail);
  // A fault of a program that no provider uses does not matter.
  const isFailure = (isEssential || isNeeded) && provider !== null;
  return inCli(isFailure ? "failed" : "warning", id, otherwise, detail, fallback);
}

/** Tenants that run as another user: the gateway does not start if one of these users does not exist. */
async function userFindings(
  bin: string,
  { loaded, environment }: ClaudeCodeOptions,
  idOf: (id: string) => string,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const { name, uid } of loaded?.config.tenants ?? []) {
    if (uid === undefined) continue;
    const title = `tenant ${name} as user ${uid}`;
    try {
      const account = await resolveUser({ programName, tenant: name, uid, bin, environment });
      const folder = accountWorkFolder(account.home, name);
      findings.push(
        (await canMakeFolderAs(account, folder, environment))
          ? inCli("ok", idOf(`user.${name}`), title, `${account.name}, home ${account.home}`)
          : inCli(
              "failed",
              idOf(`user.${name}`),
              title,
              `user ${account.name} cannot make ${folder}, where its programs work`,
              "give that user a home that exists and is its own, or name another user in `uid`",
            ),
      );
    } catch (thrown) {
      if (!(thrown instanceof UserProblem)) throw thrown;
      const advice = "run doctor as the user that runs the gateway; the line above says what to change";
      findings.push(inCli("failed", idOf(`user.${name}`), title, thrown.message, advice));
    }
  }
  return findings;
}

async function memoryFinding({ provider, program, maxConcurrent }: ConfiguredProgram): Promise<Finding> {
  const fit = await childrenThatFit(processMb);
  const { max } = program.warm;
  const title = `memory for ${fit} more Claude Code processes`;
  const wanted = `${provider} keeps up to ${max} warm and runs up to ${maxConcurrent} at a time, about ${processMb} MB each`;
  return fit >= max + maxConcurrent
    ? inMemory("ok", `${provider}.processes`, title, wanted)
    : inMemory(
        "warning",
        `${provider}.processes`,
        title,
        wanted,
        "lower warm or max_concurrent, or free some memory",
      );
}
