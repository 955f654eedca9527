// Cursor's bodies at the endpoint of chat completions: the form of Responses, answered in chat chunks, and chat bodies with another
// format's tools and parts mixed in. Over every kind of provider, read by OpenAI's own SDK.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { startUpstream } from "../support/upstream.ts";

const vendor = startUpstream({ strict: true });
let gateway: TestGateway;
let client: OpenAI;
const kinds = { chat: "openai-compat", anth: "anthropic", resp: "openai-responses", goog: "google-genai" };
type Kind = keyof typeof kinds;

beforeAll(async () => {
  const provider = (backend: string) => ({
    backend,
    base_url: vendor.url + (backend === "google-genai" ? "/v1beta" : ""),
    api_key: "k",
    models: ["fake-large"],
    fallback: false,
  });
  gateway = await startTestGateway({
    config: {
      providers: {
        ...Object.fromEntries(Object.entries(kinds).map(([id, backend]) => [id, provider(backend)])),
        openai: {
          ...provider("openai-compat"),
          models: ["gpt-6-sol"],
          quirks: ["openai-tools-without-effort"],
        },
      },
    },
  });
  client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: "none", maxRetries: 0 });
});
afterAll(async () => {
  await gateway.stop();
  vendor.stop();
});

type Body = OpenAI.ChatCompletionCreateParamsNonStreaming;
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const flat = { type: "function", name: "weather", description: "Tells it.", parameters, strict: false };
const nested = { type: "function", function: { name: "clock", parameters } };
const anthropics = { name: "weather", description: "Tells it.", input_schema: parameters };

const whole = (body: object) => client.chat.completions.create(body as Body);

async function streamed(body: object) {
  const stream = await client.chat.completions.create({
    ...(body as Body),
    stream: true,
  } as OpenAI.ChatCompletionCreateParamsStreaming);
  let text = "";
  let input = "";
  let name = "";
  let finish: string | null = null;
  let usage: OpenAI.CompletionUsage | null = null;
  for await (const chunk of stream) {
    expect(chunk.object).toBe("chat.completion.chunk");
    const [choice] = chunk.choices;
    text += choice?.delta.content ?? "";
    name += choice?.delta.tool_calls?.[0]?.function?.name ?? "";
    input += choice?.delta.tool_calls?.[0]?.function?.arguments ?? "";
    finish = choice?.finish_reason ?? finish;
    usage = chunk.usage ?? usage;
  }
  return { text, input, name, finish, usage };
}

describe.each(Object.keys(kinds) as Kind[])("over %s", (model) => {
  const agent = (text: string, more: object = {}) => ({
    model,
    user: "u1",
    input: [
      { role: "system", content: "You are an agent." },
      { role: "user", content: [{ type: "input_text", text }] },
    ],
    tools: [flat],
    reasoning: { effort: "medium", summary: "auto" },
    store: true,
    include: ["reasoning.encrypted_content"],
    ...more,
  });

  test("agent mode: words, whole and streamed", async () => {
    const answer = await whole(agent("[[say:all is well]]"));
    expect(answer.object).toBe("chat.completion");
    expect(answer.choices[0]?.message.content).toBe("all is well");
    const said = await streamed(agent("[[say:all is well]]"));
    expect(said).toMatchObject({ text: "all is well", finish: "stop", usage: null });
    const counted = await streamed(agent("[[say:all is well]]", { stream_options: { include_usage: true } }));
    expect(counted.usage?.prompt_tokens).toBeGreaterThan(0);
  });

  test("agent mode: a call, and the turn behind it", async () => {
    const call = await streamed(agent('[[tool:weather {"city":"Oslo"}]]'));
    expect(call).toMatchObject({ name: "weather", input: '{"city":"Oslo"}', finish: "tool_calls" });
    const history = agent("[[tool:weather {}]] [[then:fine]]").input;
    const answer = await whole({
      ...agent(""),
      input: [
        ...history,
        { type: "function_call", call_id: "call_1", name: "weather", arguments: "{}" },
        { type: "function_call_output", call_id: "call_1", output: "cold" },
      ],
    });
    expect(answer.choices[0]?.message.content).toBe("fine");
  });

  test("items and members in the spelling of chat are understood as well", async () => {
    const answer = await whole({
      model,
      input: [
        { role: "user", content: [{ type: "text", text: "[[tool:clock {}]] [[then:noon]]" }] },
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "call_1", type: "function", function: { name: "clock", arguments: "{}" } }],
        },
        { role: "tool", tool_call_id: "call_1", content: "12" },
      ],
      tools: [nested, flat],
      max_tokens: 50,
    });
    expect(answer.choices[0]?.message.content).toBe("noon");
  });

  test.each([
    ["flat among nested", [nested, flat]],
    ["flat alone", [flat]],
    ["type last", [nested, { name: "weather", parameters, type: "function" }]],
    ["Anthropic's", [nested, anthropics]],
    ["Anthropic's custom", [{ type: "custom", ...anthropics }]],
  ])("ask mode, a chat body with tools: %s", async (_, tools) => {
    const body = {
      model,
      messages: [{ role: "user", content: '[[tool:weather {"city":"Oslo"}]]' }],
      tools,
      tool_choice: { type: "function", name: "weather" },
    };
    const call = await streamed(body);
    expect(call).toMatchObject({ name: "weather", input: '{"city":"Oslo"}', finish: "tool_calls" });
    const answer = await whole({ ...body, tool_choice: "auto" });
    expect(answer.choices[0]?.message.tool_calls?.[0]).toMatchObject({ function: { name: "weather" } });
  });

  test("parts of Responses in a chat body", async () => {
    const image = `data:image/png;base64,${Buffer.from("pixels").toString("base64")}`;
    const answer = await whole({
      model,
      messages: [
        { role: "user", content: [{ type: "input_text", text: "hello" }] },
        { role: "assistant", content: [{ type: "output_text", text: "yes" }] },
        {
          role: "user",
          content: [
            { type: "text", text: "[[images]]" },
            { type: "input_image", image_url: image },
          ],
        },
      ],
    });
    expect(answer.choices[0]?.message.content).toContain("images: 6");
  });
});

