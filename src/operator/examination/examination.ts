// Everything that `clawgate doctor` can find without a running gateway. A check that fails must never hide the others: an invalid
// config is a finding, not the end.

import { ConfigProblem, problemText } from "../../config/problems.ts";
import type { LoadedConfig } from "../../config/load.ts";
import { descriptorLimit, lowLimitNotice } from "../../system/descriptors.ts";
import { fullVersion, programName } from "../../system/identity.ts";
import { runtimeWarnings } from "../../system/runtime-variables.ts";
import { systemClock } from "../../system/clock.ts";
import type { Environment } from "../../system/state-directory.ts";
import { isLoopback } from "../../wire/address.ts";
import { addressOrigin } from "../../config/address-origin.ts";
import { certificateFindings, trustFindings } from "./certificate-findings.ts";
import { claudeCodeFindings } from "./claude-code-findings.ts";
import { type Finding, findingsIn } from "./finding.ts";
import { databaseFindings, stateFindings } from "./machine-findings.ts";
import { telemetryFindings } from "./telemetry-findings.ts";

export type Examination = {
  readonly findings: readonly Finding[];
  /** Where a gateway would listen; null if the config is invalid. */
  readonly address: { readonly host: string; readonly port: number; readonly from: string } | null;
  /** The config file that was read; null if there is none or it is invalid. */
  readonly path: string | null;
  readonly environment: Environment;
};

/** The machine and the config to examine, and how the config is read. */
export type ExaminationInput = {
  readonly environment: Environment;
  readonly workingDirectory: string;
  readonly homeDirectory: string;
  /** Throws ConfigProblem. */
  load(): Promise<LoadedConfig>;
  /** The variables that a gateway would use, even if the config is invalid. */
  environmentOfGateway(): Environment;
  /** Files that exist and are not trusted, a line each, whatever else is wrong with the config. */
  distrustedFiles(): readonly string[];
};

export type ExamineOptions = {
  readonly isQuick: boolean;
  /** A running gateway has read the same config with its own variables and reports its problems itself. Absent: none runs. */
  readonly isReadElsewhere?: boolean;
  readonly onProgress: (what: string) => void;
  /** Aborts the long checks early. */
  readonly signal: AbortSignal;
};

const inProgram = findingsIn("program");
const inConfig = findingsIn("config");
const inProviders = findingsIn("providers");

export async function examine(input: ExaminationInput, options: ExamineOptions): Promise<Examination> {
  const { workingDirectory, homeDirectory } = input;
  const { loaded, findings: ofConfig } = await readConfig(input, options.isReadElsewhere === true);
  const environment = loaded?.environment ?? input.environmentOfGateway();
  options.onProgress("the database");
  const ofDatabase =
    loaded === null ? [] : databaseFindings(loaded, { ...options, workingDirectory, homeDirectory });
  options.onProgress("certificates");
  const ofTrust =
    loaded === null || options.isQuick || options.isReadElsewhere === true
      ? []
      : await trustFindings(loaded, options.signal);
  options.onProgress("the Claude Code program");
  const ofCli = await claudeCodeFindings({
    ...options,
    loaded,
    environment,
    homeDirectory,
    workingDirectory,
  });
  return {
    findings: [
      inProgram("ok", "version", `${programName} ${fullVersion}`, `${process.platform} ${process.arch}`),
      ...runtimeFindings(input.environment),
      ...(await certificateFindings(environment, workingDirectory, systemClock.nowMs())),
      descriptorFinding(),
      ...(options.isReadElsewhere === true ? [] : telemetryFindings(environment)),
      ...ofConfig,
      ...(await stateFindings(environment)),
      ...ofDatabase,
      ...(loaded === null ? [] : providerFindings(loaded)),
      ...ofTrust,
      ...ofCli,
    ],
    address: loaded === null ? null : { ...loaded.config.server, from: addressOrigin(loaded) },
    path: loaded?.path ?? null,
    environment,
  };
}

function runtimeFindings(environment: Environment): readonly Finding[] {
  const advice = "unset it for the gateway unless it is intended";
  return runtimeWarnings(environment).map((warning) =>
    inProgram("warning", "runtime", warning, null, advice),
  );
}

function descriptorFinding(): Finding {
  const limit = descriptorLimit();
  const notice = lowLimitNotice(limit);
  if (limit === null) return inProgram("skipped", "descriptors", "the limit of open files is unknown here");
  const title = `${limit} files and connections may be open`;
  return notice === null
    ? inProgram("ok", "descriptors", title, "for this command; a service has its own limit")
    : inProgram("warning", "descriptors", title, notice);
}

type ReadConfig = { readonly loaded: LoadedConfig | null; readonly findings: readonly Finding[] };

async function readConfig(input: ExaminationInput, isReadElsewhere: boolean): Promise<ReadConfig> {
  let loaded: LoadedConfig;
  try {
    loaded = await input.load();
  } catch (thrown) {
    if (!(thrown instanceof ConfigProblem)) throw thrown;
    const ignored = input.distrustedFiles().map((line) => inConfig("warning", "notice", line));
    // The variables of this terminal may lack what the gateway has; the gateway reports its own view of the file.
    const [state, advice] = isReadElsewhere
      ? (["warning", "as read here, with the permissions and variables of this terminal"] as const)
      : (["failed", "the gateway does not start with it"] as const);
    const problems = thrown.problems.map((problem) =>
      inConfig(state, "problem", problemText(problem), null, advice),
    );
    return { loaded: null, findings: [...problems, ...ignored] };
  }
  const { path, notices, sources, config } = loaded;
  const file =
    path === null
      ? inConfig("ok", "file", "no config file", "the gateway serves what it finds on this machine")
      : inConfig("ok", "file", path, "valid");
  return {
    loaded,
    findings: [
      file,
      ...sources.map((source) => inConfig("ok", "source", source)),
      ...notices.map((notice) => inConfig("warning", "notice", notice)),
      exposure(config),
    ],
  };
}

function exposure({ server, auth, tenants }: LoadedConfig["config"]): Finding {
  const keys = auth.keys.length + auth.clients.length + tenants.length;
  const isLocal = server.host === "localhost" || isLoopback(server.host.replace(/^\[|\]$/g, ""));
  const who = keys === 0 ? "no key is asked for" : `${keys} ${keys === 1 ? "key is" : "keys are"} known`;
  return isLocal
    ? inConfig("ok", "exposure", `listens on ${server.host}: reachable only from this machine`, who)
    : inConfig(
        "warning",
        "exposure",
        `listens on ${server.host}: reachable from other machines`,
        who,
        "use a firewall, or a TLS proxy in front of it",
      );
}

function providerFindings({ config, skippedProviders }: LoadedConfig): readonly Finding[] {
  const loaded = Object.entries(config.providers).map(([id, { backend, model }]) =>
    inProviders("ok", id, id, model === id ? backend : `${backend}, ${model}`),
  );
  const skipped = skippedProviders.map(({ id, reason }) => inProviders("skipped", id, id, reason));
  const isNothing = loaded.every(({ id }) => id === "demo");
  const advice = "set a key such as OPENAI_API_KEY or ANTHROPIC_API_KEY, or start a local model server";
  const none = isNothing
    ? [
        loaded.length === 0
          ? inProviders("failed", "none", "no provider is loaded", null, advice)
          : inProviders("warning", "none", "only the built-in demonstration is served", null, advice),
      ]
    : [];
  return [...loaded, ...none, ...skipped];
}
