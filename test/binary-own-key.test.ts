// A gateway in a container that is started without any key makes one, shows it once, keeps its hash, and is closed to everybody else.

import { beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binaryPath, runBinary, type RunningBinary, startBinary } from "./support/binary.ts";
import { cleanupsAfterEach } from "./support/cleanups.ts";

beforeAll(() => void binaryPath(), 180_000);

const cleanups = cleanupsAfterEach();
const demo = "providers:\n  demo: { backend: demo }\n";
const inContainer = { CLAWGATE_CONTAINER: "1", HOST: "0.0.0.0" };
const operatorsKey = "operator-Qx4-canary-0123456789";

async function start(dir: string, options: Partial<Parameters<typeof startBinary>[0]> = {}) {
  return cleanups.stopAtEnd(await startBinary({ config: demo, env: inContainer, ...options, dir }));
}

const shownKey = (gateway: RunningBinary): string | undefined =>
  /^ {4}([0-9a-f]{64})$/m.exec(gateway.stdout())?.[1];

async function statusWith(gateway: RunningBinary, key: string | null): Promise<number> {
  const answer = await fetch(`${gateway.url.replace("0.0.0.0", "127.0.0.1")}/v1/models`, {
    headers: key === null ? {} : { authorization: `Bearer ${key}` },
  });
  await answer.text();
  return answer.status;
}

test("the key is shown at the first start only, opens the gateway from then on, and lies nowhere in plain text", async () => {
  const dir = cleanups.folder("clawgate-own-key-");
  const first = await start(dir);
  const key = shownKey(first) ?? "";
  expect(key).toMatch(/^[0-9a-f]{64}$/);
  expect(await statusWith(first, null)).toBe(401);
  expect(await statusWith(first, "0".repeat(64))).toBe(401);
  expect(await statusWith(first, key)).toBe(200);
  const logs = await fetch(`${first.url.replace("0.0.0.0", "127.0.0.1")}/api/logs`, {
    headers: { authorization: `Bearer ${first.token}` },
  });
  expect(logs.status).toBe(200);
  expect(await logs.text()).not.toContain(key);

  const path = join(first.stateDir, "client-key");
  expect(readFileSync(path, "utf8")).toMatch(/^sha256:[0-9a-f]{64}\n$/);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  await first.stop();
  const kept = Bun.spawnSync(["grep", "-rla", key, dir]).stdout.toString();
  expect(kept).toBe("");
  // The commands in the container read the config as the gateway does.
  const doctor = (env: Record<string, string>) =>
    runBinary(["doctor", "--config", first.configPath], dir, { ...env, CLAWGATE_STATE_DIR: first.stateDir });
  expect((await doctor(inContainer)).stdout).not.toContain("needs a key");
  expect((await doctor({ HOST: "0.0.0.0" })).stdout).toContain("needs a key");

  const second = await start(dir);
  expect(shownKey(second)).toBeUndefined();
  expect(second.output()).not.toContain(key);
  expect(await statusWith(second, key)).toBe(200);
  expect(await statusWith(second, null)).toBe(401);
});

test("with JSON lines as its log it is shown as one too", async () => {
  const gateway = await start(cleanups.folder("clawgate-own-key-"), { args: ["--json-log"] });
  const shown = gateway
    .stdout()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { key?: string })
    .find(({ key }) => key !== undefined);
  expect(await statusWith(gateway, shown?.key ?? null)).toBe(200);
});

test.each([
  ["keys in the config", `${demo}auth:\n  keys: ["${operatorsKey}"]\n`, {}],
  ["tenants", `${demo}tenants:\n  - { name: ada, api_key: "${operatorsKey}" }\n`, {}],
  ["PROXY_API_KEYS", demo, { PROXY_API_KEYS: operatorsKey }],
])(
  "%s take its place: none is made, and one of an earlier start does not count",
  async (_name, config, env) => {
    const dir = cleanups.folder("clawgate-own-key-");
    const before = await start(dir);
    const key = shownKey(before) ?? "";
    await before.stop();
    const gateway = await start(dir, { config, env: { ...inContainer, ...env } });
    expect(shownKey(gateway)).toBeUndefined();
    expect(await statusWith(gateway, key)).toBe(401);
    expect(await statusWith(gateway, operatorsKey)).toBe(200);

    const fresh = await start(cleanups.folder("clawgate-own-key-"), {
      config,
      env: { ...inContainer, ...env },
    });
    expect(shownKey(fresh)).toBeUndefined();
    expect(existsSync(join(fresh.stateDir, "client-key"))).toBe(false);
  },
);

