// The npm packages, made of a release of small stand-in programs and installed by npm from a server on loopback: which program is
// taken, what passes through the launcher, and what is said where there is none. The real program: test/heavy/npm-packages.heavy.ts.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeNpmPackages } from "../../scripts/release/npm-packages.ts";
import { cleanEnvironment } from "../support/binary.ts";
import { Cleanups } from "../support/cleanups.ts";
import { type NpmServer, serveNpmPackages } from "../support/npm-server.ts";
import { type Finished, runProgram } from "../support/program-run.ts";
import { makeRelease } from "../support/release-folder.ts";

const cleanups = new Cleanups();
afterAll(() => cleanups.run());
const folder = cleanups.folder("clawgate-npm-");
const env = {
  ...cleanEnvironment(folder),
  npm_config_update_notifier: "false",
  npm_config_cache: join(folder, "cache"),
};
const version = "1.2.3";
/** Says which program it is and what it got; then does what it is told. */
const standIn = (target: string): string => `#!/bin/sh
case "$1" in
  exit) exit "$2" ;;
  wait) trap 'echo "got TERM"; exit 7' TERM; echo "pid $$ parent \${CLAWGATE_LAUNCHER_PID:-none}"; while :; do sleep 0.05; done ;;
  die) kill -KILL $$ ;;
  read) cat ;;
esac
echo "${target}"; for each in "$@"; do echo "<$each>"; done
`;
const targets = [
  "linux-x64",
  "linux-x64-baseline",
  "linux-x64-musl",
  "linux-x64-musl-baseline",
  "linux-arm64",
  "linux-arm64-musl",
  "darwin-x64",
  "darwin-arm64",
];
const out = join(folder, "packages");
let folders: readonly string[] = [];
let server: NpmServer;

beforeAll(async () => {
  const programs = Object.fromEntries(targets.map((target) => [target, { script: standIn(target) }]));
  folders = writeNpmPackages(makeRelease(folder, version, programs), out);
  server = await serveNpmPackages(folders, folder, env);
}, 120_000);
afterAll(() => server.stop());

type Manifest = Record<string, unknown> & { readonly optionalDependencies?: Record<string, string> };
const manifestOf = (name: string) =>
  JSON.parse(readFileSync(join(out, name, "package.json"), "utf8")) as Manifest;

function npm(cwd: string, ...args: readonly string[]): Promise<Finished> {
  const options = ["--registry", server.url, "--no-audit", "--no-fund", "--loglevel=error"];
  return runProgram(["npm", ...options, ...args], { cwd, env, timeoutMs: 60_000 });
}

async function installed(...args: readonly string[]): Promise<string> {
  const project = cleanups.folder("clawgate-npm-project-");
  writeFileSync(join(project, "package.json"), '{"private": true}\n');
  const said = await npm(project, "install", "clawgate", ...args);
  expect(said.code, said.stderr).toBe(0);
  return project;
}

const start = (project: string, ...args: readonly string[]): Promise<Finished> =>
  runProgram([join(project, "node_modules", ".bin", "clawgate"), ...args], {
    cwd: project,
    env,
    timeoutMs: 20_000,
  });

/** What this machine must get. */
const mine =
  process.platform === "linux" && process.arch === "x64"
    ? "linux-x64-baseline"
    : `${process.platform}-${process.arch}`;

describe("the packages", () => {
  test("the launcher names exactly its own version of each platform, and runs no script at an installation", () => {
    const launcher = manifestOf("clawgate");
    expect(folders.at(-1)).toBe(join(out, "clawgate"));
    expect(launcher.optionalDependencies).toEqual({
      "@clawgate/linux-x64": version,
      "@clawgate/linux-x64-musl": version,
      "@clawgate/linux-arm64": version,
      "@clawgate/linux-arm64-musl": version,
      "@clawgate/darwin-x64": version,
      "@clawgate/darwin-arm64": version,
    });
    for (const path of folders)
      expect(JSON.parse(readFileSync(join(path, "package.json"), "utf8"))).not.toHaveProperty("scripts");
  });

  test("a platform's package says for which system, CPU and C library it is, and carries the baseline program", () => {
    expect(manifestOf("linux-x64-musl")).toMatchObject({
      os: ["linux"],
      cpu: ["x64"],
      libc: ["musl"],
      version,
    });
    expect(manifestOf("darwin-arm64")).toMatchObject({ os: ["darwin"], cpu: ["arm64"] });
    expect(manifestOf("darwin-arm64")).not.toHaveProperty("libc");
    const program = readFileSync(join(out, "linux-x64", "bin", "clawgate"), "utf8");
    expect(program).toBe(standIn("linux-x64-baseline"));
    expect(existsSync(join(out, "linux-x64", "THIRD-PARTY-LICENSES.txt"))).toBe(true);
  });

  test("an archive that is not the manifest's stops it, and nothing is packed", () => {
    const release = makeRelease(cleanups.folder("clawgate-npm-"), version, {
      "linux-x64-baseline": { script: "#!/bin/sh\n" },
    });
    writeFileSync(join(release, "clawgate-linux-x64-baseline.tar.gz"), "something else");
    expect(() => writeNpmPackages(release, join(release, "out"))).toThrow("is not the file of the manifest");
    expect(existsSync(join(release, "out", "clawgate"))).toBe(false);
  });
});

