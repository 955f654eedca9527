// What the real `claude` behind the built program lets its vendor hear beside the client's words, and that all works where it is
// kept from saying more, and where it cannot be. Run it by path: bun test ./test/heavy/claude-environment.heavy.ts.
// It never logs in (the login is one of dummy words) and never leaves loopback but for npm.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openTimeoutMs } from "../clients/targets.ts";
import { type RunningBinary, startBinary } from "../support/binary.ts";
import { childrenOf } from "../support/claude-children.ts";
import { eventually } from "../support/eventually.ts";
import { type Recorded, startUpstream, type Upstream } from "../support/upstream.ts";
import type { Json } from "../support/upstream/json.ts";
import { listOf, recordOf, textOf } from "../support/upstream/json.ts";
import { claudeProgram, claudeVersion, versionBehaviour } from "./claude-program.ts";

const slowMs = 60_000;
const tenants = ["keyholder", "skilful", "subscriber"] as const;
type Tenant = (typeof tenants)[number];
const keyOf = (name: string): string => `key-of-${name}-0123456789`;
const pixel =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

let upstream: Upstream;
let gateway: RunningBinary;
let dir: string;

beforeAll(async () => {
  upstream = startUpstream({ strict: true });
  dir = mkdtempSync(join(tmpdir(), "claude-environment-"));
  const skill = join(dir, "skills", "skilful", "knots");
  mkdirSync(skill, { recursive: true });
  writeFileSync(
    join(skill, "SKILL.md"),
    "---\nname: knots\ndescription: knows knots\n---\nThe bowline holds.\n",
  );
  const login = join(dir, "login");
  mkdirSync(login, { mode: 0o700 });
  const claudeAiOauth = {
    accessToken: "sk-ant-oat01-dummy",
    refreshToken: "sk-ant-ort01-dummy",
    expiresAt: Date.now() + 86_400_000,
    scopes: ["user:inference"],
    subscriptionType: "max",
  };
  writeFileSync(join(login, ".credentials.json"), JSON.stringify({ claudeAiOauth }), { mode: 0o600 });
  const address = { ANTHROPIC_BASE_URL: upstream.url };
  const paid = { ...address, ANTHROPIC_API_KEY: "sk-ant-dummy" };
  gateway = await startBinary({
    config: {
      cli: { bin: claudeProgram(), warm: 0, parked: { max: 4 }, env: {} },
      skills: { dir: join(dir, "skills") },
      tenants: tenants.map((name) => ({
        name,
        api_key: keyOf(name),
        ...(name === "subscriber" ? { env: address, config_dir: login } : { env: paid }),
      })),
    },
  });
}, openTimeoutMs + 300_000);
afterAll(async () => {
  await gateway?.stop();
  upstream?.stop();
  if (dir) rmSync(dir, { recursive: true, force: true });
});

