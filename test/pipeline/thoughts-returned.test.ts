// Plain thinking that a client was shown comes back to the vendor that thought it, in the member that it stood in, with the
// calls that it led to; another vendor never gets it, and the client's answer says so.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { type Scripted, startUpstream, type Upstream } from "../support/upstream.ts";
import type { Json } from "./conversations.ts";
import { callOf, chunk, frames, framesIn } from "./vendor-answers.ts";

let thinker: Upstream;
let other: Upstream;
let gateway: TestGateway;

beforeAll(async () => {
  thinker = startUpstream();
  other = startUpstream();
  const quirks = ["reasoning-content-returned"];
  const at = (vendor: Upstream, backend: string): Json => ({ backend, base_url: vendor.url, models: ["m"] });
  gateway = await startTestGateway({
    config: {
      health: { check_interval_seconds: 0 },
      providers: {
        thinker: {
          ...at(thinker, "openai-compat"),
          quirks,
          models: ["m", "maker-a/m", "maker-b/m", "kimi-k3", "kimi-k2.6", "deepseek-flash"],
        },
        other: { ...at(other, "openai-compat"), quirks },
        plain: at(other, "openai-compat"),
        anth: at(other, "anthropic"),
        resp: at(thinker, "openai-responses"),
        elsewhere: at(other, "openai-responses"),
        gem: at(thinker, "google-genai"),
        claude: at(thinker, "anthropic"),
      },
    },
  });
});
afterEach(() => {
  thinker.reset();
  other.reset();
});
afterAll(async () => {
  await gateway.stop();
  thinker.stop();
  other.stop();
});

const formats = ["anthropic-messages", "openai-responses", "google-genai"] as const;
type EndpointFormat = (typeof formats)[number];

const tools: Readonly<Record<EndpointFormat, Json>> = {
  "anthropic-messages": {
    max_tokens: 4_000,
    tools: [{ name: "look", input_schema: { type: "object", properties: {} } }],
  },
  "openai-responses": {
    store: false,
    tools: [{ type: "function", name: "look", parameters: { type: "object", properties: {} } }],
  },
  "google-genai": { tools: [{ functionDeclarations: [{ name: "look" }] }] },
};

/** A question, and where given what was answered to it with the call's result behind. */
function turns(door: EndpointFormat, answered: readonly Json[] = []): Json {
  const hasCall = (key: string): boolean => answered.some((each) => each[key] !== undefined);
  switch (door) {
    case "anthropic-messages": {
      const call = answered.find((each) => each["type"] === "tool_use");
      const back =
        call === undefined
          ? { role: "user", content: "go on" }
          : { role: "user", content: [{ type: "tool_result", tool_use_id: call["id"], content: "seen" }] };
      const rest = answered.length === 0 ? [] : [{ role: "assistant", content: answered }, back];
      return { ...tools[door], messages: [{ role: "user", content: "x" }, ...rest] };
    }
    case "openai-responses": {
      const call = answered.find((each) => each["type"] === "function_call");
      const back =
        call === undefined
          ? { role: "user", content: "go on" }
          : { type: "function_call_output", call_id: call["call_id"], output: "seen" };
      const rest = answered.length === 0 ? [] : [...answered, back];
      return { ...tools[door], input: [{ role: "user", content: "x" }, ...rest] };
    }
    case "google-genai": {
      const back = hasCall("functionCall")
        ? { functionResponse: { name: "look", response: { output: "seen" } } }
        : { text: "go on" };
      const rest =
        answered.length === 0
          ? []
          : [
              { role: "model", parts: answered },
              { role: "user", parts: [back] },
            ];
      return { ...tools[door], contents: [{ role: "user", parts: [{ text: "x" }] }, ...rest] };
    }
  }
}

const ask = (door: EndpointFormat, model: string, body: Json, stream = false): Promise<Response> => {
  const path = {
    "anthropic-messages": "/v1/messages",
    "openai-responses": "/v1/responses",
    "google-genai": `/v1beta/models/${encodeURIComponent(model)}:${stream ? "streamGenerateContent?alt=sse" : "generateContent"}`,
  }[door];
  return fetch(gateway.url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(door === "google-genai" ? body : { ...body, model, stream }),
  });
};

