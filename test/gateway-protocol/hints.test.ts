// What Claude Code says of a turn in headers: kept in the record, selectable, usable in rules, and told to nobody but Anthropic.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { startUpstream } from "../support/upstream.ts";
import { goodAnswer } from "../pipeline/test-pipeline.ts";
import { fakeAnthropic } from "./anthropic.ts";

const anthropic = fakeAnthropic();
const vendor = startUpstream();
let gateway: TestGateway;

beforeAll(async () => {
  vendor.script(goodAnswer);
  const own = { base_url: vendor.url, api_key: "vendor-secret-key" };
  gateway = await startTestGateway({
    fetch: anthropic.fetch,
    config: {
      providers: {
        big: { backend: "anthropic", ...own, models: ["big-1"] },
        cheap: { backend: "openai-compat", ...own, models: ["cheap-1"] },
        real: { backend: "anthropic", api_key: "sk-ant-key", models: ["claude-opus-5"] },
      },
      fallback_chain: ["big"],
      static_rules: {
        rules: [
          { name: "aside", match: { request_class: ["auxiliary", "Compaction"] }, route_to: "cheap" },
          {
            name: "explore",
            match: { agent_type: "Explore", not: { request_class: "main" } },
            route_to: "cheap",
          },
        ],
      },
    },
  });
});
afterAll(async () => {
  await gateway.stop();
  vendor.stop();
});

function ask(model: string, headers: Readonly<Record<string, string>>, path = "/v1/messages") {
  return fetch(gateway.url + path, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "anthropic-version": "2023-06-01",
      "x-claude-code-session-id": "session-1",
      ...headers,
    },
    body: JSON.stringify({ model, max_tokens: 10, messages: [{ role: "user", content: "hi" }] }),
  });
}

const chosen = async (headers: Readonly<Record<string, string>>): Promise<string> => {
  const { headers: told } = await ask("auto", headers);
  return `${told.get("x-clawgate-provider")} ${told.get("x-clawgate-rule")}`;
};

test("rules read the class and the agent's type, as whole words in any case", async () => {
  expect(await chosen({ "x-claude-code-request-class": "auxiliary" })).toBe("cheap aside");
  expect(await chosen({ "x-claude-code-request-class": "compaction" })).toBe("cheap aside");
  expect(await chosen({ "x-claude-code-request-class": "main" })).toStartWith("big ");
  expect(await chosen({ "x-claude-code-request-class": "auxiliary-2" })).toStartWith("big ");
  const explores = { "x-claude-code-agent-type": "Explore" };
  expect(await chosen({ ...explores, "x-claude-code-request-class": "subagent" })).toBe("cheap explore");
  expect(await chosen({ ...explores, "x-claude-code-request-class": "main" })).toStartWith("big ");
  expect(await chosen({})).toStartWith("big ");
});

test("an explanation says which hint decided, without sending anything", async () => {
  const before = vendor.requests.length;
  const answer = await ask(
    "auto",
    { "x-claude-code-request-class": "auxiliary" },
    "/api/route?door=messages",
  );
  expect(await answer.json()).toMatchObject({
    provider: "cheap",
    rule: "aside",
    reason: expect.stringContaining('request class is "auxiliary"') as unknown,
  });
  expect(vendor.requests.length).toBe(before);
});

test("the record has them, and lists, sums and exports can be taken by class", async () => {
  const headers = {
    "x-claude-code-request-class": "workflow",
    "x-claude-code-agent-type": "general-purpose",
    "x-claude-code-compaction": "auto",
    "x-claude-code-context-compacted": "manual",
    "x-claude-code-prompt-id": "prompt-77",
  };
  const record = await gateway.recordOf(await ask("big", headers));
  expect(record).toMatchObject({
    requestClass: "workflow",
    agentType: "general-purpose",
    compaction: "auto",
    contextCompacted: "manual",
    promptId: "prompt-77",
  });
  const plain = await gateway.recordOf(await ask("big", {}));
  expect(plain).not.toHaveProperty("requestClass");
  await gateway.app.services.completeRecords();
  const read = async (path: string): Promise<unknown> => (await fetch(gateway.url + path)).json();
  const { requests } = (await read("/api/requests?class=workflow")) as { requests: object[] };
  expect(requests).toHaveLength(1);
  expect(requests[0]).toMatchObject({
    request_id: record.id,
    class: "workflow",
    agent_type: "general-purpose",
    compaction: "auto",
    context_compacted: "manual",
    prompt_id: "prompt-77",
  });
  const series = (await read("/api/series?by=class&bucket=total")) as {
    groups: { name: string; requests: number }[];
  };
  const byName = Object.fromEntries(series.groups.map((group) => [group.name, group]));
  expect(byName["workflow"]).toBeDefined();
  expect(byName["auxiliary"]).toBeDefined();
  expect(byName[""]).toBeDefined();
  const csv = await (await fetch(`${gateway.url}/api/export?class=workflow`)).text();
  expect(csv.split("\r\n").filter((line) => line.includes("workflow"))).toHaveLength(1);
});

test("a value that is no word of the protocol is left out", async () => {
  for (const value of ["<img src=x>", "a b", "=1+1", "x".repeat(65), "é"])
    expect(
      await gateway.recordOf(await ask("big", { "x-claude-code-request-class": value })),
    ).not.toHaveProperty("requestClass");
});

test("Anthropic is told all that the client said, new names too; no other vendor is told any of it", async () => {
  const headers = {
    "x-claude-code-request-class": "subagent",
    "x-claude-code-agent-id": "agent-1",
    "x-claude-code-prev-tool-durations": "Bash=742;Read=9",
    "x-claude-code-of-2027": "new",
    "anthropic-of-2027": "new",
    "x-claude-code-api-key": "sk-something",
  };
  await ask("real/claude-opus-5", headers);
  const { "x-claude-code-api-key": _key, ...passed } = headers;
  expect(anthropic.seen.at(-1)?.headers).toMatchObject({
    ...passed,
    "x-claude-code-session-id": "session-1",
  });
  expect(JSON.stringify(anthropic.seen)).not.toContain("sk-something");
  for (const model of ["big", "cheap"]) {
    await ask(model, headers);
    const sent = vendor.requests.at(-1)?.headers ?? {};
    expect(Object.keys(sent).filter((name) => name.startsWith("x-claude-code"))).toEqual([]);
  }
});
