// Who a record says sent a request: the program that its key was made for, or that names itself by the word where no key is asked for.

import { afterEach, expect, test } from "bun:test";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";

let gateway: TestGateway | null = null;
afterEach(() => gateway?.stop());

async function clientOf(config: object, headers: Record<string, string>): Promise<string | null> {
  gateway = await startTestGateway({ config: { providers: { demo: { backend: "demo" } }, ...config } });
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", "user-agent": "some-client/1.0 (x)", ...headers },
    body: JSON.stringify({ model: "demo", messages: [{ role: "user", content: "hello" }] }),
  });
  await answer.text();
  return answer.status === 200 ? (await gateway.recordOf(answer)).client : `status ${answer.status}`;
}

const key = "the-key-of-codex-0123";
const keyed = { auth: { clients: [{ name: "codex", key }] } };
const other = { auth: { ...keyed.auth, keys: ["another-key-0123456"] } };

test.each<[string, object, Record<string, string>, string]>([
  ["the word as a bearer", {}, { authorization: "Bearer clawgate-claude-code" }, "claude-code"],
  ["the word as x-api-key", {}, { "x-api-key": "clawgate-aider" }, "aider"],
  ["the word as Google's key", {}, { "x-goog-api-key": "clawgate-gemini-cli" }, "gemini-cli"],
  ["no word", {}, { authorization: "Bearer local" }, "some-client/1.0"],
  ["a hostile word", {}, { authorization: "Bearer clawgate-<b>=1+1" }, "some-client/1.0"],
  ["a word that is too long", {}, { authorization: `Bearer clawgate-${"a".repeat(80)}` }, "some-client/1.0"],
  ["a key of its own", keyed, { authorization: `Bearer ${key}` }, "codex"],
  [
    "another key",
    other,
    { authorization: "Bearer another-key-0123456", "x-api-key": "clawgate-aider" },
    "some-client/1.0",
  ],
  ["the word where a key is asked for", keyed, { authorization: "Bearer clawgate-codex" }, "status 401"],
  ["no key where one is asked for", keyed, {}, "status 401"],
])("%s", async (_name, config, headers, client) => {
  expect(await clientOf(config, headers)).toBe(client);
});