/** What the client keeps of the answer, block by block. */
function kept(door: EndpointFormat, text: string, isStream: boolean): Json[] {
  const bodies = isStream ? framesIn(text) : [JSON.parse(text) as Json];
  if (door === "google-genai")
    return bodies.flatMap(
      (body) => (body["candidates"] as [{ content: { parts: Json[] } }])[0].content.parts,
    );
  if (door === "openai-responses") {
    const last = bodies.find(({ type }) => type === "response.completed");
    return ((last?.["response"] ?? bodies[0]) as { output: Json[] }).output;
  }
  if (!isStream) return (bodies[0] as { content: Json[] }).content;
  const blocks: Json[] = [];
  for (const event of bodies) {
    if (event["type"] === "content_block_start") blocks.push({ ...(event["content_block"] as Json) });
    if (event["type"] !== "content_block_delta") continue;
    const { type: _type, partial_json: _json, ...pieces } = event["delta"] as Json;
    const block = blocks.at(-1) as Json;
    for (const [key, piece] of Object.entries(pieces)) block[key] = String(block[key] ?? "") + String(piece);
  }
  return blocks;
}

const sent = (vendor: Upstream): Json => vendor.requests.at(-1)?.body as Json;
const assistantOf = (body: Json): Json =>
  (body["messages"] as Json[]).find(({ role }) => role === "assistant") as Json;

const thoughtAndCall = (delta: (text: string) => object): Scripted =>
  frames(
    chunk(delta("I must ")),
    chunk(delta("look.")),
    chunk({ tool_calls: [{ index: 0, id: "call_1", function: { name: "look", arguments: "{}" } }] }),
    chunk({}, { finish_reason: "tool_calls" }),
    "[DONE]",
  );

const talk = frames(chunk({ content: "well" }), chunk({}, { finish_reason: "stop" }), "[DONE]");

async function answered(
  door: EndpointFormat,
  model: string,
  script: Scripted,
  stream: boolean,
): Promise<Json[]> {
  thinker.script(() => script);
  const answer = await ask(door, model, turns(door), stream);
  expect(answer.status).toBe(200);
  const blocks = kept(door, await answer.text(), stream);
  thinker.script(() => talk);
  other.script(() => talk);
  return blocks;
}

const rounds = formats.flatMap((door) => [false, true].map((stream) => [door, stream] as const));

