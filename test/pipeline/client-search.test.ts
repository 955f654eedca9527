// Codex searches for tools itself: on every kind of target its search is a function that can be called, what it found are tools
// that can be called, and calls come back in the forms in which the client declared them.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import type { DialectName } from "../../src/canon/request.ts";
import type { Json } from "./conversations.ts";
import { callOf, framesIn, openVendorSetup, type VendorSetup } from "./vendor-answers.ts";

let stand: VendorSetup;
beforeAll(async () => void (stand = await openVendorSetup()));
afterEach(() => stand.vendor.reset());
afterAll(() => stand.stop());

const others = ["openai-chat", "anthropic-messages", "google-genai"] as const;
const parameters = { type: "object", properties: { query: { type: "string" } }, required: ["query"] };
const search = { type: "tool_search", execution: "client", description: "Finds tools.", parameters };
const found = {
  type: "namespace",
  name: "mcp__crm__",
  description: "Customers",
  tools: [{ type: "function", name: "look_up", description: "Looks up.", parameters, defer_loading: true }],
};
const asked = { store: false, input: [{ role: "user", content: "x" }], tools: [search] };
const answered = (more: readonly Json[] = [], tools: readonly Json[] = [found]): Json => ({
  ...asked,
  input: [
    { role: "user", content: "x" },
    {
      type: "tool_search_call",
      call_id: "s1",
      execution: "client",
      status: "completed",
      arguments: { query: "crm" },
    },
    { type: "tool_search_output", call_id: "s1", execution: "client", status: "completed", tools },
    ...more,
  ],
});

async function outputOf(at: DialectName, body: Json, stream: boolean): Promise<Json[]> {
  const answer = await stand.ask("openai-responses", at, body, stream);
  expect(answer.status).toBe(200);
  const text = await answer.text();
  if (!stream) return (JSON.parse(text) as { output: Json[] }).output;
  const events = framesIn(text);
  const done = events.filter(({ type }) => type === "response.output_item.done").map(({ item }) => item);
  const last = events.find(({ type }) => type === "response.completed") as { response: { output: Json[] } };
  expect<unknown>(done).toEqual(last.response.output);
  const added = events.find(({ type }) => type === "response.output_item.added") as { item: Json };
  expect(added.item["type"]).toBe(last.response.output[0]?.["type"]);
  return last.response.output;
}

const ways = others.flatMap((at) => [false, true].map((stream) => [at, stream] as const));

test.each(ways)(
  "%s, streamed %p: the search is a function, its call comes back as a search",
  async (at, stream) => {
    stand.vendor.script(() => callOf(at, "tool_search", '{"query":"crm"}'));
    const [call] = await outputOf(at, asked, stream);
    const sent = JSON.stringify(stand.sent());
    expect(sent).toContain('"name":"tool_search"');
    expect(sent).toContain("Finds tools.");
    expect(call).toMatchObject({
      type: "tool_search_call",
      execution: "client",
      status: "completed",
      arguments: { query: "crm" },
    });
    expect(typeof call?.["call_id"]).toBe("string");
  },
);

test.each(ways)("%s, streamed %p: what it found can be called, by its own name", async (at, stream) => {
  stand.vendor.script(() => callOf(at, "mcp__crm__look_up", '{"query":"Ada"}'));
  const [call] = await outputOf(at, answered(), stream);
  const sent = JSON.stringify(stand.sent());
  expect(sent).toContain("These tools can be called now");
  expect(sent).toContain("Looks up.");
  expect(sent).not.toContain("tool_search_output");
  expect(call).toMatchObject({ type: "function_call", name: "look_up", namespace: "mcp__crm__" });
});

test.each(others)("%s: calls of what was found, tools found twice, and searches in vain", async (at) => {
  stand.vendor.script(() => callOf(at, "tool_search", "{}"));
  const called = [
    { type: "function_call", call_id: "c1", name: "look_up", namespace: "mcp__crm__", arguments: "{}" },
    { type: "function_call_output", call_id: "c1", output: "Ada Lovelace" },
    { type: "tool_search_call", call_id: "s2", execution: "client", status: "completed", arguments: {} },
    {
      type: "tool_search_output",
      call_id: "s2",
      execution: "client",
      status: "completed",
      tools: [found, { type: "mcp" }],
    },
    { type: "tool_search_call", call_id: "s3", execution: "client", status: "completed", arguments: {} },
    { type: "tool_search_output", call_id: "s3", execution: "client", status: "completed", tools: [] },
  ];
  const answer = await stand.ask("openai-responses", at, answered(called), false);
  expect(answer.status).toBe(200);
  const sent = JSON.stringify(stand.sent());
  expect(sent.split("Looks up.")).toHaveLength(2);
  expect(sent).toContain("Ada Lovelace");
  expect(sent).toContain("No tool was found.");
  expect(answer.headers.get("x-clawgate-adapted") ?? "").not.toContain("dropped");
});

test.each(others)("%s: tools that an item in the middle declares", async (at) => {
  stand.vendor.script(() => callOf(at, "mcp__crm__look_up", "{}"));
  const item = { type: "additional_tools", role: "developer", tools: [found, search] };
  const body = { ...asked, tools: [], input: [item, { role: "user", content: "x" }] };
  const answer = await stand.ask("openai-responses", at, body, false);
  expect(answer.status).toBe(200);
  expect(answer.headers.get("x-clawgate-adapted") ?? "").not.toContain("additional_tools");
  const { output } = (await answer.json()) as { output: Json[] };
  expect(output[0]).toMatchObject({ type: "function_call", name: "look_up", namespace: "mcp__crm__" });
  const sent = JSON.stringify(stand.sent());
  expect(sent).toContain("Looks up.");
  expect(sent).toContain("Finds tools.");
});

test("another Responses vendor gets everything in its own form, also translated", async () => {
  stand.vendor.script(() => callOf("openai-responses", "f", "{}"));
  // A body with our mark is translated.
  const mark = { type: "reasoning", summary: [], encrypted_content: "clawgate.signature.x" };
  const body = answered([mark, { role: "user", content: "go on" }]);
  const answer = await stand.ask("openai-responses", "openai-responses", body, false);
  expect(answer.status).toBe(200);
  expect(stand.sent()["tools"]).toEqual([search]);
  expect((stand.sent()["input"] as Json[]).slice(1, 3)).toEqual((body["input"] as Json[]).slice(1, 3));
});

test("a search that the vendor would make is left out and told", async () => {
  stand.vendor.script(() => callOf("openai-chat", "f", "{}"));
  const tools = [{ type: "tool_search" }, { type: "function", name: "f", parameters }];
  const answer = await stand.ask("openai-responses", "openai-chat", { ...asked, tools }, false);
  expect(answer.headers.get("x-clawgate-adapted")).toContain("hosted-tools-dropped:tool_search");
});
