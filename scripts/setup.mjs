// Ensures the pinned Bun and the locked packages, then runs a file with them and ends when its caller ends. Plain Node >= 18, no
// dependency. It must never install anything outside this folder, and never print anything when there is nothing to do.
//
//   node scripts/setup.mjs                      set up all: packages to run, to build and to test with
//   node scripts/setup.mjs run <file> [args]    set up what the file needs, then `bun <file> args`

import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const wantedVersion = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).engines.bun;
const toolsFolder = join(root, ".tools");
const localPackage = join(toolsFolder, "node_modules", "bun");
const localBun = join(toolsFolder, "node_modules", ".bin", "bun");

function say(words) {
  process.stderr.write(`setup: ${words}\n`);
}

function stop(words) {
  say(words);
  process.exit(1);
}

function isWanted(program) {
  const answer = spawnSync(program, ["--version"], { encoding: "utf8" });
  return answer.status === 0 && answer.stdout.trim() === wantedVersion;
}

/** The running child, and what the caller's end does to it. */
let passOn = (signal) => process.exit(128 + constants.signals[signal]);
const parent = process.ppid;
const lookMs = 500;

/** A signal to end is forwarded to whatever is running, including an installation. */
function endWithAsker() {
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => passOn(signal));
  // npm, or the shell in between, may be killed without a signal to us. Only under npm: a user who starts this with nohup wants it to stay.
  if (process.env.npm_lifecycle_event === undefined) return;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    passOn("SIGTERM");
  }, lookMs);
  watch.unref();
}

/** Prints only on failure: then all output of the program. stdout belongs to the program that is run afterwards. */
function runQuietly(program, args, cwd) {
  const child = spawn(program, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  passOn = (signal) => {
    child.kill("SIGTERM");
    process.exit(128 + constants.signals[signal]);
  };
  const said = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => said.push(bytes));
  return new Promise((resolve) => {
    child.on("error", (error) => resolve({ status: null, error }));
    child.on("close", (status) => {
      if (status !== 0) process.stderr.write(Buffer.concat(said));
      resolve({ status });
    });
  });
}

async function ensureBun() {
  if (isWanted("bun")) return "bun";
  if (existsSync(localBun) && isWanted(localBun)) return localBun;
  say(`installing Bun ${wantedVersion} into .tools (nothing global)`);
  mkdirSync(toolsFolder, { recursive: true });
  const flags = ["--no-save", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"];
  const words = ["install", "--prefix", toolsFolder, ...flags, `bun@${wantedVersion}`];
  const npm = await runQuietly("npm", words, root);
  if (npm.error)
    stop(
      `npm could not be started (${npm.error.message}). Install Node with npm, or Bun ${wantedVersion} itself.`,
    );
  if (npm.status !== 0)
    stop(
      `npm failed (exit code ${npm.status}); see its message above. The network or npm's registry setting is the usual cause.`,
    );
  // If install scripts are switched off, bun's binary is still a stub that only prints a message.
  if (!isWanted(localBun))
    await runQuietly(process.execPath, [join(localPackage, "install.js")], localPackage);
  if (!isWanted(localBun))
    stop(`Bun ${wantedVersion} was installed but does not run here (${process.platform} ${process.arch}).`);
  return localBun;
}

/** The packages that run and build the gateway; everything else here tests, measures or generates tables, and needs clients' SDKs too. */
const runtimeFiles = /^src\/|^scripts\/build\.ts$/;

async function ensurePackages(bun, file) {
  const needsAll = file === undefined || !runtimeFiles.test(relative(root, resolve(root, file)));
  const stamp = join(root, "node_modules", ".clawgate-setup");
  const hash = createHash("sha256");
  for (const name of ["package.json", "bun.lock"]) hash.update(readFileSync(join(root, name)));
  const all = hash.digest("hex");
  const runtime = `${all} runtime`;
  const found = existsSync(stamp) ? readFileSync(stamp, "utf8") : "";
  if (found === all || (found === runtime && !needsAll)) return;
  say(needsAll ? "installing the locked packages" : "installing the locked packages that the gateway needs");
  const words = ["install", "--frozen-lockfile", ...(needsAll ? [] : ["--production"])];
  const install = await runQuietly(bun, words, root);
  if (install.status !== 0) stop(`bun install failed (exit code ${install.status}); see its message above.`);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, needsAll ? all : runtime);
}

function run(bun, file, args) {
  // The working directory stays the caller's: programs look for their config there. Only our own code reads `.env`.
  // A bunfig.toml there could load code.
  const own = ["--no-env-file", `--config=${join(root, "bunfig.toml")}`];
  const child = spawn(bun, [...own, resolve(root, file), ...args], {
    stdio: "inherit",
    // It tells the gateway that a signal may arrive twice, and that it must end when this process ends.
    env: { ...process.env, CLAWGATE_LAUNCHER_PID: String(process.pid) },
  });
  passOn = (signal) => child.kill(signal);
  child.on("error", (error) => stop(`Bun could not be started: ${error.message}`));
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}

const [verb, file, ...args] = process.argv.slice(2);
if (verb !== undefined && (verb !== "run" || file === undefined))
  stop("usage: setup.mjs [run <file> [args]]");
endWithAsker();
const bun = await ensureBun();
await ensurePackages(bun, file);
if (file !== undefined) run(bun, file, args);
