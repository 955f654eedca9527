// /health in the shape of the program whose place is taken.

import { afterEach, describe, expect, test } from "bun:test";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";

let gateway: TestGateway | null = null;
afterEach(() => gateway?.stop());

async function healthOf(
  server: object,
  path = "/health",
  more: object = {},
): Promise<Record<string, unknown>> {
  gateway = await startTestGateway({ config: { server, providers: { one: { backend: "demo" } }, ...more } });
  const answer = await fetch(`${gateway.url}${path}`);
  expect(answer.status).toBe(200);
  return (await answer.json()) as Record<string, unknown>;
}

describe.each(["claude-proxy", "cliproxyapi"])("%s", (compat) => {
  test("its whole answer is the status", async () => {
    expect(await healthOf({ compat })).toEqual({ status: "ok" });
  });
});

const tenants = [{ name: "alice", api_key: "a".repeat(20) }];

describe("cc-gateway", () => {
  test("its members, with the names of tenants for who may read them", async () => {
    const health = await healthOf({ compat: "cc-gateway" }, "/health", { tenants });
    expect(Object.keys(health)).toEqual(["status", "provider", "tenants", "queue", "timestamp"]);
    expect(health).toMatchObject({
      status: "ok",
      provider: "claude-cli-gateway",
      tenants: ["alice"],
      queue: { running: 0, queued: 0, perTenant: {} },
    });
    expect(Date.parse(String(health["timestamp"]))).toBeGreaterThan(0);
  });

  test("no name for anybody else", async () => {
    const auth = { admin_key: "admin-key-0123456789" };
    const health = await healthOf({ compat: "cc-gateway" }, "/health", { tenants, auth });
    expect(health).toMatchObject({ tenants: [], queue: { running: 0, queued: 0, perTenant: {} } });
    expect(JSON.stringify(health)).not.toContain("alice");
  });
});

test("our own shape on demand, as the commands ask for it, and without `compat`", async () => {
  expect(await healthOf({ compat: "claude-proxy" }, "/health?as=clawgate")).toHaveProperty("providers.one");
  await gateway?.stop();
  expect(await healthOf({})).toHaveProperty("providers.one");
});

test("a gateway that is down does not say ok in any shape", async () => {
  gateway = await startTestGateway({
    config: { server: { compat: "claude-proxy" }, cli: { bin: "/nowhere/claude" } },
  });
  expect(await (await fetch(`${gateway.url}/health`)).json()).toEqual({ status: "down" });
  expect((await fetch(`${gateway.url}/health?ready=1`)).status).toBe(503);
});
