// Builds the one-file program: dist/clawgate for this machine, or for another one with --target.
// It must never leave a map or an asset next to the binary, nor let it load .env, bunfig.toml and the like from the working directory.

import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";

const root = dirname(import.meta.dir);
const defaultOutput = join(root, "dist", "clawgate");
const defaultReleaseKey = join(root, "scripts", "packaging", "release-key.pem");
const stampPath = join(root, ".cache", "build-stamp");
/** Everything that determines the binary's bytes. */
const inputs = [
  "src",
  "skills",
  "package.json",
  "tsconfig.json",
  "bun.lock",
  "scripts/build.ts",
  "scripts/packaging/release-key.pem",
];

export type BuildOptions = {
  /** One of Bun's names ("bun-darwin-arm64"); default: this machine. */
  readonly target?: string;
  readonly output?: string;
  readonly entry?: string;
  /** Instead of package.json's: a release that is tried before it is made. */
  readonly version?: string;
  /** A file with the public key of the releases; default: scripts/packaging/release-key.pem, where there is one. */
  readonly releaseKeyPath?: string;
  /** Bun's executable for the target; default: the running one, or what Bun fetches itself. */
  readonly baseExecutable?: string;
};

/** Excludes variables that would change the result for the same sources: options for bun, another repository than this one. */
function buildEnvironment(): Record<string, string> {
  const changesBuild =
    /^(?:BUN_(?:OPTIONS|BE_BUN|ENV|INSPECT.*|JSC_.*|FEATURE_FLAG_.*|BYTECODE_.*)|NODE_OPTIONS|NODE_ENV|NODE_PATH|GIT_.*)$/;
  const kept = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !changesBuild.test(entry[0]),
  );
  return Object.fromEntries(kept);
}

/** What git says of the last commit in this format, or "" outside a repository. */
function lastCommit(format: string): string {
  const words = ["git", "-c", "safe.directory=*", "log", "-1", "--abbrev=12", `--format=${format}`];
  const git = Bun.spawnSync(words, { cwd: root, env: buildEnvironment(), stdout: "pipe", stderr: "ignore" });
  return git.success ? git.stdout.toString().trim() : "";
}

/** In UTC: two people in two time zones build one program. */
function commitTime(): string {
  const seconds = Number(lastCommit("%ct"));
  return seconds > 0 ? new Date(seconds * 1000).toISOString() : "";
}

