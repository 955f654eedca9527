// `npm test`: format, types, lint, build, tests; stops at the first stage that fails. `check.ts heavy` runs test/heavy alone.
// It must never let the result depend on the machine's keys, proxies or user folders.
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

type Counts = { readonly passed: number; readonly failed: number; readonly skipped: number };
type Environment = Record<string, string>;
type Stage = { readonly name: string; run(): Promise<Counts> };

const root = dirname(import.meta.dir);
const reportPath = join(root, ".cache", "test-report.xml");
const heavyFolder = join(root, "test", "heavy");
const none: Counts = { passed: 0, failed: 0, skipped: 0 };
const oneFailure: Counts = { passed: 0, failed: 1, skipped: 0 };
const minuteMs = 60_000;

/** `bun <args>` or another program, output shown as it comes, killed at the limit. True when it went well. */
async function succeeds(argv: readonly string[], env: Environment, limitMs: number): Promise<boolean> {
  const child = Bun.spawn([...argv], {
    cwd: root,
    env,
    stdio: ["ignore", "inherit", "inherit"],
    detached: true,
  });
  const killAll = (): void => {
    // Detached = a group of its own: what the tests started must not outlive them.
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
  // A later stage has a child of its own, which this would leave behind.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, onSignal);
  return code === 0;
}

const keyNames = /_(?:API_KEYS?|AUTH_TOKEN|API_TOKEN|ACCESS_TOKEN|BASE_URL|API_BASE)$/;
const foreignNames =
  /^(?:ANTHROPIC|OPENAI|CLAUDE|CLAWGATE|GEMINI|GOOGLE|BUN|NPM_CONFIG|npm|GIT)_|^(?:NODE_OPTIONS|NODE_ENV|PORT|HOST|LOG_LEVEL|FORCE_COLOR|NO_COLOR|COLORTERM)$/;
const proxyNames = /^(?:https?|all|no|ftp)_proxy$/i;

/** The machine's environment without anything that could change an answer, and with user folders of its own. */
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

/** Counts of a JUnit file. `wentWell` false with no failure in it: the runner itself broke. */
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
  // A slow shared machine is no failure; a test that hangs still is one.
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
  // Recordings in test/ stay byte for byte as the vendor sent them, so only code is formatted there.
  const formatted = ["src", "scripts", "test/**/*.ts", "package.json", "tsconfig.json"];
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
  // Matters of taste in "suspicious": a local helper that captures nothing, sort() on an array of one's own, a name used again.
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
    commandStage("lint", [bun, oxlint, ...strict, ...allowed, "src", "test", "scripts"], env),
    buildStage(env),
    { name: "tests", run: () => testRun([], env, 10 * minuteMs) },
  ];
}

/** Named `*.heavy.ts`, so that plain `bun test` never finds them; they install and run real clients. */
function heavyStages(env: Environment): Stage[] {
  const names = existsSync(heavyFolder)
    ? readdirSync(heavyFolder).filter((name) => name.endsWith(".heavy.ts"))
    : [];
  const files = names.toSorted().map((name) => `./test/heavy/${name}`);
  if (files.length === 0) return [];
  env["CLAWGATE_HEAVY"] = "1";
  return [buildStage(env), { name: "heavy clients", run: () => testRun(files, env, 25 * minuteMs) }];
}

async function inOrder(stages: readonly Stage[]): Promise<Counts> {
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
      break;
    }
  }
  return sum;
}

const isHeavy = process.argv[2] === "heavy";
const userFolder = mkdtempSync(join(tmpdir(), "clawgate-check-"));
const countsPath = process.env["CLAWGATE_COUNTS"];
const env = cleanEnvironment(userFolder, isHeavy);
const counts = await inOrder(isHeavy ? heavyStages(env) : ordinaryStages(env));
rmSync(userFolder, { recursive: true, force: true });
const line = `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
if (countsPath) writeFileSync(countsPath, `${counts.passed} ${counts.failed} ${counts.skipped}\n`);
else console.log(`\n${line}`);
process.exit(counts.failed === 0 ? 0 : 1);
