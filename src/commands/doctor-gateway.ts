// What `clawgate doctor` learns from the running gateway: its config, its providers and its problems, because this terminal has
// other variables and another folder. It must never change anything there.

import type { ConfigReport } from "../operator/reports/config-report.ts";
import { type Examination } from "../operator/examination/examination.ts";
import { type Finding, findingsIn } from "../operator/examination/finding.ts";
import { portProblem } from "../operator/examination/machine-findings.ts";
import { portHolderOf } from "../app/listen-problem.ts";
import type { CommandContext } from "./command.ts";
import {
  type Absent,
  findGateway,
  GatewayProblem,
  memberOf,
  type RunningGateway,
} from "./running-gateway.ts";

/** What it reports; null if it does not answer, or is too old to. */
export type GatewayAnswers = {
  readonly gateway: RunningGateway;
  readonly config: ConfigReport | null;
  readonly health: unknown;
  readonly problem: string | null;
};

export type GatewayLookup = GatewayAnswers | Absent;

const inGateway = findingsIn("gateway");
const inConfig = findingsIn("config");
const inProviders = findingsIn("providers");

export async function askGateway(
  context: Pick<CommandContext, "stderr">,
  environment: Examination["environment"],
): Promise<GatewayLookup> {
  const found = await findGateway(context, environment);
  if ("why" in found) return found;
  const ask = async (path: string): Promise<unknown> => {
    const { status, body } = await found.ask({ method: "GET", path });
    return status === 200 ? body : null;
  };
  try {
    const health = await ask("/health");
    const config = (await ask("/api/config")) as ConfigReport | null;
    return {
      gateway: found,
      health,
      config: memberOf(config, "disk") === undefined ? null : config,
      problem: null,
    };
  } catch (thrown) {
    if (!(thrown instanceof GatewayProblem)) throw thrown;
    return { gateway: found, health: null, config: null, problem: thrown.message };
  }
}

export async function absentFindings(
  { why, holder = null }: Absent,
  seen: Examination,
): Promise<readonly Finding[]> {
  if (holder !== null) {
    const title = `process ${holder} owns the state directory but does not answer`;
    const advice =
      "no other gateway can start with that directory; if it stays silent, stop it (clawgate stop, or end the process)";
    return [inGateway("failed", "running", title, why, advice)];
  }
  const absent = inGateway("ok", "running", why);
  if (seen.address === null) return [absent];
  const { host, port, from } = seen.address;
  if (port === 0) return [absent, inGateway("ok", "port", "picks any free port")];
  const trouble = await portProblem(host, port);
  const title = `port ${port} on ${host}`;
  if (trouble === null) return [absent, inGateway("ok", "port", title, "free")];
  if (trouble !== "EADDRINUSE")
    return [
      absent,
      inGateway(
        "failed",
        "port",
        title,
        `cannot listen there (${trouble}); ${from}`,
        "check server.host and server.port",
      ),
    ];
  const { isOurs, description } = await portHolderOf(host, port);
  const detail = `another ${isOurs ? "gateway" : "program"} listens there`;
  const ours = isOurs ? "; CLAWGATE_STATE_DIR names the state directory of that gateway" : "";
  const advice = `${description}; ${from}: choose another with server.port or --port${ours}`;
  return [absent, inGateway("failed", "port", title, detail, advice)];
}

/** Everything that it reports; `seen`: the findings without it. */
export function gatewayFindings(answers: GatewayAnswers, seen: Examination): readonly Finding[] {
  const { config } = answers;
  return [
    runningFinding(answers),
    ...troubleFindings(answers.health),
    ...exportFindings(memberOf(answers.health, "opentelemetry")),
    ...(config === null ? [] : configFindings(config, seen)),
  ];
}

function runningFinding({ gateway, health, problem }: GatewayAnswers): Finding {
  const title = `running at ${gateway.url} (process ${gateway.pid})`;
  if (problem !== null) return inGateway("failed", "running", title, problem, "restart it");
  const advice = "clawgate providers shows which provider is unavailable, and why";
  const providers = Object.values(membersOf(memberOf(health, "providers")));
  const isAllHealthy = providers.every((each) => memberOf(each, "healthy") === true);
  switch (memberOf(health, "status")) {
    case "ok":
      return inGateway("ok", "running", title, "healthy");
    case "degraded":
      return isAllHealthy
        ? inGateway("warning", "running", title, "not everything works as configured: see below")
        : inGateway("warning", "running", title, "some providers are unavailable", advice);
    default:
      return inGateway("failed", "running", title, "no provider is healthy", advice);
  }
}

/** Problems that do no harm for some time. */
const isMinor = /^(?:space\.|certificates)/;

function troubleFindings(health: unknown): readonly Finding[] {
  const problems = memberOf(health, "problems");
  if (!Array.isArray(problems)) return [];
  return problems.flatMap((problem: unknown): Finding[] => {
    const [id, message] = [memberOf(problem, "id"), memberOf(problem, "message")];
    // The config has its own findings.
    if (typeof id !== "string" || typeof message !== "string" || id === "config") return [];
    return [inGateway(isMinor.test(id) ? "warning" : "failed", `problem.${id}`, message)];
  });
}