async function ask(
  tenant: Tenant,
  body: Json,
  script: Parameters<Upstream["script"]>[0] = () => undefined,
): Promise<{ readonly reply: Json; readonly adapted: string }> {
  upstream.reset();
  upstream.script(script);
  const answer = await fetch(`${gateway.url}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": keyOf(tenant) },
    body: JSON.stringify({ model: "claude-cli/opus", max_tokens: 9_000, ...body }),
  });
  const reply = recordOf(await answer.json());
  expect([answer.status, reply["error"]]).toEqual([200, undefined]);
  return { reply, adapted: answer.headers.get("x-clawgate-adapted") ?? "" };
}
const user = (content: unknown): Json => ({ role: "user", content });
const posts = (): readonly Recorded[] =>
  upstream.requests.filter(({ method, path }) => method === "POST" && path.startsWith("/v1/messages"));
const last = (): Recorded => {
  const found = posts().at(-1);
  if (found === undefined) throw new Error("the vendor was not asked");
  return found;
};
const weather = {
  name: "get_weather",
  description: "Weather",
  input_schema: { type: "object", properties: {} },
};

describe.each([...tenants])("the vendor of %s", (tenant) => {
  const isPlain = tenant === "keyholder";

  test(
    "hears no name of ours, and who speaks",
    async () => {
      await ask(tenant, { messages: [user("[[say:hello]]")] });
      const { body, headers } = last();
      const heard = JSON.stringify({ ...body, metadata: null });
      for (const word of [tenant, gateway.dir, "clawgate", "no-tenant"]) expect(heard).not.toContain(word);
      const folder = /Primary working directory: ([^\\"]+)/.exec(heard)?.[1] ?? null;
      console.log(`claude ${claudeVersion}, ${tenant}: ${heard.length} characters, folder ${folder}`);
      if (isPlain || !versionBehaviour.tellsSurroundings) expect(folder).toBeNull();
      else expect(folder).toMatch(/^\/(?:private\/)?(?:var\/)?tmp\/work-[0-9a-f]{10}\/\d+$/);
      expect(textOf(recordOf(listOf(body["system"])[0])["text"])).toStartWith("x-anthropic-billing-header: ");
      expect(headers["authorization"] ?? headers["x-api-key"]).toBe(
        tenant === "subscriber" ? "Bearer sk-ant-oat01-dummy" : "sk-ant-dummy",
      );
      expect(upstream.requests.map(({ breach }) => breach).filter(Boolean)).toEqual([]);
    },
    slowMs,
  );

  test(
    "is shown the tools and the picture of the client, and its thinking comes back",
    async () => {
      const picture = { type: "image", source: { type: "base64", media_type: "image/png", data: pixel } };
      const first = user([
        picture,
        { type: "text", text: "[[think:a plan]][[tool:get_weather {}]][[toolresult]]" },
      ]);
      const asked = { tools: [weather], thinking: { type: "adaptive" } };
      const { reply } = await ask(tenant, { ...asked, messages: [first] });
      const content = listOf(reply["content"]).map(recordOf);
      expect(content.map(({ type }) => type)).toEqual(["thinking", "tool_use"]);
      expect(JSON.stringify(last().body["messages"])).toContain(pixel);
      const result = { type: "tool_result", tool_use_id: content.at(-1)?.["id"], content: "18C" };
      const messages = [first, { role: "assistant", content }, user([result])];
      const next = await ask(tenant, { ...asked, messages });
      expect(JSON.stringify(next.reply["content"])).toContain("result: 18C");
    },
    slowMs,
  );

  test(
    "is offered the skills where there are some",
    async () => {
      await ask(tenant, { messages: [user("[[say:hello]]")], system: "You are X." });
      const { body } = last();
      const names = listOf(body["tools"]).map((tool) => recordOf(tool)["name"]);
      expect(names).toEqual(tenant === "skilful" ? ["Skill"] : []);
      expect(JSON.stringify(body).includes("knows knots")).toBe(tenant === "skilful");
    },
    slowMs,
  );
});

describe("one tool that must be called", () => {
  const forced = { tools: [weather], tool_choice: { type: "tool", name: "get_weather" } };
  const call = versionBehaviour.opusCanStop ? "get_weather" : "StructuredOutput";
  const adaptedBy = (words: string): string => (versionBehaviour.opusCanStop ? "" : words);

  test.each([
    ["named", forced, `[[tool:${call} {"city":"Paris"}]]`],
    ["the only one", { ...forced, tool_choice: { type: "any" } }, `[[tool:${call} {"city":"Paris"}]]`],
  ])(
    "is called by its own name: %s",
    async (_what, more, prompt) => {
      const messages = [user(prompt)];
      const { reply, adapted } = await ask("keyholder", { ...more, messages });
      const content = listOf(reply["content"]).map(recordOf);
      expect(content).toMatchObject([{ type: "tool_use", name: "get_weather", input: { city: "Paris" } }]);
      expect([reply["stop_reason"], adapted]).toEqual(["tool_use", adaptedBy("tool-choice-by-schema")]);
      expect(posts()).toHaveLength(1);
      const result = { type: "tool_result", tool_use_id: content[0]?.["id"], content: "18C" };
      const next = [
        ...messages,
        { role: "assistant", content },
        user([result, { type: "text", text: "[[say:so]]" }]),
      ];
      const after = await ask("keyholder", { tools: [weather], messages: next });
      expect(JSON.stringify(after.reply["content"])).toContain("so");
      if (process.platform === "linux")
        await eventually(() => expect(childrenOf(gateway.dir).length).toBeLessThanOrEqual(4));
    },
    slowMs,
  );

  test(
    "is called in the end by a model that would rather talk",
    async () => {
      if (versionBehaviour.opusCanStop) return;
      const script = (request: Recorded) => {
        if (request.method !== "POST") return undefined;
        const isAskedAgain = JSON.stringify(request.body).includes("MUST call the StructuredOutput tool");
        return isAskedAgain ? { chunks: calling("StructuredOutput", '{"city":"Rome"}') } : undefined;
      };
      const { reply } = await ask("keyholder", { ...forced, messages: [user("[[say:no way]]")] }, script);
      expect(reply["content"]).toMatchObject([
        { type: "tool_use", name: "get_weather", input: { city: "Rome" } },
      ]);
    },
    slowMs,
  );

  test(
    "of several is asked for in words",
    async () => {
      const tools = [weather, { ...weather, name: "get_time" }];
      const body = { tools, tool_choice: { type: "any" }, messages: [user("[[tool:get_time {}]]")] };
      const { reply, adapted } = await ask("keyholder", body);
      expect(reply["content"]).toMatchObject([{ type: "tool_use", name: "get_time" }]);
      expect(adapted).toBe(adaptedBy("tool-choice-in-words"));
    },
    slowMs,
  );

  test.each([
    ["a newer dialect", { $schema: "https://json-schema.org/draft/2020-12/schema" }],
    ["words of others", { "x-order": ["city"] }],
    ["newer words", { dependentRequired: { zip: ["city"] }, unevaluatedProperties: false }],
    ["a broken pattern", { patternProperties: { "(?i)x": {} } }],
    ["references in a circle", { $defs: { a: { $ref: "#/$defs/a" } }, allOf: [{ $ref: "#/$defs/a" }] }],
    ["a reference to nowhere", { allOf: [{ $ref: "#/definitions/none" }] }],
    ["twice the same", { required: ["city", "city"] }],
    ["a format", { properties: { city: { type: "string", format: "date" }, at: { format: "x" } } }],
  ])(
    "whose schema has %s",
    async (_what, more) => {
      const input_schema = { type: "object", properties: { city: { type: "string" } }, ...more };
      const body = { ...forced, tools: [{ ...weather, input_schema }] };
      const messages = [user(`[[tool:${call} {"city":"Paris"}]]`)];
      const { reply } = await ask("keyholder", { ...body, messages });
      expect(reply["content"]).toMatchObject([{ type: "tool_use", name: "get_weather" }]);
      const format = { type: "json_schema", schema: input_schema };
      const json = await ask("keyholder", {
        output_config: { format },
        messages: [user('[[tool:StructuredOutput {"city":"Paris"}]]')],
      });
      expect(json.reply["content"]).toEqual([{ type: "text", text: '{"city":"Paris"}' }]);
    },
    slowMs,
  );
});

test(
  "no tool is left out for what its schema says",
  async () => {
    const properties = (city: unknown): Json => ({ type: "object", properties: { city } });
    const schemas: readonly Json[] = [
      properties({ type: "string" }),
      properties(true),
      properties(null),
      properties([]),
      properties({ type: "array", items: [{}] }),
      properties({ type: "any" }),
      properties({ type: "string", required: true, description: 5 }),
      properties({ minimum: 1, exclusiveMinimum: true }),
      properties({ minLength: -1, oneOf: [], $id: 4 }),
      { ...properties({}), required: ["city", "city"] },
      { type: "object", anyOf: [{ required: ["a"] }], allOf: [{ $ref: "#/definitions/none" }] },
      {
        type: "object",
        properties: { "filter[id]": {}, $select: {}, constructor: {} },
        required: ["$select"],
      },
    ];
    const named = ["ToolSearch", "Bash", "WaitForMcpServers"].map((name) => ({ ...weather, name }));
    const tools = [
      ...schemas.map((input_schema, at) => ({ name: `tool_${at}`, description: "d", input_schema })),
      ...named,
    ];
    await ask("keyholder", { tools, messages: [user("[[say:hello]]")] });
    const shown = listOf(last().body["tools"]).map((tool) => textOf(recordOf(tool)["name"]));
    expect(shown.map((name) => name.replace(/^client_/, "")).toSorted()).toEqual(
      tools.map(({ name }) => name).toSorted(),
    );
  },
  slowMs,
);

test(
  "thinking that is switched off is off, or the header says so and no client sees it",
  async () => {
    const body = { thinking: { type: "disabled" }, messages: [user("[[think:hm]][[say:done]]")] };
    const { reply, adapted } = await ask("keyholder", body);
    expect(reply["content"]).toEqual([{ type: "text", text: "done" }]);
    const { thinking, output_config: output } = last().body;
    if (versionBehaviour.opusCanStop) expect(thinking).toEqual({ type: "disabled" });
    else expect([recordOf(output)["effort"], adapted]).toEqual(["low", "thinking-at-least"]);
  },
  slowMs,
);

/** A message that calls a tool, as the events of a stream. */
function calling(name: string, input: string): string[] {
  const event = (type: string, members: Json): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`;
  const usage = { input_tokens: 10, output_tokens: 1 };
  return [
    event("message_start", {
      message: { id: "msg_call", type: "message", role: "assistant", model: "m", content: [], usage },
    }),
    event("content_block_start", {
      index: 0,
      content_block: { type: "tool_use", id: "toolu_call", name, input: {} },
    }),
    event("content_block_delta", { index: 0, delta: { type: "input_json_delta", partial_json: input } }),
    event("content_block_stop", { index: 0 }),
    event("message_delta", { delta: { stop_reason: "tool_use" }, usage: { output_tokens: 5 } }),
    event("message_stop", {}),
  ];
}