/** "linux-x64-musl-baseline" for Bun's "bun-linux-x64-musl-baseline"; without a target, this machine. */
function targetName(target: string | undefined): string {
  if (target !== undefined) return target.replace(/^bun-/, "").replace(/-v\d.*$/, "");
  return `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
}

/** What identity.ts shows of this build. */
function identityDefines(options: BuildOptions): string[] {
  const keyPath = resolve(options.releaseKeyPath ?? defaultReleaseKey);
  const values = {
    CLAWGATE_VERSION: options.version ?? "",
    CLAWGATE_COMMIT: lastCommit("%h"),
    CLAWGATE_COMMIT_TIME: commitTime(),
    CLAWGATE_TARGET: targetName(options.target),
    CLAWGATE_RELEASE_KEY: existsSync(keyPath) ? readFileSync(keyPath, "utf8") : "",
  };
  return Object.entries(values).flatMap(([name, value]) => ["--define", `${name}=${JSON.stringify(value)}`]);
}

/** The script of the API page, compressed: src/server/scalar-script.ts finds it in the program by this name. */
function compressedScript(): string {
  const script = join(root, "node_modules", "@scalar", "api-reference", "dist", "browser", "standalone.js");
  const path = join(root, ".cache", "embedded", "scalar.js.gz");
  mkdirSync(dirname(path), { recursive: true });
  // libdeflate gives the same bytes on every processor.
  const packed = Bun.gzipSync(readFileSync(script), { library: "libdeflate", level: 9 });
  // Another build may be reading it.
  const fresh = `${path}.${process.pid}`;
  writeFileSync(fresh, packed);
  renameSync(fresh, path);
  return path;
}

/** Throws an Error if the build fails; bun's own message is already on stderr. */
export function buildBinary(options: BuildOptions = {}): string {
  const output = resolve(options.output ?? defaultOutput);
  const entry = resolve(options.entry ?? join(root, "src", "main.ts"));
  if (!existsSync(entry)) throw new Error(`There is no ${relative(root, entry)} to build.`);
  mkdirSync(dirname(output), { recursive: true });
  // An old binary that survives a failed build would be tested as if it were the new one.
  rmSync(output, { force: true });
  if (output === defaultOutput) rmSync(stampPath, { force: true });
  const startedMs = performance.now();
  // Threads of the program are files of their own; a build of another program has none.
  const threads =
    options.entry === undefined
      ? ["records-worker.ts", "config-worker.ts"].map((name) => join(root, "src", name))
      : [];
  const files = options.entry === undefined ? [compressedScript()] : [];
  const flags = [
    "--compile",
    "--production",
    "--minify",
    "--bytecode",
    "--format=esm",
    "--sourcemap=inline",
    "--loader=.gz:file",
    // Otherwise a file from elsewhere moves the threads to other names in the program.
    `--root=${join(root, "src")}`,
  ];
  const autoload = ["dotenv", "bunfig", "tsconfig", "package-json"].map(
    (name) => `--no-compile-autoload-${name}`,
  );
  const target = options.target === undefined ? [] : [`--target=${options.target}`];
  if (options.baseExecutable !== undefined)
    target.push(`--compile-executable-path=${resolve(options.baseExecutable)}`);
  const define = identityDefines(options);
  const build = Bun.spawnSync(
    [
      process.execPath,
      "build",
      ...flags,
      ...autoload,
      ...define,
      ...target,
      entry,
      ...threads,
      ...files,
      "--outfile",
      output,
    ],
    { cwd: root, env: buildEnvironment(), stdout: "ignore", stderr: "inherit" },
  );
  // The map is inside the binary, for readable stacks; Bun 1.4.5 also writes one next to it.
  rmSync(`${output}.map`, { force: true });
  for (const thread of threads)
    rmSync(join(dirname(output), `${basename(thread, ".ts")}.js.map`), { force: true });
  const isThere = existsSync(output) || existsSync(`${output}.exe`);
  if (!build.success || !isThere) throw new Error(`bun build failed (exit code ${build.exitCode}).`);
  const made = existsSync(output) ? output : `${output}.exe`;
  const megabytes = (statSync(made).size / 1e6).toFixed(1);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.log(`built ${relative(process.cwd(), made) || made}: ${megabytes} MB in ${seconds} s`);
  return made;
}

function hashOfInputs(): string {
  const hash = createHash("sha256").update(`${Bun.version} ${lastCommit("%h")}`);
  for (const input of inputs) {
    const path = join(root, input);
    if (!existsSync(path)) continue;
    const isFolder = statSync(path).isDirectory();
    const names = isFolder ? readdirSync(path, { recursive: true, encoding: "utf8" }).toSorted() : [""];
    for (const name of names) {
      const file = join(path, name);
      if (statSync(file).isFile()) hash.update(`\0${input}/${name}\0`).update(readFileSync(file));
    }
  }
  return hash.digest("hex");
}

/** dist/clawgate of exactly these sources; built only when something changed. */
export function ensureBinary(): string {
  const wanted = hashOfInputs();
  const isFresh = existsSync(defaultOutput) && existsSync(stampPath);
  if (isFresh && readFileSync(stampPath, "utf8") === wanted) {
    console.log("dist/clawgate is up to date");
    return defaultOutput;
  }
  const made = buildBinary();
  mkdirSync(dirname(stampPath), { recursive: true });
  writeFileSync(stampPath, wanted);
  return made;
}

if (import.meta.main) {
  try {
    const { values } = parseArgs({
      options: { target: { type: "string" }, outfile: { type: "string" }, entry: { type: "string" } },
    });
    buildBinary({
      ...(values.target === undefined ? {} : { target: values.target }),
      ...(values.outfile === undefined ? {} : { output: values.outfile }),
      ...(values.entry === undefined ? {} : { entry: values.entry }),
    });
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
