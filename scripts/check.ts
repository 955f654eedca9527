// `npm test`: format, types, repo safety, lint, build, tests; stops at the first stage that fails. `check.ts heavy` runs only test/heavy, then again
// with the newest version of each client, where failures count as skipped; `check.ts newest` runs only the latter, and fails.
// The result must never depend on the machine's keys, proxies or user folders.
//
// The last line is `N passed, N failed, N skipped` alone; with CLAWGATE_COUNTS=<file> it goes there instead (.ci/run adds up).

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ensureBinary } from "./build.ts";
import { type ClientName, clientVersions } from "./client-versions.ts";

type Counts = { readonly passed: number; readonly failed: number; readonly skipped: number };
type Environment = Record<string, string>;
type Stage = { readonly name: string; run(): Promise<Counts> };

const root = dirname(import.meta.dir);
const reportPath = join(root, ".cache", "test-report.xml");
const heavyFolder = join(root, "test", "heavy");
const none: Counts = { passed: 0, failed: 0, skipped: 0 };
const oneFailure: Counts = { passed: 0, failed: 1, skipped: 0 };
const minuteMs = 60_000;

/** Runs `bun <args>` or another program with its output shown live, killed at the limit. True if it succeeded. */
async function succeeds(argv: readonly string[], env: Environment, limitMs: number): Promise<boolean> {
  const child = Bun.spawn([...argv], {
    cwd: root,
    env,
    stdio: ["ignore", "inherit", "inherit"],
    detached: true,
  });
  const killAll = (): void => {
    // Detached = a separate group: processes that the tests started must not outlive them.
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      child.kill("SIGKILL");
    }
  };
  const timer = setTimeout(() => {
    console.error(`\nover its limit of ${limitMs / minuteMs} minutes: stopped`);
    killAll();
  }, limitMs);
  const onSignal = (): void => {
    killAll();
    process.exit(130);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, onSignal);
  const code = await child.exited;
  clearTimeout(timer);
  // A later stage has another child, which this would leave behind.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, onSignal);
  return code === 0;
}

const keyNames = /_(?:API_KEYS?|AUTH_TOKEN|API_TOKEN|ACCESS_TOKEN|BASE_URL|API_BASE)$/;
const foreignNames =
  /^(?:ANTHROPIC|OPENAI|CLAUDE|CLAWGATE|GEMINI|GOOGLE|BUN|NPM_CONFIG|npm|GIT)_|^(?:NODE_OPTIONS|NODE_ENV|PORT|HOST|LOG_LEVEL|FORCE_COLOR|NO_COLOR|COLORTERM)$/;
const proxyNames = /^(?:https?|all|no|ftp)_proxy$/i;

/** The machine's environment without anything that could change a result, and with separate user folders. */
function cleanEnvironment(userFolder: string, keepsNetwork: boolean): Environment {
  const kept: Environment = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value === undefined || keyNames.test(name)) continue;
    const isNetwork = proxyNames.test(name) || /^npm_config_/i.test(name);
    if (isNetwork ? keepsNetwork : !foreignNames.test(name)) kept[name] = value;
  }
  if (keepsNetwork) kept["NO_PROXY"] = kept["no_proxy"] = "localhost,127.0.0.1,::1";
  return {
    ...kept,
    CI: "true",
    TZ: "UTC",
    XDG_STATE_HOME: join(userFolder, "state"),
    XDG_CONFIG_HOME: join(userFolder, "config"),
    XDG_DATA_HOME: join(userFolder, "data"),
  };
}

function attribute(tag: string, name: string): number {
  return Number(new RegExp(`\\b${name}="(\\d+)"`).exec(tag)?.[1] ?? 0);
}

/** Counts of a JUnit file. `wentWell` false without a failure in it: the runner itself broke. */
function countsOf(path: string, wentWell: boolean): Counts {
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  const tag = /<testsuites\b[^>]*>/.exec(text)?.[0] ?? "";
  const skipped = attribute(tag, "skipped");
  const counted = attribute(tag, "failures") + attribute(tag, "errors");
  const failed = wentWell ? counted : Math.max(1, counted);
  return { passed: Math.max(0, attribute(tag, "tests") - counted - skipped), failed, skipped };
}

