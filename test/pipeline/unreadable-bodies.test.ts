// A body that nobody can read is refused before a target is asked, also where it would go on in its own format.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { startUpstream } from "../support/upstream.ts";

const vendor = startUpstream();
let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startTestGateway({
    config: {
      health: { check_interval_seconds: 0 },
      providers: {
        cli: { backend: "claude-cli", bin: "/nonexistent/claude", models: ["opus"] },
        plain: {
          backend: "anthropic",
          base_url: vendor.url,
          models: [{ id: "m", capabilities: { thinking: false } }],
        },
      },
    },
  });
});
afterAll(async () => {
  await gateway.stop();
  vendor.stop();
});

test.each(["cli/opus", "plain/m"])("for %s: no attempt in the record", async (model) => {
  const answer = await fetch(`${gateway.url}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model,
      max_tokens: 2_000,
      thinking: { type: "enabled", budget_tokens: 1_024 },
      messages: [{ role: "user", content: 5 }],
    }),
  });
  expect(answer.status).toBe(400);
  expect(await gateway.recordOf(answer)).toMatchObject({ failure: "invalid-request", attempts: [] });
});
