// Bodies that no client would send, at every endpoint, passed on and translated: an answer or a refusal in the endpoint's own format, and never
// a failure of our own. CLAWGATE_HEAVY=1 tries fifty times as many.

import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { startUpstream } from "../support/upstream.ts";

const runs = process.env["CLAWGATE_HEAVY"] === "1" ? 6_000 : 120;

const vendor = startUpstream();
let gateway: TestGateway;
beforeAll(async () => {
  const provider = (backend: string): object => ({
    backend,
    base_url: vendor.url,
    api_key: "vendor-key",
    models: ["fake-large"],
  });
  gateway = await startTestGateway({
    config: {
      health: { check_interval_seconds: 0, consecutive_failures_before_skip: 1_000 },
      providers: { openai: provider("openai-compat"), anthropic: provider("anthropic") },
    },
  });
});
afterAll(async () => {
  await gateway.stop();
  vendor.stop();
});

const models = ["openai", "anthropic"] as const;
const content = [{ type: "text", text: "hi" }];
const tool = {
  name: "f",
  description: "d",
  parameters: { type: "object" },
  input_schema: { type: "object" },
};

/** A good body of each endpoint, in which anything may be put anywhere. */
const bodiesByPath: Readonly<Record<string, (model: string) => object>> = {
  "/v1/chat/completions": (model) => ({
    model,
    messages: [
      { role: "user", content },
      {
        role: "assistant",
        content: "a",
        tool_calls: [{ id: "1", type: "function", function: { name: "f", arguments: "{}" } }],
      },
      { role: "tool", tool_call_id: "1", content: "r" },
    ],
    tools: [{ type: "function", function: tool }],
    max_tokens: 5,
    stream_options: { include_usage: true },
  }),
  "/v1/messages": (model) => ({
    model,
    max_tokens: 5,
    system: content,
    messages: [
      { role: "user", content },
      { role: "assistant", content: [{ type: "tool_use", id: "1", name: "f", input: {} }] },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "1", content }] },
    ],
    tools: [tool],
  }),
  "/v1/responses": (model) => ({
    model,
    input: [{ type: "message", role: "user", content: [{ type: "input_text", text: "hi" }] }],
    tools: [{ type: "function", ...tool }],
    reasoning: { effort: "low" },
  }),
  "/v1/messages/count_tokens": (model) => ({ model, messages: [{ role: "user", content }] }),
  "/v1/embeddings": (model) => ({ model, input: ["a", "b"] }),
  "/v1beta/models/MODEL:generateContent": () => ({
    contents: [{ role: "user", parts: [{ text: "hi" }] }],
    generationConfig: { maxOutputTokens: 5, stopSequences: ["x"] },
    tools: [{ functionDeclarations: [tool] }],
  }),
};

const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(
    null,
    true,
    0,
    -1,
    1e308,
    "",
    "\u0000",
    "a\r\nb",
    [],
    {},
    [[]],
    [null],
    { type: "x" },
    "🦞".repeat(200),
  ),
);
/** A place: at each level the n-th member, and what stands there from now on; undefined takes it away. */
const change = fc.record({
  way: fc.array(fc.nat(9), { minLength: 1, maxLength: 6 }),
  value: fc.option(odd, { nil: undefined }),
});

function changed(target: unknown, way: readonly number[], value: unknown): void {
  if (typeof target !== "object" || target === null) return;
  const names = Object.keys(target);
  const name = names[(way[0] ?? 0) % Math.max(1, names.length)];
  if (name === undefined) return;
  const holder = target as Record<string, unknown>;
  const inner = holder[name];
  if (way.length > 1 && typeof inner === "object" && inner !== null) changed(inner, way.slice(1), value);
  else if (value === undefined) delete holder[name];
  // A copy: a later change may go into it, and one value may be put into itself.
  else holder[name] = structuredClone(value);
}

async function expectSound(path: string, text: string, model: string): Promise<void> {
  const answer = await fetch(gateway.url + path.replace("MODEL", model), {
    method: "POST",
    headers: { "content-type": "application/json", "x-clawgate-fallback": "off" },
    body: text,
  });
  const said = await answer.text();
  if (answer.status === 500 || answer.status < 200 || (answer.status >= 300 && answer.status < 400))
    throw new Error(`${answer.status} for ${text.slice(0, 500)}: ${said.slice(0, 300)}`);
  if (answer.status >= 400) expect(JSON.parse(said)).toHaveProperty("error");
  expect(said).not.toMatch(/\/src\/|node_modules|at async |TypeError|Cannot read/);
}

test.each(Object.keys(bodiesByPath))(
  "%s: changed bodies",
  async (path) => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...models),
        fc.boolean(),
        fc.array(change, { minLength: 1, maxLength: 3 }),
        async (model, stream, changes) => {
          const body = structuredClone({ ...bodiesByPath[path]?.(model), ...(stream ? { stream } : {}) });
          for (const { way, value } of changes) changed(body, way, value);
          await expectSound(path, JSON.stringify(body), model);
        },
      ),
      { numRuns: runs },
    );
  },
  1_200_000,
);

test("bytes knocked out, doubled or put in", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.keys(bodiesByPath)),
      fc.constantFrom(...models),
      fc.nat(),
      fc.nat(40),
      fc.string({ unit: "binary", maxLength: 8 }),
      async (path, model, at, cut, more) => {
        const text = JSON.stringify(bodiesByPath[path]?.(model));
        const place = at % text.length;
        await expectSound(path, text.slice(0, place) + more + text.slice(place + cut), model);
      },
    ),
    { numRuns: 2 * runs },
  );
}, 1_200_000);

test("no request of all these met a bug, and none is left", async () => {
  expect(gateway.records().filter(({ failure }) => failure === "internal")).toEqual([]);
  expect(gateway.log.filter((line) => /"level":"error"/.test(line))).toEqual([]);
  await gateway.assertClean(vendor.requests);
});