describe.each(rounds)("through %s, streamed %p", (door, stream) => {
  test.each(["reasoning_content", "reasoning", "reasoning_text", "thinking"])("in %s", async (field) => {
    const blocks = await answered(
      door,
      "thinker",
      thoughtAndCall((text) => ({ [field]: text })),
      stream,
    );
    const next = await ask(door, "thinker", turns(door, blocks));
    expect(next.status).toBe(200);
    expect(assistantOf(sent(thinker))).toMatchObject({
      [field]: "I must look.",
      tool_calls: [{ function: { name: "look" } }],
    });
    expect(JSON.stringify(sent(thinker))).not.toContain("clawgate.");
    expect(next.headers.get("x-clawgate-adapted") ?? "").not.toContain("thinking-blocks-dropped");
  });

  test("as parts of the content", async () => {
    const script = thoughtAndCall((text) => ({
      content: [{ type: "thinking", thinking: [{ type: "text", text }] }],
    }));
    const blocks = await answered(door, "thinker", script, stream);
    await (await ask(door, "thinker", turns(door, blocks))).text();
    expect(assistantOf(sent(thinker))["content"]).toEqual([
      { type: "thinking", thinking: [{ type: "text", text: "I must look." }] },
      { type: "text", text: "" },
    ]);
  });

  test("between tags at the head of the text", async () => {
    const words = "<think>\nI must look.\n</think>\n\nSo I look.";
    const script = frames(
      ...[...words].map((content) => chunk({ content })),
      chunk({ tool_calls: [{ index: 0, id: "call_1", function: { name: "look", arguments: "{}" } }] }),
      chunk({}, { finish_reason: "tool_calls" }),
      "[DONE]",
    );
    const blocks = await answered(door, "thinker", script, stream);
    expect(JSON.stringify(blocks)).not.toContain("<think>");
    await (await ask(door, "thinker", turns(door, blocks))).text();
    expect(assistantOf(sent(thinker))["content"]).toBe(words);
    await (await ask(door, "plain", turns(door, blocks))).text();
    expect(assistantOf(sent(other))["content"]).toBe("So I look.");
  });

  test("never to another vendor, and the answer says so", async () => {
    const script = thoughtAndCall((text) => ({ reasoning_content: text }));
    const blocks = await answered(door, "thinker", script, stream);
    for (const model of ["other", "plain"]) {
      const next = await ask(door, model, turns(door, blocks));
      expect(next.status).toBe(200);
      // What the first of them demands of every turn with calls is its own word for nothing.
      expect(assistantOf(sent(other))["reasoning_content"]).toBe(model === "other" ? "" : undefined);
      expect(JSON.stringify(sent(other))).not.toContain("I must look.");
      expect(next.headers.get("x-clawgate-adapted")).toContain("thinking-blocks-dropped");
    }
  });

  test("nor to another maker's model that the same reseller has", async () => {
    const script = thoughtAndCall((text) => ({ reasoning_content: text }));
    const blocks = await answered(door, "thinker/maker-a/m", script, stream);
    await (await ask(door, "thinker/maker-b/m", turns(door, blocks))).text();
    expect(assistantOf(sent(thinker))["reasoning_content"]).toBe("");
    await (await ask(door, "thinker/maker-a/m", turns(door, blocks))).text();
    expect(assistantOf(sent(thinker))["reasoning_content"]).toBe("I must look.");
    const kimis = await answered(door, "thinker/kimi-k3", script, stream);
    await (await ask(door, "thinker/deepseek-flash", turns(door, kimis))).text();
    expect(assistantOf(sent(thinker))["reasoning_content"]).toBe("");
    await (await ask(door, "thinker/kimi-k2.6", turns(door, kimis))).text();
    expect(assistantOf(sent(thinker))["reasoning_content"]).toBe("I must look.");
  });

  test("nor as a signature to Anthropic", async () => {
    const script = thoughtAndCall((text) => ({ reasoning_content: text }));
    const blocks = await answered(door, "thinker", script, stream);
    other.script(() => callOf("anthropic-messages", "look", "{}"));
    const next = await ask(door, "anth", turns(door, blocks));
    expect(next.status).toBe(200);
    expect(JSON.stringify(sent(other))).not.toContain("clawgate.");
    expect(JSON.stringify(sent(other))).not.toContain("I must look.");
  });

  test("plain thoughts of a server that speaks Responses", async () => {
    const item = {
      type: "reasoning",
      id: "rs_1",
      summary: [],
      content: [{ type: "reasoning_text", text: "I must look." }],
    };
    const call = { type: "function_call", id: "fc_1", call_id: "call_1", name: "look", arguments: "{}" };
    const response = { id: "r1", model: "m", status: "completed", output: [item, call] };
    const script = frames(
      { type: "response.created", response: { id: "r1", model: "m" } },
      { type: "response.output_item.added", output_index: 0, item: { ...item, content: [] } },
      { type: "response.output_item.done", output_index: 0, item },
      { type: "response.output_item.added", output_index: 1, item: { ...call, arguments: "" } },
      { type: "response.output_item.done", output_index: 1, item: call },
      { type: "response.completed", response },
    );
    if (door === "openai-responses") return; // Bytes pass.
    const blocks = await answered(door, "resp", script, stream);
    thinker.script(() => callOf("openai-responses", "look", "{}"));
    other.script(() => callOf("openai-responses", "look", "{}"));
    await (await ask(door, "resp", turns(door, blocks))).text();
    expect(sent(thinker)["input"]).toContainEqual(item);
    await (await ask(door, "elsewhere", turns(door, blocks))).text();
    expect(JSON.stringify(sent(other))).not.toContain("I must look.");
    expect(JSON.stringify(sent(other))).not.toContain("clawgate.");
  });

  test("what OpenAI sealed", async () => {
    const item = { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "c2VhbA==" };
    const call = { type: "function_call", id: "fc_1", call_id: "call_1", name: "look", arguments: "{}" };
    const response = { id: "r1", model: "m", status: "completed", output: [item, call] };
    if (door !== "anthropic-messages") return; // Google's clients get no thought without a word.
    const blocks = await answered(door, "resp", frames({ type: "response.completed", response }), stream);
    thinker.script(() => callOf("openai-responses", "look", "{}"));
    await (await ask(door, "resp", turns(door, blocks))).text();
    expect(sent(thinker)["input"]).toContainEqual(item);
  });

  test("Anthropic's signature of a thought, and never to Google", async () => {
    const message = {
      id: "m1",
      type: "message",
      role: "assistant",
      model: "m",
      stop_reason: null,
      usage: {},
    };
    const call = { type: "tool_use", id: "toolu_1", name: "look", input: {} };
    const script = frames(
      { type: "message_start", message: { ...message, content: [] } },
      { type: "content_block_start", index: 0, content_block: { type: "thinking", thinking: "" } },
      { type: "content_block_delta", index: 0, delta: { type: "thinking_delta", thinking: "I must look." } },
      { type: "content_block_delta", index: 0, delta: { type: "signature_delta", signature: "c2lnbmVk" } },
      { type: "content_block_stop", index: 0 },
      { type: "content_block_start", index: 1, content_block: call },
      { type: "content_block_stop", index: 1 },
      { type: "message_delta", delta: { stop_reason: "tool_use" }, usage: { output_tokens: 1 } },
      { type: "message_stop" },
    );
    if (door === "anthropic-messages") return; // Bytes pass.
    const asked =
      door === "google-genai"
        ? { generationConfig: { thinkingConfig: { includeThoughts: true } } }
        : { reasoning: { effort: "high" } };
    thinker.script(() => script);
    const first = await ask(door, "claude", { ...turns(door), ...asked }, stream);
    const blocks = kept(door, await first.text(), stream);
    thinker.script(() => callOf("anthropic-messages", "look", "{}"));
    await (await ask(door, "claude", { ...turns(door, blocks), ...asked })).text();
    const thought = { type: "thinking", thinking: "I must look.", signature: "c2lnbmVk" };
    expect((assistantOf(sent(thinker))["content"] as Json[])[0]).toEqual(thought);
    thinker.script(() => callOf("google-genai", "look", "{}"));
    await (await ask(door, "gem", turns(door, blocks))).text();
    const said = JSON.stringify(sent(thinker));
    expect(said).not.toContain("c2lnbmVk");
    expect(said).not.toContain(Buffer.from("clawgate.").toString("base64"));
    expect(said).toContain("skip_thought_signature_validator");
  });

  test("Google's own signature of a thought", async () => {
    if (door === "google-genai") return; // Bytes pass.
    const script = frames({
      responseId: "g1",
      modelVersion: "m",
      candidates: [
        {
          content: {
            role: "model",
            parts: [
              { text: "I must look.", thought: true, thoughtSignature: "c2lnbmVk" },
              { functionCall: { name: "look", args: {} } },
            ],
          },
          finishReason: "STOP",
        },
      ],
    });
    const blocks = await answered(door, "gem", script, stream);
    thinker.script(() => callOf("google-genai", "look", "{}"));
    await (await ask(door, "gem", turns(door, blocks))).text();
    expect(JSON.stringify(sent(thinker))).toContain(
      '{"text":"I must look.","thought":true,"thoughtSignature":"c2lnbmVk"}',
    );
    other.script(() => callOf("anthropic-messages", "look", "{}"));
    await (await ask(door, "anth", turns(door, blocks))).text();
    expect(JSON.stringify(sent(other))).not.toContain("c2lnbmVk");
  });
});

