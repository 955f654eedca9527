import { expect, test } from "bun:test";
import { cleanupsAfterEach } from "../support/cleanups.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { type Home, ownHome } from "./command-run.ts";

const cleanups = cleanupsAfterEach();

const config = { providers: { one: { backend: "demo" } }, fallback_chain: ["one"] };

async function open(): Promise<{ readonly home: Home; readonly gateway: TestGateway }> {
  const home = ownHome();
  cleanups.push(home.remove);
  const gateway = cleanups.stopAtEnd(
    await startTestGateway({ config, environment: { CLAWGATE_STATE_DIR: home.stateDir } }),
  );
  return { home, gateway };
}

test("what changed is said, and is in force", async () => {
  const { home, gateway } = await open();
  gateway.write({
    ...config,
    providers: { ...config.providers, two: { backend: "demo" } },
    aliases: { quick: "two" },
    metrics: { retention_days: 7 },
  });
  const { code, stdout, stderr } = await home.run(["reload"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain("is active. Changed: provider two added, ");
  expect(stdout).toContain("aliases");
  expect(stdout).toContain("These take effect only after a restart: metrics.retention_days.");
  expect((await home.run(["route", "hello", "--model", "quick"])).stdout).toStartWith("-> two / demo");
});

test("nothing changed", async () => {
  const { home } = await open();
  expect((await home.run(["reload"])).stdout).toStartWith(
    "The config was read again: nothing has changed since the last time (a changed file is read automatically).\n",
  );
});

test("an invalid config: its place, what is wrong, exit code 1, and the old one stays", async () => {
  const { home, gateway } = await open();
  gateway.write("providers:\n  one: { backend: demo }\n  two: { bakend: demo }\n");
  const { code, stdout, stderr } = await home.run(["reload"]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(/config\.yaml:3 providers\.two\.bakend: unknown key/);
  expect(stderr).toContain("The gateway keeps its current config.");
  expect((await home.run(["route", "hello"])).stdout).toStartWith("-> one / demo");
});

test("--json is the report, good or bad", async () => {
  const { home, gateway } = await open();
  expect(JSON.parse((await home.run(["reload", "--json"])).stdout)).toMatchObject({
    ok: true,
    needs_restart: [],
  });
  gateway.write("nonsense: 7\n");
  const bad = await home.run(["reload", "--json"]);
  expect(bad.code).toBe(1);
  expect(JSON.parse(bad.stdout)).toMatchObject({ ok: false, error: { code: "config_invalid" } });
});