async function testRun(args: readonly string[], env: Environment, limitMs: number): Promise<Counts> {
  mkdirSync(dirname(reportPath), { recursive: true });
  rmSync(reportPath, { force: true });
  const reporter = ["--reporter=junit", `--reporter-outfile=${reportPath}`];
  // A slow shared machine is not a failure; a test that hangs still is one.
  const argv = [process.execPath, "test", "--no-env-file", "--timeout=30000", ...reporter, ...args];
  const wentWell = await succeeds(argv, env, limitMs);
  return countsOf(reportPath, wentWell);
}

function commandStage(name: string, argv: readonly string[], env: Environment): Stage {
  return { name, run: async () => ((await succeeds(argv, env, 5 * minuteMs)) ? none : oneFailure) };
}

function buildStage(env: Environment): Stage {
  return {
    name: "build",
    run() {
      try {
        env["CLAWGATE_BINARY"] = ensureBinary();
        return Promise.resolve(none);
      } catch (error) {
        console.error(error instanceof Error ? error.message : error);
        return Promise.resolve(oneFailure);
      }
    },
  };
}

function ordinaryStages(env: Environment): Stage[] {
  const bun = process.execPath;
  // Recordings in test/ stay byte for byte as the vendor sent them, so only code is formatted there. In scripts/ the templates of
  // the Helm chart look like YAML and are none.
  const formatted = ["src", "scripts/**/*.{ts,mjs,json}", "test/**/*.ts", "package.json", "tsconfig.json"];
  const oxlint = join(root, "node_modules", ".bin", "oxlint");
  const strict = [
    "--deny-warnings",
    "-D",
    "correctness",
    "-D",
    "suspicious",
    "-D",
    "typescript/no-explicit-any",
  ];
  // Matters of taste in "suspicious": a local helper that captures nothing, sort() on a local array, a reused name.
  const taste = [
    "consistent-function-scoping",
    "no-shadow",
    "no-array-sort",
    "no-array-reverse",
    "no-unmodified-loop-condition",
  ];
  const allowed = taste.flatMap((rule) => ["-A", rule]);
  return [
    commandStage("format", [bun, "fmt", "--check", ...formatted], env),
    commandStage("types", [bun, "check"], env),
    commandStage("repo safety", [bun, join(root, "scripts", "repo-safety.ts"), "--allow-shallow"], env),
    commandStage("lint", [bun, oxlint, ...strict, ...allowed, "src", "test", "scripts"], env),
    buildStage(env),
    { name: "tests", run: () => testRun([], env, 20 * minuteMs) },
  ];
}

/** Named `*.heavy.ts`, so that plain `bun test` does not find them; they install and run real clients. */
function heavyStages(env: Environment): Stage[] {
  const names = existsSync(heavyFolder)
    ? readdirSync(heavyFolder).filter((name) => name.endsWith(".heavy.ts"))
    : [];
  const files = names.toSorted().map((name) => `./test/heavy/${name}`);
  if (files.length === 0) return [];
  env["CLAWGATE_HEAVY"] = "1";
  const heavy: Stage = { name: "heavy clients", run: () => testRun(files, env, 40 * minuteMs) };
  return [buildStage(env), heavy, ...newestStages(env, false)];
}

/** Null if the registry does not report it. */
function newestOf(packageName: string, isPython: boolean, env: Environment): string | null {
  const argv = isPython
    ? ["python3", "-m", "pip", "index", "versions", packageName, "--disable-pip-version-check"]
    : ["npm", "view", packageName, "version", "--loglevel=error"];
  try {
    const said = Bun.spawnSync(argv, { env, cwd: tmpdir(), stderr: "ignore", timeout: minuteMs });
    // pip: `<package> (<newest>)`, then all the others.
    const [first = ""] = said.stdout.toString().trim().split("\n");
    const version = isPython ? (/\(([^)]+)\)$/.exec(first)?.[1] ?? "") : first;
    return /^\d+\.\d+\.\d+\S*$/.exec(version)?.[0] ?? null;
  } catch {
    return null;
  }
}

