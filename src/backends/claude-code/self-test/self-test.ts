// The self-test of the user's own Claude Code program, against an API of our own on loopback: does this version behave as
// the claude-cli provider needs it? Own folders, a dummy key, everything removed at the end, nothing sent anywhere else.
// It must never read the program's login: it only asks `auth status`.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, systemClock } from "../../../system/clock.ts";
import { runCommand } from "../../../system/process.ts";
import { readObject } from "../../../wire/ndjson.ts";
import { launchIn, type SelfTestOptions, checkBehaviours } from "./behaviours.ts";
import { type CheckResult, createVerdicts, measuredVersions, type Verdicts } from "./behaviour-checks.ts";

export type { SelfTestOptions } from "./behaviours.ts";

export type SelfTestReport = {
  readonly bin: string;
  readonly version: string | null;
  /** As `auth status` reports it: api_key, oauth_token, claude.ai, none; null when not reported. */
  readonly login: string | null;
  readonly checks: readonly CheckResult[];
};

// A cold start on a busy machine took 4.5 s.
const commandMs = 15_000;

export async function selfTest(options: SelfTestOptions): Promise<SelfTestReport> {
  const clock = options.clock ?? systemClock;
  const { workspace, isQuick } = options;
  const verdicts = createVerdicts(options.onVerdict ?? (() => undefined));
  const root = await mkdtemp(join(tmpdir(), "clawgate-selftest-"));
  try {
    const version = await askVersion(options, root, verdicts, clock);
    if (version === null)
      return {
        bin: workspace.bin,
        version,
        login: null,
        checks: verdicts.results("the program cannot be run"),
      };
    const login = await askLogin(options, root, verdicts, clock);
    if (isQuick)
      return { bin: workspace.bin, version, login, checks: verdicts.results("left out by --quick") };
    const unseen = await checkBehaviours(options, root, verdicts, clock);
    return { bin: workspace.bin, version, login, checks: verdicts.results(unseen) };
  } finally {
    await rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}

/** `--version` and `auth status` with the variables that the gateway itself would pass. */
function command(options: SelfTestOptions, root: string, args: readonly string[], clock: Clock) {
  const { env } = launchIn(options, options.workspace, "default");
  return runCommand([options.workspace.bin, ...args], {
    timeoutMs: commandMs,
    env,
    cwd: root,
    clock,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
}

async function askVersion(
  options: SelfTestOptions,
  root: string,
  verdicts: Verdicts,
  clock: Clock,
): Promise<string | null> {
  let said: Awaited<ReturnType<typeof command>>;
  try {
    said = await command(options, root, ["--version"], clock);
  } catch (thrown) {
    verdicts.failed(
      "program",
      `it cannot be started: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    );
    return null;
  }
  const version = /^(\d+\.\d+\.\d+\S*)/.exec(said.stdout.trim())?.[1];
  if (said.code !== 0 || version === undefined) {
    const why = said.timedOut
      ? "it did not answer --version in time"
      : `--version gave exit code ${said.code} and no version`;
    verdicts.failed("program", why);
    return null;
  }
  verdicts.passed("program", options.workspace.bin);
  const [oldest] = measuredVersions;
  if (measuredVersions.some((each) => each === version)) verdicts.passed("version", `${version}, measured`);
  else if (Bun.semver.order(version, oldest) < 0)
    verdicts.failed(
      "version",
      `${version}, and the oldest that was tested is ${oldest}; run "claude update"`,
    );
  else verdicts.passed("version", `${version} was not measured; it is checked now`);
  return version;
}

async function askLogin(
  options: SelfTestOptions,
  root: string,
  verdicts: Verdicts,
  clock: Clock,
): Promise<string | null> {
  const said = await command(options, root, ["auth", "status"], clock);
  const status = readObject(said.stdout);
  if (status === null) {
    verdicts.skipped(
      "login",
      said.timedOut ? "auth status did not answer in time" : "this version does not report it",
    );
    return null;
  }
  const method = typeof status["authMethod"] === "string" ? status["authMethod"] : "none";
  if (status["loggedIn"] === true) {
    const plan = typeof status["subscriptionType"] === "string" ? `, ${status["subscriptionType"]}` : "";
    verdicts.passed("login", `${method}${plan}; whether it is still valid shows with the first request`);
  } else verdicts.failed("login", 'run "claude auth login", or set ANTHROPIC_API_KEY in the provider\'s env');
  return method;
}
