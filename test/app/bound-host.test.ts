// The socket stays where the start has put it: a later config that says otherwise must not open it to whoever can guess.

import { afterAll, expect, test } from "bun:test";
import { startTestGateway } from "../support/gateway.ts";

// This machine alone reaches it; the config's checks know of no such loopback.
const host = "::ffff:127.0.0.1";
const demo = { providers: { demo: { backend: "demo" } } };
const gateway = await startTestGateway({
  config: { ...demo, server: { host }, auth: { keys: ["key-that-is-long-enough"] } },
});
afterAll(gateway.stop);

test.each([
  ["a short key", { auth: { keys: ["short"] } }, "auth.keys[0]"],
  ["a short key of a tenant", { tenants: [{ name: "t", api_key: "short" }] }, "tenants[0].api_key"],
  ["no key at all", {}, "server.host"],
])("%s, with the host changed to loopback, is refused", async (_name, more, key) => {
  gateway.write({ ...demo, server: { host: "127.0.0.1" }, ...more });
  const { ok, error } = await gateway.app.reload("test");
  expect(ok).toBe(false);
  expect(error?.code).toBe("config_invalid");
  expect(error?.problems.map((problem) => problem.key)).toEqual([key]);
  expect(gateway.log.join("")).not.toContain('"short"');
});

test("a good key is taken", async () => {
  gateway.write({ ...demo, server: { host: "127.0.0.1" }, auth: { keys: ["another-key-long-enough"] } });
  expect(await gateway.app.reload("test")).toMatchObject({ ok: true, needsRestart: ["server.host"] });
});
