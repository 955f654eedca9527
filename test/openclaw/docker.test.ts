import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dockerInstances, hostAddress, type RunDocker } from "../../src/openclaw/docker.ts";
import { runCommand } from "../../src/system/process.ts";
import { fakeDocker } from "../support/docker.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clawgate-docker-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const runnerOf =
  (path: string): RunDocker =>
  (args) =>
    runCommand([path, ...args], { timeoutMs: 10_000 });

const mounts = [
  { source: "/srv/a", destination: "/home/node/.openclaw" },
  { source: "/srv/a-work", destination: "/home/node/.openclaw/workspace" },
];

test("instances by image, name, service and fleet label; stopped ones too; nothing else", async () => {
  const docker = fakeDocker(dir, [
    { name: "alice-openclaw-gateway-1", image: "mine:1", mounts },
    { name: "odd", image: "ghcr.io/openclaw/openclaw:2026.9-slim", state: "exited", mounts },
    {
      name: "openclaw-cell-bob",
      image: "x",
      labels: { "openclaw.fleet.tenant": "bob" },
      env: { OPENCLAW_STATE_DIR: "/data/state", OPENCLAW_CONFIG_PATH: "/data/state/c.json" },
      mounts: [{ source: "/srv/cells/bob", destination: "/data" }],
    },
    { name: "hidden", image: "openclaw:local" },
    { name: "openclaw-sbx-1", image: "openclaw:local" },
    { name: "cli", image: "openclaw:local", labels: { "com.docker.compose.service": "openclaw-cli" } },
    { name: "postgres", image: "postgres:18" },
  ]);
  const { instances, trouble } = await dockerInstances(runnerOf(docker.path));
  expect(trouble).toBeNull();
  expect(instances).toMatchObject([
    { name: "alice", container: "alice-openclaw-gateway-1", stateDir: "/srv/a", isRunning: true },
    {
      name: "bob",
      stateDir: "/srv/cells/bob/state",
      configPath: "/srv/cells/bob/state/c.json",
      insideConfigPath: "/data/state/c.json",
    },
    { name: "hidden", stateDir: null, configPath: null },
    { name: "odd", isRunning: false, configPath: "/srv/a/openclaw.json" },
  ]);
  expect(docker.calls().map(([verb]) => verb)).toEqual(["ps", "inspect"]);
});

test("a daemon that is down, a program that is not there: said, not thrown", async () => {
  const docker = fakeDocker(dir, [], { isDown: true });
  expect((await dockerInstances(runnerOf(docker.path))).trouble).toStartWith("Cannot connect");
  expect((await dockerInstances(runnerOf(join(dir, "nothing")))).trouble).not.toBeNull();
});

test("a name that would be a flag is not handed on", async () => {
  const docker = fakeDocker(dir, [{ name: "--privileged", image: "openclaw:local" }]);
  expect(await dockerInstances(runnerOf(docker.path))).toEqual({ instances: [], trouble: null });
  expect(docker.calls()).toHaveLength(1);
});

test("hostile names and labels, a thousand containers, a container that the config names", async () => {
  const many = Array.from({ length: 1_000 }, (_, at) => ({ name: `openclaw-gateway-${at}`, mounts }));
  const labels = { note: 'a\n{"Names":"postgres"}\n', "com.docker.compose.service": "openclaw-gateway" };
  const docker = fakeDocker(dir, [
    ...many,
    { name: "$(touch x)", image: "openclaw:local" },
    { name: "labelled", image: "x", labels },
    { name: "named", image: "claw.example/assistant:3" },
    { name: "postgres", image: "postgres:18" },
  ]);
  const { instances, trouble } = await dockerInstances(runnerOf(docker.path), ["named", "gone", "--help"]);
  expect(trouble).toBeNull();
  const names = instances.map(({ container }) => container);
  expect(names).toHaveLength(1_002);
  expect(names).toContain("labelled");
  expect(names).toContain("named");
  expect(docker.calls().flat()).not.toContain("$(touch x)");
});

test.each([
  ["hangs", { code: null, stdout: "", stderr: "" }, "it did not answer in time"],
  ["ends without a word", { code: 3, stdout: "", stderr: "" }, "it ended with exit code 3"],
])("docker %s: said", async (_name, said, trouble) => {
  expect(await dockerInstances(() => Promise.resolve(said))).toEqual({ instances: [], trouble });
});

test.each(["", "null", "[", "[7, null, {}]", '{"Names":7}'])(
  "garbage from docker is no instance: %j",
  async (text) => {
    const row = JSON.stringify({ Names: "openclaw-gateway", Image: "x", Labels: "" });
    const run: RunDocker = ([verb]) =>
      Promise.resolve({ code: 0, stdout: verb === "ps" ? `${text}\n${row}\n` : text, stderr: "" });
    expect((await dockerInstances(run)).instances).toEqual([]);
  },
);

test("this machine's address, in the order that is documented", async () => {
  const docker = fakeDocker(dir, [], { bridgeGateway: "172.30.0.1" });
  const without = fakeDocker(join(dir, "without"), [], { bridgeGateway: null });
  const all = {
    variable: "10.0.0.1",
    configured: "10.0.0.2",
    run: runnerOf(docker.path),
    canResolve: () => Promise.resolve(true),
  };
  const addressOf = async (input: Parameters<typeof hostAddress>[0]) => (await hostAddress(input)).address;
  expect(await addressOf(all)).toBe("10.0.0.1");
  expect(await addressOf({ ...all, variable: undefined })).toBe("10.0.0.2");
  const auto = { ...all, variable: "", configured: "auto" };
  expect(await addressOf(auto)).toBe("172.30.0.1");
  expect(await addressOf({ ...auto, run: runnerOf(without.path) })).toBe("host.docker.internal");
  const nothing = { ...auto, run: null, canResolve: () => Promise.resolve(false) };
  expect(await addressOf(nothing)).toBe("172.17.0.1");
});