test("keys that a reload takes away leave the gateway as it was: nobody would know a key that is made then", async () => {
  const dir = cleanups.folder("clawgate-own-key-");
  const gateway = await start(dir, { config: `${demo}auth:\n  keys: ["${operatorsKey}"]\n` });
  writeFileSync(gateway.configPath, demo);
  gateway.signal("SIGHUP");
  await gateway.waitForOutput("needs a key");
  expect(await statusWith(gateway, operatorsKey)).toBe(200);
  expect(await statusWith(gateway, null)).toBe(401);
  expect(existsSync(join(gateway.stateDir, "client-key"))).toBe(false);
});

async function refusedStart(dir: string, env: Record<string, string>) {
  const config = join(dir, "clawgate.yaml");
  writeFileSync(config, demo);
  return runBinary(["serve", "--config", config, "--port", "0"], dir, env);
}

test("a file that holds no hash refuses the start, and is not replaced", async () => {
  const dir = cleanups.folder("clawgate-own-key-");
  const state = join(dir, "clawgate-state");
  mkdirSync(state, { mode: 0o700 });
  for (const text of ["", "sha256:12\n", "a-plain-key-0123456789\n"]) {
    writeFileSync(join(state, "client-key"), text);
    const { code, stderr } = await refusedStart(dir, inContainer);
    expect(code).toBe(78);
    expect(stderr).toContain("client-key in the state directory");
    expect(stderr).not.toContain("a-plain-key");
    expect(readFileSync(join(state, "client-key"), "utf8")).toBe(text);
  }
});

test("where it cannot be kept the start is refused, and nothing is shown", async () => {
  const dir = cleanups.folder("clawgate-own-key-");
  writeFileSync(join(dir, "a-file"), "");
  const state = join(dir, "a-file", "state");
  const { code, stdout, stderr } = await refusedStart(dir, { ...inContainer, CLAWGATE_STATE_DIR: state });
  expect(code).toBe(78);
  expect(stderr).toContain("a new one cannot be kept");
  expect(stdout).not.toMatch(/[0-9a-f]{64}/);
});

test("outside of a container nothing is made: the start is refused as before", async () => {
  const dir = cleanups.folder("clawgate-own-key-");
  const { code, stderr } = await refusedStart(dir, { HOST: "0.0.0.0" });
  expect(code).toBe(78);
  expect(stderr).toContain("needs a key");
  const asked = await refusedStart(dir, { ...inContainer, REQUIRE_AUTH: "false" });
  expect(asked.code).toBe(78);
});

test("CLAWGATE_ALLOWED_HOSTS adds the names of the container or service to those of the config", async () => {
  const config = `${demo}server:\n  allowed_hosts: [gate.example.org]\nauth:\n  keys: ["${operatorsKey}"]\n`;
  const dir = cleanups.folder("clawgate-own-key-");
  const env = { ...inContainer, CLAWGATE_ALLOWED_HOSTS: "clawgate, clawgate.ai.svc" };
  const gateway = await start(dir, { config, env });
  const statusAs = async (host: string): Promise<number> => {
    const answer = await fetch(`http://127.0.0.1:${new URL(gateway.url).port}/v1/models`, {
      headers: { host, authorization: `Bearer ${operatorsKey}` },
    });
    await answer.text();
    return answer.status;
  };
  for (const host of ["clawgate:8090", "clawgate.ai.svc", "gate.example.org", "10.1.2.3:8090"])
    expect([host, await statusAs(host)]).toEqual([host, 200]);
  for (const host of ["elsewhere", "clawgate.evil.example.org"])
    expect([host, await statusAs(host)]).toEqual([host, 421]);
  const wrong = await refusedStart(dir, { ...inContainer, CLAWGATE_ALLOWED_HOSTS: "http://a/b" });
  expect(wrong.code).toBe(78);
  expect(wrong.stderr).toContain("CLAWGATE_ALLOWED_HOSTS");
});
