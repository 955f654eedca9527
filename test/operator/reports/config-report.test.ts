// GET /api/config: what is in force, what lies over its file, and where the file says something else by now; no secret in it.

import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ConfigReport } from "../../../src/operator/reports/config-report.ts";
import { createConfigSource } from "../../../src/app/config-source.ts";
import { readFile } from "../../../src/commands/config-input.ts";
import { ConfigProblem } from "../../../src/config/problems.ts";
import { systemClock } from "../../../src/system/clock.ts";
import { cleanupsAfterEach } from "../../support/cleanups.ts";
import { startTestGateway, type TestGateway } from "../../support/gateway.ts";

const cleanups = cleanupsAfterEach();

const canary = (name: string): string => `${name}-7f3a9c1e5b2d8064`;
const config = {
  server: { log_level: "warn" },
  auth: { keys: [canary("client")], admin_key: canary("admin") },
  providers: {
    one: {
      base_url: `https://vendor.example/${canary("path")}/v1`,
      proxy: `http://user:${canary("password")}@proxy.example:3128`,
      api_key: canary("vendor"),
      model: "m-1",
      headers: { "x-plain-name": canary("header") },
    },
    two: {
      base_url: "https://other.example",
      model: "m-2",
      auth: { type: "bearer-command", command: ["/usr/bin/token-of", "--secret", canary("argument")] },
    },
  },
  tenants: [
    {
      name: "alice",
      api_key: canary("alice"),
      keys: [{ key: canary("further") }],
      env: { HARMLESS: canary("variable") },
    },
  ],
  mcp_servers: {
    tools: { command: "node", args: ["server.js", canary("argument2")], env: { X: canary("variable2") } },
    far: {
      type: "http",
      url: `https://tools.example/?token=${canary("query2")}`,
      headers: { y: canary("header2") },
    },
  },
};
async function open(environment: Readonly<Record<string, string>> = {}): Promise<TestGateway> {
  return cleanups.stopAtEnd(await startTestGateway({ config, environment }));
}
async function ask({ url }: TestGateway): Promise<{ report: ConfigReport; text: string }> {
  const answer = await fetch(`${url}/api/config`, { headers: { "x-api-key": canary("admin") } });
  expect(answer.status).toBe(200);
  const text = await answer.text();
  return { report: JSON.parse(text) as ConfigReport, text };
}

test("only whoever may read is told", async () => {
  const { url } = await open();
  expect((await fetch(`${url}/api/config`)).status).toBe(401);
  expect((await fetch(`${url}/api/config`, { headers: { "x-api-key": canary("client") } })).status).toBe(401);
});

test("no secret, wherever it stands; names and plain values stay", async () => {
  const { report, text } = await ask(await open());
  expect(text).not.toContain("7f3a9c1e5b2d8064");
  expect(report.values).toMatchObject({
    server: { log_level: "warn", host: "127.0.0.1" },
    auth: { keys: ["***"], admin_key: "***" },
    providers: {
      one: {
        base_url: "https://vendor.example/***/v1",
        proxy: "http://proxy.example:3128",
        model: "m-1",
        api_key: "***",
        headers: { "x-plain-name": "***" },
      },
      two: { auth: { type: "bearer-command", command: ["/usr/bin/token-of", "***", "***"] } },
    },
    tenants: [{ name: "alice", env: { HARMLESS: "***" } }],
    mcp_servers: { tools: { command: "node", args: ["***", "***"] } },
  });
});

test("what overrides the file, and where it comes from", async () => {
  const { report } = await ask(await open({ LOG_LEVEL: "error" }));
  expect(report.overrides).toContainEqual({ key: "server.log_level", from: "LOG_LEVEL" });
  expect(report.overrides).toContainEqual({ key: "server.port", from: "--port" });
  expect(report.values).toMatchObject({ server: { log_level: "error" } });
  expect(report.disk.state).toBe("same");
});

test("a file that differs, one that is invalid, and what takes effect only after a restart", async () => {
  const gateway = await open();
  const { one } = config.providers;
  gateway.write({
    ...config,
    providers: { one: { ...one, model: "m-9" }, three: one },
    metrics: { retention_days: 3 },
  });
  const { report: differing } = await ask(gateway);
  expect(differing.disk).toMatchObject({
    state: "differs",
    changed: {
      providers: { added: ["three"], removed: ["two"], changed: ["one"] },
      sections: expect.arrayContaining(["metrics.retention_days"]),
    },
  });
  // Asking has changed nothing.
  expect((await ask(gateway)).report.disk.state).toBe("differs");
  await gateway.app.reload("test");
  const { report: taken } = await ask(gateway);
  expect([taken.disk.state, taken.needs_restart]).toEqual(["same", ["metrics.retention_days"]]);
  gateway.write({ ...config, server: { prot: canary("password") } });
  const { report: broken, text } = await ask(gateway);
  expect(broken.disk.state).toBe("invalid");
  expect(broken.disk.problems.join("\n")).toContain("server.prot: unknown key");
  expect(text).not.toContain("7f3a9c1e5b2d8064");
});

test("a look at the file is no reading of it: a change is still told of", async () => {
  const dir = cleanups.folder("clawgate-peek-");
  const path = join(dir, "c.yaml");
  const write = (port: number): void =>
    writeFileSync(path, `providers: {demo: {backend: demo}}\nserver: {port: ${port}}\n`);
  write(1);
  const place = { workingDirectory: dir, homeDirectory: dir, environment: {} };
  const source = createConfigSource({ ...place, argvConfigPath: path, readFile, isDemo: false }, systemClock);
  await source.load();
  const told = Promise.withResolvers<void>();
  cleanups.push(source.watch(() => told.resolve()));
  write(2);
  expect((await source.peek())?.config.server.port).toBe(2);
  await told.promise;
});

test("without a file there is nothing to look at, until there is one", async () => {
  const dir = cleanups.folder("clawgate-peek-");
  const place = { workingDirectory: dir, homeDirectory: dir, environment: { OPENAI_API_KEY: "k" } };
  const source = createConfigSource(
    { ...place, argvConfigPath: undefined, readFile, isDemo: false },
    systemClock,
  );
  await source.load();
  expect(await source.peek()).toBeNull();
  writeFileSync(join(dir, "config.yaml"), "providers: {demo: {backend: demo}}\n");
  expect((await source.peek())?.path).toBe(join(dir, "config.yaml"));
});

test("what is on the disk is loaded once for each text, however often it is asked for", async () => {
  const dir = cleanups.folder("clawgate-peek-");
  const path = join(dir, "config.yaml");
  writeFileSync(path, "providers: { one: { backend: demo } }\n");
  const place = { workingDirectory: dir, homeDirectory: dir, environment: {} };
  const source = createConfigSource({ ...place, argvConfigPath: path, readFile, isDemo: false }, systemClock);
  const loaded = await source.load();
  expect(await source.peek()).toBe(loaded);
  writeFileSync(path, "providers: { one: { backend: demo }, two: { backend: demo } }\ndefault_model: one\n");
  const next = await source.peek();
  expect(next?.config.default_model).toBe("one");
  expect(await source.peek()).toBe(next);
  // A text that appears counts as well.
  writeFileSync(join(dir, ".env"), "DEFAULT_MODEL=two\n");
  expect((await source.peek())?.config.default_model).toBe("two");
  writeFileSync(path, "providers: [\n");
  expect(await source.peek().catch((error: unknown) => error)).toBeInstanceOf(ConfigProblem);
});