describe("installed", () => {
  let project = "";
  beforeAll(async () => void (project = await installed("--ignore-scripts")), 60_000);

  test("only this platform's program was fetched, and it runs with its arguments as they are", async () => {
    const fetched = [...server.fetched].filter((name) => name !== "clawgate");
    expect(fetched).toEqual([`@clawgate/${mine.replace("-baseline", "")}`]);
    const { code, stdout, stderr } = await start(project, "serve", "--port", "0", "a b", "", "*", "$(id)");
    expect(stderr).toBe("");
    expect(stdout.split("\n").slice(0, -1)).toEqual([
      mine,
      "<serve>",
      "<--port>",
      "<0>",
      "<a b>",
      "<>",
      "<*>",
      "<$(id)>",
    ]);
    expect(code).toBe(0);
  });

  test("exit codes, the input and a death by signal pass through", async () => {
    expect((await start(project, "exit", "78")).code).toBe(78);
    const child = Bun.spawn([join(project, "node_modules", ".bin", "clawgate"), "read"], {
      env,
      stdin: new Blob(["a line\n"]),
      stdout: "pipe",
    });
    expect(await new Response(child.stdout).text()).toStartWith("a line\n");
    const killed = Bun.spawn([join(project, "node_modules", ".bin", "clawgate"), "die"], { env });
    await killed.exited;
    expect(killed.signalCode).toBe("SIGKILL");
  });

  test("SIGTERM reaches the program, which ends in its own way", async () => {
    const child = Bun.spawn([join(project, "node_modules", ".bin", "clawgate"), "wait"], {
      env,
      stdout: "pipe",
    });
    cleanups.push(() => child.kill("SIGKILL"));
    const reader = child.stdout.getReader();
    const first = new TextDecoder().decode((await reader.read()).value);
    // A program that replaced the launcher has its process id; one that was started by it knows it.
    expect(first).toMatch(new RegExp(`^pid (?:${child.pid} parent none|\\d+ parent ${child.pid})\n`));
    child.kill("SIGTERM");
    expect(await child.exited).toBe(7);
    expect(new TextDecoder().decode((await reader.read()).value)).toBe("got TERM\n");
  });

  test("npx runs it", async () => {
    const elsewhere = cleanups.folder("clawgate-npx-");
    const { code, stdout } = await npm(
      elsewhere,
      "exec",
      "--yes",
      "--package=clawgate",
      "--",
      "clawgate",
      "hello",
    );
    expect(code).toBe(0);
    expect(stdout).toBe(`${mine}\n<hello>\n`);
  });

  test("both C libraries installed: the one of this system is taken; a file that lost its mode is run all the same", async () => {
    const both = cleanups.folder("clawgate-npm-");
    cpSync(project, both, { recursive: true, verbatimSymlinks: true });
    const modules = join(both, "node_modules", "@clawgate");
    for (const name of ["linux-x64", "linux-x64-musl", "linux-arm64", "linux-arm64-musl"])
      cpSync(join(out, name), join(modules, name), { recursive: true });
    const program = join(modules, mine.replace("-baseline", ""), "bin", "clawgate");
    chmodSync(program, 0o644);
    expect((await start(both)).stdout).toBe(`${mine}\n`);
  });

  test("without its optional package it says why, and how to get it", async () => {
    const bare = await installed("--omit=optional");
    const { code, stderr } = await start(bare, "serve");
    expect(code).toBe(1);
    expect(stderr).toContain(`@clawgate/${mine.replace("-baseline", "")}`);
    expect(stderr).toContain("--omit=optional");
    expect(stderr).toContain(`npm install clawgate@${version} --include=optional`);
  });

  test("on a platform without a program it says for which there is one", async () => {
    const odd = cleanups.folder("clawgate-npm-");
    mkdirSync(join(odd, "bin"), { recursive: true });
    cpSync(join(out, "clawgate", "bin"), join(odd, "bin"), { recursive: true });
    const { optionalDependencies: _none, ...rest } = manifestOf("clawgate");
    const others = { "@clawgate/plan9-mips": version };
    writeFileSync(join(odd, "package.json"), JSON.stringify({ ...rest, optionalDependencies: others }));
    const argv = ["node", join(odd, "bin", "clawgate.cjs")];
    const { code, stderr } = await runProgram(argv, { cwd: odd, env, timeoutMs: 20_000 });
    expect(code).toBe(1);
    expect(stderr).toContain(`there is no program for ${process.platform} ${process.arch}`);
    expect(stderr).toContain("plan9-mips");
    rmSync(odd, { recursive: true, force: true });
  });
});
