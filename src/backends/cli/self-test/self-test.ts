// The self-test of the user's own Claude Code program, against an API of our own on loopback: does this version behave as
// the claude-cli provider needs it? Own folders, a dummy key, everything removed at the end, nothing sent anywhere else.
// It must never read the program's login: it asks `auth status`, and nothing more.

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, systemClock } from "../../../system/clock.ts";
import { isRecord } from "../../../dialects/decoding.ts";
import { userLine } from "../../../dialects/claude-cli/lines.ts";
import { ProcessGone, startProcess } from "../../../system/live-process.ts";
import { runCommand } from "../../../system/process.ts";
import { encodeLine, readObject } from "../../../wire/ndjson.ts";
import { startClaude } from "../child.ts";
import { type Launch, launchOf } from "../launch.ts";
import type { Workspace } from "../workspace.ts";
import { type CheckResult, createVerdicts, measuredVersions, type Verdicts } from "./checks.ts";
import { type FakeApi, startFakeApi } from "./fake-api.ts";
import { runSession } from "./session.ts";

export type SelfTestOptions = {
  /** As it is served: its program, home, configuration folder and variables are those that `auth status` is asked with. */
  readonly workspace: Workspace;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Only the program, its version and its login. */
  readonly isQuick: boolean;
  /** Hears of each check as it is decided. */
  readonly onVerdict?: (result: CheckResult) => void;
  readonly timeoutMs?: number;
  /** For one answer of the program. */
  readonly turnMs?: number;
  readonly clock?: Clock;
};

export type SelfTestReport = {
  readonly bin: string;
  readonly version: string | null;
  /** As `auth status` names it: api_key, oauth_token, claude.ai, none; null when it did not say. */
  readonly login: string | null;
  readonly checks: readonly CheckResult[];
};

const wholeMs = 60_000;
const answerMs = 15_000;
// A cold start on a busy machine took 4.5 s.
const commandMs = 15_000;
const stopGraceMs = 2_000;
const model = "opus";

export async function selfTest(options: SelfTestOptions): Promise<SelfTestReport> {
  const clock = options.clock ?? systemClock;
  const { workspace, isQuick } = options;
  const verdicts = createVerdicts(options.onVerdict ?? (() => undefined));
  const root = await mkdtemp(join(tmpdir(), "clawgate-check-"));
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
    const unseen = await tryBehaviours(options, root, verdicts, clock);
    return { bin: workspace.bin, version, login, checks: verdicts.results(unseen) };
  } finally {
    await rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}

function launchIn(options: SelfTestOptions, workspace: Workspace, thinking: "default" | "off"): Launch {
  const { environment } = options;
  return launchOf({ workspace, model, thinking, serverTools: "none", environment, gatewayId: "self-test" });
}

/** `--version` and `auth status` with the variables that the gateway itself would hand down. */
function command(options: SelfTestOptions, root: string, args: readonly string[], clock: Clock) {
  const { env } = launchIn(options, options.workspace, "default");
  return runCommand([options.workspace.bin, ...args], { timeoutMs: commandMs, env, cwd: root, clock });
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
      `${version} is older than ${oldest}, the oldest that was measured; run "claude update"`,
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
      said.timedOut ? "auth status did not answer in time" : "this version does not tell",
    );
    return null;
  }
  const method = typeof status["authMethod"] === "string" ? status["authMethod"] : "none";
  if (status["loggedIn"] === true) {
    const plan = typeof status["subscriptionType"] === "string" ? `, ${status["subscriptionType"]}` : "";
    verdicts.passed("login", `${method}${plan}; whether it is still valid shows with the first request`);
  } else
    verdicts.failed(
      "login",
      'nobody is logged in; run "claude auth login", or set ANTHROPIC_API_KEY in the provider\'s env',
    );
  return method;
}

/** The reason for what could not be tried. */
async function tryBehaviours(
  options: SelfTestOptions,
  root: string,
  verdicts: Verdicts,
  clock: Clock,
): Promise<string> {
  const stopper = new AbortController();
  let isLate = false;
  const limitMs = options.timeoutMs ?? wholeMs;
  const cancel = clock.setTimer(limitMs, () => {
    isLate = true;
    stopper.abort();
  });
  try {
    const [unseen, thinking] = await Promise.all([
      longSession(options, root, verdicts, stopper.signal, clock),
      shortSession(options, root, verdicts, stopper.signal, clock),
    ]);
    // The long session tries it in the running process, the short one from the start; it must work both ways.
    if (unseen === null && thinking !== "unseen") verdicts.say("thinking-off", thinking);
    return isLate ? `not tried within ${Math.round(limitMs / 1000)} s` : (unseen ?? "it was not tried");
  } finally {
    cancel();
  }
}