test("an ordinary body goes up byte for byte, tools and all", async () => {
  const body = `{"model":"fake-large", "messages":[{"role":"user","content":"[[say:hi]] \\"function\\" \\"input_schema\\""}], "tools":[{"type": "function", "function":{"name":"clock","parameters":{"type":"object","properties":{"function":{"type":"string","enum":["a"]}}}}}]}`;
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: body.replace("fake-large", "chat/fake-large"),
  });
  expect(answer.status).toBe(200);
  expect(vendor.requests.at(-1)?.rawBody.replaceAll(/\s/g, "")).toBe(body.replaceAll(/\s/g, ""));
});

describe("a tool whose input is free text", () => {
  const format = { type: "grammar", syntax: "lark", definition: "start: /a/" };
  const flatText = { type: "custom", name: "ApplyPatch", description: "Edits.", format };
  const nestedText = {
    type: "custom",
    custom: {
      name: "ApplyPatch",
      description: "Edits.",
      format: { type: "grammar", grammar: { syntax: "lark", definition: "start: /a/" } },
    },
  };
  const patch = '*** Begin Patch\n*** Add File: "a"\n+x\n*** End Patch';
  const said = `[[tool:ApplyPatch ${JSON.stringify({ input: patch })}]]`;
  const shapes = {
    "a chat body, flat": { messages: [{ role: "user", content: said }], tools: [nested, flatText] },
    "a chat body, nested": { messages: [{ role: "user", content: said }], tools: [nestedText, nested] },
    "a Responses body": { input: [{ role: "user", content: said }], tools: [flat, flatText] },
  };
  type Piece = {
    readonly type?: string;
    readonly custom?: { readonly name?: string; readonly input?: string };
    readonly function?: { readonly name?: string; readonly arguments?: string };
  };
  const callPieces = (text: string): Piece[] =>
    text
      .split("\n")
      .filter((line) => line.startsWith("data: {"))
      .flatMap((line) => {
        const { choices } = JSON.parse(line.slice(6)) as { choices: { delta: { tool_calls?: Piece[] } }[] };
        return choices[0]?.delta.tool_calls ?? [];
      });

  describe.each(Object.entries(shapes))("%s", (_, body) => {
    test.each(Object.keys(kinds))(
      "over %s: the bare text comes back, in both places that clients look at",
      async (model) => {
        const answer = await whole({ model, ...body });

        expect(answer.choices[0]?.finish_reason).toBe("tool_calls");
        const call: object | undefined = answer.choices[0]?.message.tool_calls?.[0];
        expect(call).toMatchObject({
          type: "custom",
          custom: { name: "ApplyPatch", input: patch },
          function: { name: "ApplyPatch", arguments: patch },
        });
        const stream = await fetch(`${gateway.url}/v1/chat/completions`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ model, ...body, stream: true }),
        });
        const heard = { type: "", custom: { name: "", input: "" }, function: { name: "", arguments: "" } };
        for (const piece of callPieces(await stream.text())) {
          heard.type += piece.type ?? "";
          heard.custom.name += piece.custom?.name ?? "";
          heard.custom.input += piece.custom?.input ?? "";
          heard.function.name += piece.function?.name ?? "";
          heard.function.arguments += piece.function?.arguments ?? "";
        }
        expect(heard).toEqual({
          type: "custom",
          custom: { name: "ApplyPatch", input: patch },
          function: { name: "ApplyPatch", arguments: patch },
        });
      },
    );
  });

  test.each(["chat", "anth", "goog"])(
    "over %s: the grammar reaches the model, and the model's own text comes back",
    async (model) => {
      for (const called of [
        { type: "custom", custom: { name: "ApplyPatch", input: patch } },
        { type: "function", function: { name: "ApplyPatch", arguments: patch } },
      ]) {
        const answer = await whole({
          model,
          messages: [
            { role: "user", content: "[[then:done]]" },
            { role: "assistant", content: null, tool_calls: [{ id: "call_1", ...called }] },
            { role: "tool", tool_call_id: "call_1", content: "ok" },
          ],
          tools: [nestedText],
          tool_choice: { type: "custom", name: "ApplyPatch" },
        });
        expect(answer.choices).toHaveLength(1);
        const sent = JSON.stringify(vendor.requests.at(-1)?.body);
        expect(sent).toContain("must follow this lark grammar");
        expect(sent).not.toContain('"custom"');
        // As the argument `input`, in whatever way the format spells arguments.
        expect(sent.replaceAll("\\", "")).toContain(
          JSON.stringify({ input: patch }).replaceAll("\\", "").slice(1, -1),
        );
      }
    },
  );

  test("a model that takes them gets them as they are", async () => {
    await whole({
      model: "openai",
      messages: [{ role: "user", content: "hi" }],
      tools: [flatText, nested],
    }).catch(() => undefined);
    expect(vendor.requests.at(-1)?.body["tools"]).toEqual([nestedText, nested]);
  });
});

test("neither messages nor input: the endpoint names what it takes", async () => {
  const failure = await whole({ model: "chat" }).catch((thrown: unknown) => thrown);
  expect(String(failure)).toContain("messages");
});
