// Makes sure of the pinned Bun and the locked packages, then runs a file with them. Plain Node >= 18, no dependency.
// It must never install anything outside this folder, and never speak when there is nothing to do.
//
//   node scripts/setup.mjs                      set up only
//   node scripts/setup.mjs run <file> [args]    set up, then `bun <file> args`

import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join, resolve } from "node:path";
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

function ensureBun() {
  if (isWanted("bun")) return "bun";
  if (existsSync(localBun) && isWanted(localBun)) return localBun;
  say(`installing Bun ${wantedVersion} into .tools (nothing global)`);
  mkdirSync(toolsFolder, { recursive: true });
  const flags = ["--no-save", "--no-audit", "--no-fund", "--loglevel=error"];
  // Output goes to stderr: stdout belongs to the program that is run afterwards.
  const npm = spawnSync("npm", ["install", "--prefix", toolsFolder, ...flags, `bun@${wantedVersion}`], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  if (npm.error)
    stop(
      `npm could not be started (${npm.error.message}). Install Node with npm, or Bun ${wantedVersion} itself.`,
    );
  if (npm.status !== 0)
    stop(
      `npm failed (exit code ${npm.status}); its message stands above. The network or npm's registry setting is the usual cause.`,
    );
  // Where install scripts are switched off, bun's binary is still a stub that only prints a message.
  if (!isWanted(localBun))
    spawnSync(process.execPath, [join(localPackage, "install.js")], {
      cwd: localPackage,
      stdio: ["ignore", 2, 2],
    });
  if (!isWanted(localBun))
    stop(`Bun ${wantedVersion} was installed but does not run here (${process.platform} ${process.arch}).`);
  return localBun;
}

function ensurePackages(bun) {
  const stamp = join(root, "node_modules", ".clawgate-setup");
  const hash = createHash("sha256");
  for (const name of ["package.json", "bun.lock"]) hash.update(readFileSync(join(root, name)));
  const wanted = hash.digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  say("installing the locked packages");
  const install = spawnSync(bun, ["install", "--frozen-lockfile"], { cwd: root, stdio: ["ignore", 2, 2] });
  if (install.status !== 0)
    stop(`bun install failed (exit code ${install.status}); its message stands above.`);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
}

function run(bun, file, args) {
  // The working directory stays the caller's: programs look for their config there. `.env` is read by our own code only.
  const child = spawn(bun, ["--no-env-file", resolve(root, file), ...args], { stdio: "inherit" });
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"])
    process.on(signal, () => {
      // A terminal sends Ctrl-C to the whole group: the child has it already, and a second one means "at once".
      if (signal === "SIGINT" && process.stdin.isTTY) return;
      child.kill(signal);
    });
  child.on("error", (error) => stop(`Bun could not be started: ${error.message}`));
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}

const [verb, file, ...args] = process.argv.slice(2);
if (verb !== undefined && (verb !== "run" || file === undefined))
  stop("usage: setup.mjs [run <file> [args]]");
const bun = ensureBun();
ensurePackages(bun);
if (file !== undefined) run(bun, file, args);
