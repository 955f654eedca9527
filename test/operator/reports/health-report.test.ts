// Who is told what by GET /health: anybody the state, readers what a person needs to act on it.

import { expect, test } from "bun:test";
import { cleanupsAfterEach } from "../../support/cleanups.ts";
import { startTestGateway, type TestGateway } from "../../support/gateway.ts";
import { Failure } from "../../../src/canon/failure.ts";

const cleanups = cleanupsAfterEach();

type Told = {
  readonly tenants?: unknown;
  readonly queue?: unknown;
  readonly providers: { readonly one: { readonly last_error: string } };
};

const adminKey = "admin-key-0123456789";
const tenants = [
  { name: "alice", api_key: "alice-key-0123456789" },
  { name: "bob", api_key: "bob-key-0123456789abc" },
];
async function open(config: object): Promise<TestGateway> {
  const providers = { one: { base_url: "http://127.0.0.1:9", api_key: "k-0123456789", model: "m-1" } };
  const gateway = cleanups.stopAtEnd(await startTestGateway({ config: { providers, tenants, ...config } }));
  const failure = new Failure("unreachable", "The upstream could not be reached.", {
    why: "10.1.2.3:9: refused",
  });
  gateway.app.services.health.failed("one", "m-1", failure);
  return gateway;
}
const ask = async ({ url }: TestGateway, headers: Record<string, string> = {}): Promise<Told> => {
  const answer = await fetch(`${url}/health`, { headers });
  expect(answer.status).toBe(200);
  return (await answer.json()) as Told;
};
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

test("a reader: tenants and queue as openclaw-cc-gateway's, and the operator's words", async () => {
  const gateway = await open({});
  for (const told of [await ask(gateway), await ask(gateway, bearer(gateway.token()))]) {
    expect(told.tenants).toEqual(["alice", "bob"]);
    expect(told.queue).toEqual({ running: 0, queued: 0, perTenant: {} });
    expect(told.providers.one.last_error).toBe("unreachable: 10.1.2.3:9: refused");
  }
});

test.each([
  ["a proxy on this machine", {}, { "x-forwarded-for": "203.0.113.7" }],
  ["a tunnel on this machine", {}, { via: "1.1 tunnel" }],
  ["no key where an admin key is set", { auth: { admin_key: adminKey } }, {}],
  ["a tenant's key", { auth: { admin_key: adminKey } }, bearer("alice-key-0123456789")],
  ["a wrong key", { auth: { admin_key: adminKey } }, bearer("wrong-key-0123456789")],
] as const)("%s is told the state alone", async (_, config, headers) => {
  const told = await ask(await open(config), headers);
  expect(Object.keys(told).toSorted()).toEqual([
    "metrics",
    "oldest_running_s",
    "providers",
    "running",
    "skipped",
    "status",
    "uptime_s",
    "version",
  ]);
  expect(told.providers.one.last_error).toBe("unreachable: The upstream could not be reached.");
});

test("the admin key reads", async () => {
  const told = await ask(await open({ auth: { admin_key: adminKey } }), { "x-api-key": adminKey });
  expect(told.tenants).toEqual(["alice", "bob"]);
});
