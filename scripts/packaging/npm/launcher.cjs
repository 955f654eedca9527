#!/usr/bin/env node
// The `clawgate` of the npm package: finds the program of this platform among the optional packages and becomes it. No install script
// puts the program in place, because npm with --ignore-scripts, pnpm, Yarn and Bun do not run those of a dependency.

const { spawn } = require("node:child_process");
const {
  accessSync,
  chmodSync,
  constants: { X_OK },
  existsSync,
  readdirSync,
  statSync,
} = require("node:fs");
const { constants } = require("node:os");

// CommonJS, because Yarn runs it out of a zip file, where Node finds no module of the other kind.
const { name, version, optionalDependencies = {} } = require("../package.json");
const packages = Object.keys(optionalDependencies);

/** Only under npm and its kind: who starts this with nohup wants it to stay. */
const isAsked = process.env.npm_lifecycle_event !== undefined;
const lookMs = 500;

function stop(lines) {
  console.error(`clawgate: ${lines.join("\n")}`);
  process.exit(1);
}

/** Both kinds are installed where the package manager does not know `libc`; a program of the other kind does not start. */
function isMusl() {
  if (process.platform !== "linux") return false;
  if (process.report?.getReport !== undefined) {
    // Otherwise the report looks up the names of all open connections.
    process.report.excludeNetwork = true;
    const { header } = process.report.getReport();
    if (header !== undefined) return header.glibcVersionRuntime === undefined;
  }
  const hasLoader = (folder) =>
    existsSync(folder) && readdirSync(folder).some((file) => file.startsWith("ld-musl-"));
  return (
    hasLoader("/lib") &&
    !existsSync("/lib64/ld-linux-x86-64.so.2") &&
    !existsSync("/lib/ld-linux-aarch64.so.1")
  );
}

/** The package names of this platform, the best first. */
function wanted() {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const base = `${platform}-${process.arch}`;
  const both = isMusl() ? [`${base}-musl`, base] : [base, `${base}-musl`];
  return both.flatMap((target) => packages.filter((each) => each.endsWith(`/${target}`)));
}

function findProgram() {
  const names = wanted();
  if (names.length === 0)
    stop([
      `there is no program for ${process.platform} ${process.arch}.`,
      `Programs exist for: ${packages.map((each) => each.slice(each.indexOf("/") + 1)).join(", ")}.`,
    ]);
  const file = process.platform === "win32" ? "clawgate.exe" : "clawgate";
  for (const each of names) {
    try {
      return require.resolve(`${each}/bin/${file}`);
    } catch {
      // The next one; none at all is reported below.
    }
  }
  return stop([
    `the package ${names[0]}, which holds the program, is not installed.`,
    "It is an optional dependency: it is left out by --omit=optional, --no-optional, a lock file that was written on another",
    "platform, or a node_modules folder that was copied from one. Install again on this machine without these:",
    `  npm install ${name}@${version} --include=optional`,
  ]);
}

/** npm and a terminal both pass Ctrl-C on; the program counts it once if it knows who asks. */
function environmentFor(launcherPid) {
  return { ...process.env, CLAWGATE_LAUNCHER_PID: String(launcherPid) };
}

function failed(path, error) {
  const hint =
    error.code === "ENOENT" && existsSync(path)
      ? [" Its loader is missing: this system has another C library than the package is for."]
      : [];
  stop([`${path} cannot be started: ${error.message}.${hint.join("")}`]);
}

/** Only the process's own end can tell of a signal. */
function endLike(code, signal) {
  if (signal === null) process.exit(code ?? 1);
  if (signal === "SIGILL")
    console.error(
      "clawgate: the program uses an instruction that this CPU (or its emulation) does not have.",
    );
  for (const each of forwarded) process.removeAllListeners(each);
  process.kill(process.pid, signal);
  setTimeout(() => process.exit(128 + (constants.signals[signal] ?? 0)), 1_000);
}

const forwarded =
  process.platform === "win32"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"];

function run(path, args) {
  // Before the program exists: one that comes now must not end the launcher alone.
  let child = null;
  let early = null;
  const pass = (signal) => {
    if (child === null) early = signal;
    else child.kill(signal);
  };
  for (const signal of forwarded) process.on(signal, () => pass(signal));
  child = spawn(path, args, { stdio: "inherit", env: environmentFor(process.pid), windowsHide: false });
  child.on("error", (error) => failed(path, error));
  child.on("exit", endLike);
  if (early !== null) child.kill(early);
  if (!isAsked) return;
  // npx is killed without a signal to us; the program then watches this process, and this one npx.
  const asker = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === asker) return;
    clearInterval(watch);
    child.kill("SIGTERM");
  }, lookMs);
  watch.unref();
}

const path = findProgram();
const args = process.argv.slice(2);
if (process.platform !== "win32" && (statSync(path).mode & 0o111) === 0) makeExecutable(path);

/** A package manager that drops the mode of files; a shared store may be read-only, and then the start says so. */
function makeExecutable(file) {
  try {
    chmodSync(file, 0o755);
  } catch (error) {
    stop([`${file} is not executable and cannot be made so: ${error.message}`]);
  }
}

function isExecutable(file) {
  try {
    accessSync(file, X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Nothing of this process stays, so signals and the exit code are the program's own. Not in every Node, and not on Windows. */
function becomes(file) {
  if (typeof process.execve !== "function" || process.platform === "win32") return;
  // A failure of the call itself would end this process with a dump.
  if (!isExecutable(file)) return;
  const emitWarning = process.emitWarning;
  // It warns that it is experimental; who starts a gateway can do nothing about that.
  process.emitWarning = () => undefined;
  const env = isAsked ? environmentFor(process.ppid) : process.env;
  try {
    process.execve(file, [file, ...args], env);
  } catch {
    process.emitWarning = emitWarning;
  }
}

becomes(path);
run(path, args);
