import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { localInstances, type Machine, withTenantNames } from "../../src/openclaw/instances.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clawgate-instances-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function put(path: string, text = "{}"): void {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), text);
}

const machine = (more: Partial<Machine> = {}): Machine => ({
  environment: {},
  homeDirectory: dir,
  isAlive: (pid) => pid === 4242,
  processFolder: join(dir, "proc"),
  serviceFolders: [join(dir, "units")],
  isLive: () => Promise.resolve(false),
  ...more,
});

test("nothing there, nothing found; a folder without a config is no instance", async () => {
  mkdirSync(join(dir, ".openclaw-empty"));
  put(".openclawx/openclaw.json");
  expect(await localInstances(machine())).toEqual([]);
});

test("the usual folder and profiles", async () => {
  for (const name of ["", "-work", "-dev"]) put(`.openclaw${name}/openclaw.json`);
  const found = await localInstances(machine());
  expect(found).toMatchObject([
    { name: "dev", profile: "dev", isRunning: false },
    { name: "local", profile: null, configPath: join(dir, ".openclaw", "openclaw.json") },
    { name: "work", profile: "work", stateDir: join(dir, ".openclaw-work") },
  ]);
});

test("the lock of a process that lives says that it runs, and where", async () => {
  put(".openclaw/openclaw.json");
  put(".openclaw/tmp/openclaw-1000/gateway.state.lock", '{"pid":4242,"port":19001}');
  put(".openclaw-old/openclaw.json");
  put(".openclaw-old/tmp/openclaw-1000/gateway.state.lock", '{"pid":7,"port":19002}');
  put(".openclaw-bad/openclaw.json");
  put(".openclaw-bad/tmp/openclaw-1000/gateway.state.lock", "{");
  const found = await localInstances(machine());
  expect(found.map(({ name, isRunning, port }) => [name, isRunning, port])).toEqual([
    ["bad", false, null],
    ["local", true, 19_001],
    ["old", false, null],
  ]);
});

test("variables: a config path, a state directory, a home of its own", async () => {
  put("far/state/openclaw.json");
  put("far/other.json");
  put("home/.openclaw-q/openclaw.json");
  const at = async (environment: Machine["environment"]) =>
    (await localInstances(machine({ environment }))).map(({ name, configPath }) => [name, configPath]);
  expect(await at({ OPENCLAW_STATE_DIR: join(dir, "far/state") })).toEqual([
    ["state", join(dir, "far/state/openclaw.json")],
  ]);
  expect(await at({ OPENCLAW_CONFIG_PATH: "~/far/other.json" })).toEqual([
    ["far", join(dir, "far/other.json")],
  ]);
  expect(await at({ OPENCLAW_HOME: join(dir, "home") })).toEqual([
    ["q", join(dir, "home/.openclaw-q/openclaw.json")],
  ]);
});

test("units and launch agents, also of instances elsewhere; those that outlived their folder say nothing", async () => {
  put(".openclaw-work/openclaw.json");
  put("srv/claw/openclaw.json");
  put("srv/mac/openclaw.json");
  put("units/openclaw-gateway-work.service", "[Service]\nExecStart=x\n");
  put("units/openclaw-gateway-gone.service", "[Service]\n");
  put(
    "units/openclaw-gateway.service",
    `[Service]\nEnvironment="A=b c" OPENCLAW_STATE_DIR=${join(dir, "srv/claw")}\n`,
  );
  put(
    "units/ai.openclaw.gateway.plist",
    `<key>OPENCLAW_STATE_DIR</key>\n<string>${join(dir, "srv/mac")}</string>`,
  );
  const found = await localInstances(machine());
  expect(found.map(({ name }) => name)).toEqual(["claw", "mac", "work"]);
  expect(found[2]?.signals).toEqual(["~/.openclaw-work", "openclaw-gateway-work.service"]);
});

test("processes by their title; one of another root is somebody else's", async () => {
  put("srv/a/openclaw.json");
  const environ = `HOME=${dir}\0OPENCLAW_STATE_DIR=${join(dir, "srv/a")}\0`;
  for (const [pid, title, root] of [
    ["10", "openclaw-gateway\0", "/"],
    ["11", "openclaw-gateway", "/elsewhere"],
    ["12", "vim\0openclaw-gateway", "/"],
    ["self", "", "/"],
  ] as const) {
    put(`proc/${pid}/cmdline`, title);
    put(`proc/${pid}/environ`, pid === "10" ? environ : `HOME=${dir}\0OPENCLAW_STATE_DIR=/nowhere/${pid}\0`);
    symlinkSync(root, join(dir, "proc", pid, "root"));
  }
  expect(await localInstances(machine())).toMatchObject([
    { name: "a", isRunning: true, signals: ["process 10"] },
  ]);
});

test("the usual one counts as running when it answers", async () => {
  put(".openclaw/openclaw.json");
  const asked: string[] = [];
  const isLive = (url: string): Promise<boolean> => {
    asked.push(url);
    return Promise.resolve(true);
  };
  expect(await localInstances(machine({ isLive }))).toMatchObject([{ isRunning: true }]);
  expect(asked).toEqual(["http://127.0.0.1:18789/healthz"]);
});

test("names that a config takes, no two alike", () => {
  const base = {
    kind: "docker",
    container: null,
    profile: null,
    stateDir: null,
    configPath: null,
    insideConfigPath: null,
    insideStateDir: null,
    isRunning: false,
    port: null,
    signals: [],
  } as const;
  const names = ["work", "Work", "work", "../x y", "-", "ü"].map((name) => ({ ...base, name }));
  expect(withTenantNames(names).map(({ name }) => name)).toEqual([
    "work",
    "Work-docker",
    "work-2",
    "x-y",
    "docker",
    "docker-docker",
  ]);
});