/** Folders of the test's own below `root`, and no way to anything but `api`. */
async function apart(
  options: SelfTestOptions,
  root: string,
  name: string,
  api: FakeApi,
): Promise<SelfTestOptions> {
  const place = join(root, name);
  const folders = {
    home: join(place, "home"),
    configDir: join(place, "config"),
    workingDir: join(place, "work"),
  };
  const temporary = join(place, "tmp");
  for (const folder of [...Object.values(folders), temporary])
    await mkdir(folder, { recursive: true, mode: 0o700 });
  const nowhere = "http://127.0.0.1:9";
  return {
    ...options,
    // The user's proxies would be asked even for loopback by a program that reads NO_PROXY in its own way.
    environment: {
      PATH: options.environment["PATH"],
      LANG: options.environment["LANG"],
      TMPDIR: temporary,
      HTTP_PROXY: nowhere,
      HTTPS_PROXY: nowhere,
      NO_PROXY: "127.0.0.1,localhost",
    },
    workspace: {
      tenant: "self-test",
      bin: options.workspace.bin,
      ...folders,
      env: { ANTHROPIC_BASE_URL: api.url, ANTHROPIC_API_KEY: "self-test-no-key" },
      pluginDirs: [],
      addDirs: [],
      permissionMode: null,
      jail: null,
    },
  };
}

/** Null when it came to its end, else what ended it. */
async function longSession(
  options: SelfTestOptions,
  root: string,
  verdicts: Verdicts,
  signal: AbortSignal,
  clock: Clock,
): Promise<string | null> {
  const api = startFakeApi();
  const secret = `secret-${crypto.randomUUID()}`;
  const secretFile = join(root, "secret.txt");
  try {
    await writeFile(secretFile, secret);
    const own = await apart(options, root, "a", api);
    const child = await startClaude(launchIn(own, own.workspace, "default"), { clock });
    const stop = (): void => void child.stop();
    signal.addEventListener("abort", stop, { once: true });
    try {
      const turnMs = options.turnMs ?? answerMs;
      await runSession({ child, api, verdicts, secretFile, secret, turnMs, clock });
      return null;
    } finally {
      signal.removeEventListener("abort", stop);
      await child.stop();
    }
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    // Where nothing worked yet, this is the reason.
    verdicts.failed("start", why);
    return why;
  } finally {
    await api.stop();
  }
}

/**
 * One good turn with thinking off from the start, one that fails, and the end of the input: how does it exit?
 * Gives what is wrong with switching thinking off, or null.
 */
async function shortSession(
  options: SelfTestOptions,
  root: string,
  verdicts: Verdicts,
  signal: AbortSignal,
  clock: Clock,
): Promise<string | null> {
  const api = startFakeApi();
  try {
    const own = await apart(options, root, "b", api);
    const { bin, argv, env, cwd } = launchIn(own, own.workspace, "off");
    api.reply(
      { kind: "text", text: "ok" },
      { kind: "error", status: 400, type: "invalid_request_error", message: "the self-test refuses this" },
    );
    const child = startProcess([bin, ...argv], { env, cwd, clock });
    const stop = (): void => void child.stop({ graceMs: stopGraceMs });
    const cancel = clock.setTimer(2 * (options.turnMs ?? answerMs), stop);
    signal.addEventListener("abort", stop, { once: true });
    let code: number | null;
    try {
      for (const text of ["good", "bad"])
        await child.write(encodeLine(userLine([{ type: "text", text }], true)));
      await child.closeInput();
      while ((await child.read()) !== null);
      ({ code } = await child.exited);
    } catch (thrown) {
      if (!(thrown instanceof ProcessGone)) throw thrown;
      ({ code } = await child.exited);
    } finally {
      cancel();
      signal.removeEventListener("abort", stop);
      await child.stop({ graceMs: stopGraceMs });
    }
    const first = api.heard[0];
    if (code === null || first === undefined) {
      verdicts.skipped("exit-codes", "the short session did not come to its end");
      return "unseen";
    }
    verdicts.say("exit-codes", code === 1 ? null : `exit code ${code} after a turn that failed`);
    const thinking = first.body["thinking"];
    const isOff = !isRecord(thinking) || thinking["type"] === "disabled";
    return isOff ? null : `started with --thinking disabled it stays ${String(thinking["type"])}`;
  } finally {
    await api.stop();
  }
}