/** What the running gateway sends to a collector. */
function exportFindings(opentelemetry: unknown): readonly Finding[] {
  return ["traces", "metrics"].flatMap((signal): Finding[] => {
    const state = memberOf(opentelemetry, signal);
    const [collector, problem, sent, lost] = ["collector", "problem", "sent", "lost"].map((name) =>
      memberOf(state, name),
    );
    if (typeof collector !== "string") return [];
    const title = `OpenTelemetry ${signal} go to ${collector}`;
    const amount = `${String(sent)} sent, ${String(lost)} lost`;
    const id = `opentelemetry.${signal}`;
    if (typeof problem !== "string") return [inGateway("ok", id, title, amount)];
    const advice = "check that the collector takes OTLP over HTTP there; requests are not affected";
    return [inGateway("warning", id, title, `${problem}; ${amount}`, advice)];
  });
}

function configFindings(config: ConfigReport, seen: Examination): readonly Finding[] {
  const { path, disk, overrides, needs_restart: restart } = config;
  const file = path ?? "no config file: it serves what it found on its machine";
  const since = `since ${config.loaded_at}`;
  const lookedAt = seen.path;
  return [
    inGateway("ok", "config", `active config: ${file}`, since),
    ...overrides.map(({ key, from }) =>
      inGateway(
        "ok",
        `override.${key}`,
        `${key}: ${shownValue(config.values, key)}`,
        `set by ${from}, which overrides the file`,
      ),
    ),
    ...(lookedAt !== null && lookedAt !== path
      ? [
          inConfig(
            "warning",
            "other",
            `this command looked at ${lookedAt}`,
            `the running gateway was started with ${path ?? "no config file"}`,
          ),
        ]
      : []),
    ...diskFindings(disk, config),
    ...(restart.length === 0
      ? []
      : [
          inConfig(
            "warning",
            "restart",
            `takes effect only after a restart: ${restart.join(", ")}`,
            "the file differs from the active config",
          ),
        ]),
  ];
}

function diskFindings(
  disk: ConfigReport["disk"],
  { path, invalid_since: since }: ConfigReport,
): readonly Finding[] {
  if (disk.state === "invalid") {
    const title = `${path ?? "the config"} on disk is not valid${since === null ? "" : ` (since ${since})`}`;
    const advice = "the running gateway keeps the previous config; it would not start with this one";
    return [
      inConfig("failed", "disk", title, null, advice),
      ...disk.problems.map((problem) => inConfig("failed", "problem", problem)),
    ];
  }
  if (disk.state !== "differs") return [];
  const { providers, sections } = disk.changed;
  const words = (name: string, ids: readonly string[]): string[] =>
    ids.length === 0 ? [] : [`${name} ${ids.join(", ")}`];
  const differences = [
    ...words("providers added:", providers.added),
    ...words("providers removed:", providers.removed),
    ...words("providers changed:", providers.changed),
    ...words("", sections),
    ...(disk.path === path ? [] : [`the file: ${disk.path ?? "none"}`]),
  ];
  const title = `${disk.path ?? "the file on disk"} differs from the active config`;
  return [
    inConfig(
      "warning",
      "disk",
      title,
      differences.map((each) => each.trim()).join("; "),
      "clawgate reload applies it",
    ),
  ];
}

function shownValue(values: unknown, key: string): string {
  const value = key.split(".").reduce<unknown>((at, name) => memberOf(at, name), values);
  return (typeof value === "string" ? value : (JSON.stringify(value) ?? "")).slice(0, 200);
}

/** The providers that the gateway itself has loaded, instead of those that this terminal's variables would load. */
export function gatewayProviderFindings({ health }: GatewayAnswers): readonly Finding[] {
  const loaded = Object.entries(membersOf(memberOf(health, "providers"))).map(([id, provider]) => {
    if (memberOf(provider, "healthy") === true) return inProviders("ok", id, id, "healthy");
    const error = memberOf(provider, "last_error");
    const why = typeof error === "string" ? error : "out";
    return inProviders("warning", id, id, why, "clawgate providers shows when it is tried again");
  });
  const skipped = Object.entries(membersOf(memberOf(health, "skipped"))).map(([id, reason]) =>
    inProviders("skipped", id, id, String(reason)),
  );
  if (loaded.some(({ id }) => id !== "demo")) return [...loaded, ...skipped];
  const advice =
    "set a key such as OPENAI_API_KEY or ANTHROPIC_API_KEY for the gateway, or start a local model server";
  const none =
    loaded.length === 0
      ? inProviders("failed", "none", "no provider is loaded", null, advice)
      : inProviders("warning", "none", "only the built-in demonstration is served", null, advice);
  return [...loaded, none, ...skipped];
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