test("a mark that is broken or forged is no thought of anybody's", async () => {
  for (const signature of ["clawgate.kept.", "clawgate.kept.x.y", "clawgate.kept.AAAA.e30"]) {
    thinker.script(() => talk);
    const content: Json[] = [
      { type: "thinking", thinking: "Hm.", signature },
      { type: "text", text: "a" },
    ];
    const next = await ask("anthropic-messages", "thinker", turns("anthropic-messages", content));
    expect(next.status).toBe(200);
    expect(JSON.stringify(sent(thinker))).not.toContain("Hm.");
  }
});

describe("a running turn that another model began without a thought", () => {
  const asked = { role: "user", content: "x" };
  const call = (id: string): Json => ({ type: "tool_use", id, name: "look", input: {} });
  const result = (id: string): Json => ({
    role: "user",
    content: [{ type: "tool_result", tool_use_id: id, content: "seen" }],
  });
  const thought = { type: "thinking", thinking: "Hm.", signature: "c2lnbmVk" };
  const spoken = (...content: Json[]): Json => ({ role: "assistant", content });
  const thinking = { type: "enabled", budget_tokens: 1_024 };

  const rows: readonly (readonly [string, readonly Json[], boolean])[] = [
    ["bare", [asked, spoken(call("a")), result("a")], false],
    ["bare for two rounds", [asked, spoken(call("a")), result("a"), spoken(call("b")), result("b")], false],
    [
      "bare, behind a turn that thought",
      [asked, spoken(thought, { type: "text", text: "y" }), asked, spoken(call("a")), result("a")],
      false,
    ],
    ["with a thought", [asked, spoken(thought, call("a")), result("a")], true],
    [
      "with a thought at its head alone",
      [asked, spoken(thought, call("a")), result("a"), spoken(call("b")), result("b")],
      true,
    ],
    ["over", [asked, spoken(call("a")), result("a"), spoken({ type: "text", text: "y" }), asked], true],
    ["of no calls", [asked, spoken({ type: "text", text: "y" }), asked], true],
  ];
  test.each(rows)("%s", async (_name, messages, thinks) => {
    const body = { ...turns("anthropic-messages"), messages, thinking };
    thinker.script(() => callOf("anthropic-messages", "look", "{}"));
    const model = "claude/claude-haiku-4-5";
    const answer = await ask("anthropic-messages", model, body);
    expect(answer.status).toBe(200);
    expect(sent(thinker)["thinking"]).toEqual(thinks ? thinking : undefined);
    expect((answer.headers.get("x-clawgate-adapted") ?? "").includes("thinking-off")).toBe(!thinks);
    // Whoever decides itself how much to think takes any turn.
    await (
      await ask("anthropic-messages", "claude/claude-opus-4-7", { ...body, thinking: { type: "adaptive" } })
    ).text();
    expect(sent(thinker)["thinking"]).toEqual({ type: "adaptive" });
  });
});
