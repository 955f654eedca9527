// Why an upstream failed: host, port and cause for the operator (record, health, provider test, log), the short text for clients.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  type UnreachableUpstreams,
  startUnreachableUpstreams,
  unreachableKinds,
} from "../support/unreachable-upstreams.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";

let listening: UnreachableUpstreams;
let gateway: TestGateway;
const adminKey = "sk-admin-0123456789abcdef";
const operator = { authorization: `Bearer ${adminKey}` };

beforeAll(async () => {
  listening = startUnreachableUpstreams();
  gateway = await startTestGateway({
    config: {
      auth: { admin_key: adminKey },
      health: { check_interval_seconds: 0 },
      providers: Object.fromEntries(
        unreachableKinds.map(({ id }) => [
          id,
          {
            base_url: listening.urlOf(id),
            model: "m",
            fallback: false,
            timeout: { first_token_s: 0.3, idle_s: 0.3, connect_s: 1 },
          },
        ]),
      ),
    },
  });
});
afterAll(async () => {
  await gateway.stop();
  listening.stop();
});

describe.each(unreachableKinds)("$id", ({ id, words, isBilled }) => {
  test("is told to whom it concerns", async () => {
    const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: id, messages: [{ role: "user", content: "hi" }] }),
    });
    const { host } = new URL(listening.urlOf(id));
    expect(answer.status).toBeGreaterThanOrEqual(502);
    const text = await answer.text();
    expect(text).not.toContain(host);
    expect(text).not.toContain("NODE_EXTRA");
    const record = await gateway.recordOf(answer);
    for (const told of [record.error, record.attempts[0]?.message]) {
      expect(told).toContain(words);
      expect(told).toContain(host);
      expect(told?.split(host).length).toBe(2);
    }
    expect(record.attempts[0]?.maybeBilled).toBe(isBilled);
    const report = (await (await fetch(`${gateway.url}/api/providers`, { headers: operator })).json()) as {
      providers: { id: string; last_error: string | null }[];
    };
    expect(report.providers.find((each) => each.id === id)?.last_error).toContain(words);
    // Anybody may ask for this one.
    const health = await (await fetch(`${gateway.url}/health`)).text();
    expect(health).not.toContain(host);
    const read = await fetch(`${gateway.url}/health`, { headers: operator });
    const { certificates } = (await read.json()) as { certificates: { untrusted: string[] } };
    expect(certificates.untrusted.includes(id)).toBe(id === "untrusted");
    const tested = await fetch(`${gateway.url}/api/providers/${id}/test`, {
      method: "POST",
      headers: operator,
    });
    const { error } = (await tested.json()) as { error: { message: string; hint: string } };
    expect(error.message).toContain(words);
    expect(error.message).toContain(host);
    if (words.includes("NODE_EXTRA")) expect(error.hint).toContain("NODE_EXTRA_CA_CERTS");
    const isLogged = gateway.log.some(
      (line) => line.includes('"warn"') && line.includes(words) && line.includes(host),
    );
    expect(isLogged).toBe(true);
  });
});
