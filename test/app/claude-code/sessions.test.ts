// Conversations with the CLI between tenants: a process that waits for one tenant is out of reach for every other.

import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { claudeProviderOf } from "../../../src/backends/claude-code/program-plan.ts";
import { type ScriptedClaude, scriptedClaude } from "../../support/claude.ts";
import { cleanupsAfterEach } from "../../support/cleanups.ts";
import { startTestGateway, type TestGateway } from "../../support/gateway.ts";
import { recordOf } from "../../support/upstream/json.ts";

const cleanups = cleanupsAfterEach();

const keys = { alice: "alice-key-0123456789", bob: "bob-key-0123456789", nobody: "other-key-0123456789" };
const tenants = [
  { name: "alice", api_key: keys.alice },
  { name: "bob", api_key: keys.bob },
];
const look = { name: "look", description: "Looks.", input_schema: { type: "object", properties: {} } };

async function open(more: object = {}): Promise<{ claude: ScriptedClaude; gateway: TestGateway }> {
  const claude = scriptedClaude();
  cleanups.push(claude.remove);
  const gateway = await startTestGateway({
    config: {
      cli: { bin: claude.bin, warm: 0, parked: { max: 8 } },
      tenants,
      auth: { keys: [keys.nobody] },
      ...more,
    },
  });
  cleanups.push(gateway.stop);
  return { claude, gateway };
}

type Message = { readonly role: string; readonly content: unknown };

async function ask(gateway: TestGateway, who: keyof typeof keys, messages: readonly Message[]) {
  const answer = await fetch(`${gateway.url}/v1/messages`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-api-key": keys[who],
      // Whoever knows the name of a conversation knows nothing.
      "x-claude-code-session-id": "the-same-for-all",
    },
    body: JSON.stringify({ model: "sonnet", max_tokens: 1_000, tools: [look], messages }),
  });
  const body = recordOf(await answer.json());
  expect([answer.status, body["error"]]).toEqual([200, undefined]);
  return body["content"] as Record<string, unknown>[];
}

const question = (text: string): Message => ({ role: "user", content: text });
const said = (content: unknown): Message => ({ role: "assistant", content });
const parkedIn = (gateway: TestGateway) =>
  gateway.app.services.claudePrograms.counts().get("claude-cli")?.parked;

test("a call that waits for alice's client is answered by nobody else, with her ids, history and session", async () => {
  const { claude, gateway } = await open();
  const first = question("[[tools:look {}]] [[then:seen]]");
  const calling = await ask(gateway, "alice", [first]);
  const call = calling.find(({ type }) => type === "tool_use");
  expect(parkedIn(gateway)).toEqual({ calls: 1, idle: 0 });
  const [hers] = claude.sessions();
  const results: Message = {
    role: "user",
    content: [{ type: "tool_result", tool_use_id: call?.["id"], content: "a tree" }],
  };
  const history = [first, said(calling), results];
  for (const who of ["bob", "nobody"] as const) {
    await ask(gateway, who, history);
    expect(parkedIn(gateway)?.calls).toBe(1);
  }
  expect(claude.sessions()).toHaveLength(3);
  expect(existsSync(`/proc/${hers?.pid}`)).toBe(true);
  expect(await ask(gateway, "alice", history)).toMatchObject([{ type: "text", text: "seen" }]);
  expect(claude.sessions()).toHaveLength(3);
  expect(parkedIn(gateway)?.calls).toBe(0);
});

test("a conversation that may go on goes on with its own tenant's process only", async () => {
  const { claude, gateway } = await open();
  const first = question("[[say:hello]]");
  const answer = await ask(gateway, "alice", [first]);
  const next = [first, said(answer), question("[[say:again]]")];
  await ask(gateway, "bob", next);
  await ask(gateway, "nobody", next);
  expect(claude.sessions()).toHaveLength(3);
  await ask(gateway, "alice", next);
  expect(claude.sessions()).toHaveLength(3);
});

test("what is parked is forgotten with the session at the latest", async () => {
  const parkedOf = async (session: object): Promise<object | undefined> => {
    const { gateway } = await open({ session });
    const { config } = gateway.app.current().loaded;
    const settings = config.providers["claude-cli"];
    return settings && claudeProviderOf(settings, config).program.parked;
  };
  expect(await parkedOf({})).toMatchObject({ callsTtlMs: 180_000, idleTtlMs: 60_000 });
  expect(await parkedOf({ ttl: 90 })).toMatchObject({ callsTtlMs: 90_000, idleTtlMs: 60_000 });
  expect(await parkedOf({ ttl: 20 })).toMatchObject({ callsTtlMs: 20_000, idleTtlMs: 20_000 });
});