/** Names of the tests that failed in the last run. */
function failedNames(): readonly string[] {
  const text = existsSync(reportPath) ? readFileSync(reportPath, "utf8") : "";
  return [...text.matchAll(/<testcase name="([^"]*)"[^>]*>\s*<(?:failure|error)/g)].map(
    ([, name = ""]) => name,
  );
}

/** For all clients together; a hanging one must not take the time of the whole job. */
const newestLimitMs = { beside: 25 * minuteMs, alone: 50 * minuteMs };

/** The time begins with the first of these stages. */
class NewestTime {
  private endsAtMs: number | null = null;

  constructor(private readonly limitMs: number) {}

  /** For the next client. */
  leftMs(): number {
    this.endsAtMs ??= Date.now() + this.limitMs;
    return Math.min(12 * minuteMs, this.endsAtMs - Date.now());
  }
}

/** We do not control a client's newest version: an assumption that it breaks is reported, and fails nothing. */
function newestStage(client: ClientName, env: Environment, isStrict: boolean, time: NewestTime): Stage {
  const { package: packageName, pinned, variable, files } = clientVersions[client];
  const isPython = "isPython" in clientVersions[client];
  return {
    name: `newest ${client}`,
    async run() {
      const limitMs = time.leftMs();
      if (limitMs < minuteMs) {
        console.error("no time is left for it");
        return isStrict ? oneFailure : { ...none, skipped: 1 };
      }
      const version = newestOf(packageName, isPython, env);
      if (version === null || version === pinned) {
        console.log(
          version === null
            ? `the registry does not report the newest version of ${packageName}`
            : "it is pinned",
        );
        return { ...none, skipped: version === null ? 1 : 0 };
      }
      console.log(`${packageName} ${version}, pinned is ${pinned}`);
      const paths = files
        .map((name) => `./test/heavy/${name}.heavy.ts`)
        .filter((path) => existsSync(join(root, path)));
      const counts = await testRun(paths, { ...env, [variable]: version }, limitMs);
      if (counts.failed === 0) return counts;
      const names = failedNames();
      for (const name of names.length === 0 ? ["the run did not finish"] : names)
        console.error(`does not hold with ${client} ${version}: ${name}`);
      return isStrict ? counts : { ...counts, failed: 0, skipped: counts.skipped + counts.failed };
    },
  };
}

function newestStages(env: Environment, isStrict: boolean): Stage[] {
  env["CLAWGATE_HEAVY"] = "1";
  const time = new NewestTime(isStrict ? newestLimitMs.alone : newestLimitMs.beside);
  return (Object.keys(clientVersions) as ClientName[]).map((client) =>
    newestStage(client, env, isStrict, time),
  );
}

async function inOrder(stages: readonly Stage[], stopsAtFailure: boolean): Promise<Counts> {
  let sum = none;
  for (const stage of stages) {
    console.log(`\n=== ${stage.name}`);
    const counts = await stage.run();
    sum = {
      passed: sum.passed + counts.passed,
      failed: sum.failed + counts.failed,
      skipped: sum.skipped + counts.skipped,
    };
    if (counts.failed > 0) {
      console.error(`\n${stage.name}: failed`);
      if (stopsAtFailure) break;
    }
  }
  return sum;
}

const what = process.argv[2];
const userFolder = mkdtempSync(join(tmpdir(), "clawgate-check-"));
const countsPath = process.env["CLAWGATE_COUNTS"];
const env = cleanEnvironment(userFolder, what !== undefined);
const stages =
  what === "newest"
    ? [buildStage(env), ...newestStages(env, true)]
    : what === "heavy"
      ? heavyStages(env)
      : ordinaryStages(env);
const counts = await inOrder(stages, what !== "newest");
rmSync(userFolder, { recursive: true, force: true });
const line = `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
if (countsPath) writeFileSync(countsPath, `${counts.passed} ${counts.failed} ${counts.skipped}\n`);
else console.log(`\n${line}`);
process.exit(counts.failed === 0 ? 0 : 1);
