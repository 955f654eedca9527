// The npm packages with the real program, installed from a server on loopback by each package manager, with install scripts switched
// off: the version, a gateway that answers, and its clean end by SIGTERM.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeNpmPackages } from "../../scripts/release/npm-packages.ts";
import { binaryPath, cleanEnvironment } from "../support/binary.ts";
import { Cleanups } from "../support/cleanups.ts";
import { type NpmServer, serveNpmPackages } from "../support/npm-server.ts";
import { type Finished, runProgram } from "../support/program-run.ts";
import { makeRelease } from "../support/release-folder.ts";

const cleanups = new Cleanups();
afterAll(() => cleanups.run());
const folder = cleanups.folder("clawgate-npm-heavy-");
/** The package managers themselves come from the usual place. */
const outside = { ...process.env, HOME: folder } as Record<string, string>;
const env = {
  ...cleanEnvironment(folder),
  npm_config_update_notifier: "false",
  npm_config_cache: join(folder, "cache"),
  BUN_INSTALL_CACHE_DIR: join(folder, "bun-cache"),
  YARN_ENABLE_TELEMETRY: "0",
};
let server: NpmServer;

beforeAll(async () => {
  const target =
    process.platform === "linux"
      ? `linux-${process.arch}${process.arch === "x64" ? "-baseline" : ""}`
      : `${process.platform}-${process.arch}`;
  const release = makeRelease(folder, "9.9.9", { [target]: { file: binaryPath() } });
  server = cleanups.stopAtEnd(
    await serveNpmPackages(writeNpmPackages(release, join(folder, "out")), folder, env),
  );
}, 180_000);

type Manager = {
  readonly name: string;
  /** The package that holds the manager; null: it is here. */
  readonly from: string | null;
  /** Writes its settings, and returns what installs and what runs. */
  commands(
    project: string,
    program: string,
  ): { readonly install: readonly string[]; readonly run: readonly string[] };
};

const managers: readonly Manager[] = [
  {
    name: "npm",
    from: null,
    commands: () => ({
      install: ["npm", "install", "clawgate", "--ignore-scripts", "--registry", server.url, "--no-audit"],
      run: ["npx", "--no-install", "clawgate"],
    }),
  },
  {
    name: "pnpm",
    from: "pnpm@10",
    commands: (_project, pnpm) => ({
      install: [pnpm, "add", "clawgate", "--registry", server.url, "--store-dir", join(folder, "pnpm-store")],
      run: [pnpm, "exec", "clawgate"],
    }),
  },
  {
    name: "Yarn with Plug'n'Play",
    from: "@yarnpkg/cli-dist@4",
    commands(project, yarn) {
      const settings = [
        `npmRegistryServer: "${server.url}"`,
        'unsafeHttpWhitelist: ["127.0.0.1"]',
        "enableScripts: false",
        "nodeLinker: pnp",
        "enableGlobalCache: false",
      ];
      writeFileSync(join(project, ".yarnrc.yml"), `${settings.join("\n")}\n`);
      return { install: ["node", yarn, "add", "clawgate"], run: ["node", yarn, "run", "clawgate"] };
    },
  },
  {
    name: "Bun",
    from: null,
    commands(project) {
      writeFileSync(join(project, "bunfig.toml"), `[install]\nregistry = "${server.url}"\n`);
      return {
        install: [process.execPath, "add", "clawgate", "--ignore-scripts"],
        run: [process.execPath, "x", "--no-install", "clawgate"],
      };
    },
  },
];

async function managerProgram({ from, name }: Manager): Promise<string> {
  if (from === null) return "";
  const place = join(folder, `manager-${name.toLowerCase().replaceAll(/\W/g, "")}`);
  mkdirSync(place, { recursive: true });
  const argv = ["npm", "install", "--prefix", place, "--no-audit", "--no-fund", "--loglevel=error", from];
  const said = await runProgram(argv, { cwd: place, env: outside, timeoutMs: 180_000 });
  expect(said.code, said.stderr).toBe(0);
  return name === "pnpm"
    ? join(place, "node_modules", ".bin", "pnpm")
    : join(place, "node_modules", "@yarnpkg", "cli-dist", "bin", "yarn.js");
}

async function gatewayOf(argv: readonly string[], project: string) {
  const state = join(project, "state");
  const child = Bun.spawn([...argv, "serve", "--demo", "--port", "0"], {
    cwd: project,
    env: { ...env, CLAWGATE_STATE_DIR: state },
    stdout: "ignore",
    stderr: "ignore",
  });
  const readRun = () =>
    JSON.parse(readFileSync(join(state, "run.json"), "utf8")) as { url: string; pid: number };
  for (let tries = 0; tries < 1_200; tries++) {
    try {
      const run = readRun();
      const health = await fetch(`${run.url}/health`);
      if (health.ok)
        return { child, ...run, version: ((await health.json()) as { version: string }).version };
    } catch {
      // Not yet.
    }
    await Bun.sleep(50);
  }
  child.kill("SIGKILL");
  throw new Error(`${argv.join(" ")} serve never answered`);
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test.each(managers.map((manager) => [manager.name, manager] as const))(
  "%s",
  async (_name, manager) => {
    const project = cleanups.folder("clawgate-npm-heavy-");
    writeFileSync(join(project, "package.json"), '{"name": "project", "private": true}\n');
    const { install, run } = manager.commands(project, await managerProgram(manager));
    const inProject = (argv: readonly string[]): Promise<Finished> =>
      runProgram(argv, { cwd: project, env, timeoutMs: 180_000 });
    const said = await inProject(install);
    expect(said.code, said.stdout + said.stderr).toBe(0);
    const version = await inProject([...run, "version"]);
    expect(version.stdout, version.stderr).toMatch(/^clawgate \d+\.\d+\.\d+/m);
    expect((await inProject([...run, "no-such-command"])).code).not.toBe(0);

    const gateway = await gatewayOf(run, project);
    expect(version.stdout).toContain(gateway.version);
    gateway.child.kill("SIGTERM");
    await gateway.child.exited;
    for (let tries = 0; tries < 200 && isAlive(gateway.pid); tries++) await Bun.sleep(50);
    expect(isAlive(gateway.pid)).toBe(false);
    // It removes its run.json only when it ends of itself.
    expect(() => readFileSync(join(project, "state", "run.json"))).toThrow("ENOENT");
  },
  300_000,
);
