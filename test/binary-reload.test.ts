// The compiled program takes a new config while it runs: by signal, by the file itself, by the route; and a bad one never.

import { beforeAll, expect, test } from "bun:test";
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type HeldVendor, startHeldVendor } from "./app/streaming-vendor.ts";
import { binaryPath, type BinaryOptions, type RunningBinary, startBinary } from "./support/binary.ts";
import { cleanupsAfterEach } from "./support/cleanups.ts";

// Building takes longer than a test may.
beforeAll(() => void binaryPath(), 180_000);

const cleanups = cleanupsAfterEach();
const start = async (options: BinaryOptions): Promise<RunningBinary> =>
  cleanups.stopAtEnd(await startBinary(options));

const demo = { backend: "demo" };
/** A config that is told apart by the ids of its providers. */
const withIds = (...ids: string[]): string =>
  JSON.stringify({ providers: Object.fromEntries(ids.map((id) => [id, demo])) });

const modelIds = async (gateway: RunningBinary, key = ""): Promise<readonly string[] | number> => {
  const answer = await fetch(`${gateway.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
  if (!answer.ok) return answer.status;
  return ((await answer.json()) as { data: { id: string }[] }).data.map((model) => model.id);
};
const reloads = (gateway: RunningBinary): number => gateway.output().split("config reloaded").length - 1;
/** Settles when the log tells of so many reloads. */
const reloaded = async (gateway: RunningBinary, count: number): Promise<void> => {
  const giveUpMs = performance.now() + 10_000;
  while (reloads(gateway) < count) {
    if (performance.now() > giveUpMs) throw new Error(`No reload ${count}. It said:\n${gateway.output()}`);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
};

test("SIGHUP reads the config again and never ends the program, with a file and without one", async () => {
  const gateway = await start({ config: withIds("one"), args: ["--json-log"] });
  process.kill(gateway.pid, "SIGHUP");
  await reloaded(gateway, 1);
  expect(gateway.output()).toContain('"reason":"signal"');
  const bare = await start({ config: null, args: ["--demo", "--json-log"] });
  process.kill(bare.pid, "SIGHUP");
  await reloaded(bare, 1);
  process.kill(bare.pid, "SIGHUP");
  await reloaded(bare, 2);
  expect(await modelIds(bare)).toContain("demo");
}, 20_000);

test("the file itself: written in place, renamed over, taken away and put back", async () => {
  const gateway = await start({ config: withIds("one") });
  writeFileSync(gateway.configPath, withIds("two"));
  await reloaded(gateway, 1);
  expect(await modelIds(gateway)).toContain("two");
  writeFileSync(`${gateway.configPath}.new`, withIds("three"));
  renameSync(`${gateway.configPath}.new`, gateway.configPath);
  await reloaded(gateway, 2);
  expect(await modelIds(gateway)).toContain("three");
  rmSync(gateway.configPath);
  await gateway.waitForOutput("the config file is gone");
  expect(await modelIds(gateway)).toContain("three");
  writeFileSync(gateway.configPath, withIds("four"));
  await reloaded(gateway, 3);
  expect(await modelIds(gateway)).toContain("four");
}, 20_000);

test("a folder behind a link is swapped, as Kubernetes does", async () => {
  const gateway = await start({ config: withIds("one") });
  const { dir, configPath } = gateway;
  for (const [folder, id] of [
    ["v1", "two"],
    ["v2", "three"],
  ] as const) {
    mkdirSync(join(dir, folder));
    writeFileSync(join(dir, folder, "clawgate.yaml"), withIds(id));
  }
  symlinkSync("v1", join(dir, "..data"));
  symlinkSync("..data/clawgate.yaml", join(dir, "link"));
  renameSync(join(dir, "link"), configPath);
  await reloaded(gateway, 1);
  expect(await modelIds(gateway)).toContain("two");
  symlinkSync("v2", join(dir, "..data_tmp"));
  renameSync(join(dir, "..data_tmp"), join(dir, "..data"));
  await reloaded(gateway, 2);
  expect(await modelIds(gateway)).toContain("three");
}, 20_000);

test("an invalid config changes nothing and is reported with file, line and key; the next valid one is applied", async () => {
  const gateway = await start({ config: withIds("one") });
  writeFileSync(gateway.configPath, "providers:\n  two:\n    backend: demo\n    modle: x\n");
  await gateway.waitForOutput(`${gateway.configPath}:4 providers.two.modle: unknown key`);
  expect(gateway.output()).toContain("the new config is not valid; the current one stays active");
  expect(await modelIds(gateway)).toContain("one");
  writeFileSync(gateway.configPath, withIds("three"));
  await reloaded(gateway, 1);
  expect(await modelIds(gateway)).toContain("three");
}, 20_000);

test("the token of run.json opens POST /api/reload; a key that was taken away is dead when it answers", async () => {
  const keyed = (...keys: string[]): string => JSON.stringify({ providers: { one: demo }, auth: { keys } });
  const gateway = await start({ config: keyed("client-key-number-1", "client-key-number-2") });
  expect(await modelIds(gateway, "client-key-number-1")).toContain("one");
  writeFileSync(gateway.configPath, keyed("client-key-number-2"));
  const answer = await fetch(`${gateway.url}/api/reload`, {
    method: "POST",
    headers: { authorization: `Bearer ${gateway.token}` },
  });
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({
    ok: true,
    config: gateway.configPath,
    changed: { sections: ["auth.keys"] },
  });
  expect(await modelIds(gateway, "client-key-number-1")).toBe(401);
  expect(await modelIds(gateway, "client-key-number-2")).toContain("one");
}, 20_000);

test("log level and .env follow; streams run through it to their last byte", async () => {
  const vendor: HeldVendor = cleanups.stopAtEnd(startHeldVendor());
  const config = (level: string): string =>
    JSON.stringify({
      server: { log_level: level },
      providers: {
        one: { base_url: vendor.url, api_key: "${ONE_KEY}", model: "held" },
        demo,
      },
    });
  const gateway = await start({ config: config("warn"), env: { ONE_KEY: undefined } });
  expect(await modelIds(gateway)).not.toContain("one");
  writeFileSync(gateway.configPath, config("info"));
  await reloaded(gateway, 1);
  writeFileSync(join(gateway.dir, ".env"), "ONE_KEY=the-key-out-of-the-file\n");
  await reloaded(gateway, 2);
  const ask = async (prompt: string): Promise<string> => {
    const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "one", stream: true, messages: [{ role: "user", content: prompt }] }),
    });
    return answer.text();
  };
  const prompts = Array.from({ length: 40 }, (_, index) => `b${index}`);
  const running = prompts.map(ask);
  await vendor.waitForHeld(prompts.length);
  writeFileSync(gateway.configPath, withIds("alone"));
  await reloaded(gateway, 3);
  process.kill(gateway.pid, "SIGHUP");
  await reloaded(gateway, 4);
  expect(await modelIds(gateway)).toEqual(["auto", "alone", "alone/demo"]);
  vendor.release();
  expect(await Promise.all(running)).toEqual(prompts.map((prompt) => vendor.sentTo(prompt)));
  expect(vendor.keyOf("b0")).toBe("the-key-out-of-the-file");
  expect(gateway.output()).not.toContain("the-key-out-of-the-file");
  const run = readFileSync(join(gateway.stateDir, "run.json"), "utf8");
  expect(JSON.parse(run)).toMatchObject({ pid: gateway.pid, url: gateway.url, token: gateway.token });
}, 30_000);
