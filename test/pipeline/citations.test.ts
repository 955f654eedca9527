// What an answer's text cites reaches every client in the place that its format has for it, streamed and whole; what can only be
// said to the vendor that said it is named.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import type { DialectName } from "../../src/canon/request.ts";
import type { Scripted } from "../support/upstream.ts";
import type { Json } from "./conversations.ts";
import { callOf, chunk, frames, framesIn, openVendorSetup, type VendorSetup } from "./vendor-answers.ts";

let stand: VendorSetup;
beforeAll(async () => void (stand = await openVendorSetup()));
afterEach(() => stand.vendor.reset());
afterAll(() => stand.stop());

const text = "Ökonomen sagen: Oslo.";
const page = { url: "https://a.example/p", title: "A page" };
/** "Oslo", in units and in bytes. */
const [start, end] = [16, 20] as const;
const segment = { startIndex: 17, endIndex: 21, text: "Oslo" };

const anthropicBlocks = (citation: Json): Scripted =>
  frames(
    { type: "message_start", message: { id: "m1", model: "m", usage: { input_tokens: 1 } } },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "", citations: [] } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text } },
    { type: "content_block_delta", index: 0, delta: { type: "citations_delta", citation } },
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 2 } },
    { type: "message_stop" },
  );

const annotated = { type: "url_citation", ...page, start_index: start, end_index: end };
const part = { type: "output_text", text, annotations: [annotated], logprobs: [] };
const item = { type: "message", id: "msg_1", role: "assistant", status: "completed", content: [part] };
const { start_index: _start, end_index: _end, ...placeless } = annotated;

const said: readonly (readonly [string, DialectName, Scripted, boolean])[] = [
  [
    "Anthropic's search",
    "anthropic-messages",
    anthropicBlocks({ type: "web_search_result_location", ...page, cited_text: "x", encrypted_index: "e" }),
    false,
  ],
  [
    "a search result of the client's own",
    "anthropic-messages",
    anthropicBlocks({ type: "search_result_location", source: page.url, title: page.title, cited_text: "x" }),
    false,
  ],
  [
    "OpenAI's Responses",
    "openai-responses",
    frames(
      { type: "response.created", response: { id: "r1", model: "m" } },
      { type: "response.output_item.added", output_index: 0, item: { ...item, content: [] } },
      { type: "response.output_text.delta", output_index: 0, content_index: 0, delta: text },
      { type: "response.output_item.done", output_index: 0, item },
      { type: "response.completed", response: { id: "r1", model: "m", status: "completed", output: [item] } },
    ),
    true,
  ],
  [
    "OpenAI's chat",
    "openai-chat",
    frames(
      chunk({ content: text }),
      chunk({ annotations: [{ type: "url_citation", url_citation: annotated }] }),
      chunk({}, { finish_reason: "stop" }),
      "[DONE]",
    ),
    true,
  ],
  [
    "addresses beside the choices",
    "openai-chat",
    frames(
      { ...chunk({ content: text }), citations: [page.url] },
      { ...chunk({}, { finish_reason: "stop" }), citations: [page.url], search_results: [page] },
      "[DONE]",
    ),
    false,
  ],
  [
    "Google's grounding",
    "google-genai",
    frames(
      {
        responseId: "g1",
        modelVersion: "m",
        candidates: [{ content: { role: "model", parts: [{ text }] } }],
      },
      {
        candidates: [
          {
            content: { role: "model", parts: [] },
            finishReason: "STOP",
            groundingMetadata: {
              groundingChunks: [{ web: { uri: page.url, title: page.title } }],
              groundingSupports: [{ segment, groundingChunkIndices: [0] }],
            },
          },
        ],
      },
    ),
    true,
  ],
];

const asked: Readonly<Record<DialectName, Json>> = {
  "openai-chat": { messages: [{ role: "user", content: "x" }] },
  "anthropic-messages": { max_tokens: 100, messages: [{ role: "user", content: "x" }] },
  "openai-responses": { input: [{ role: "user", content: "x" }], store: false },
  "google-genai": { contents: [{ role: "user", parts: [{ text: "x" }] }] },
};
const names = Object.keys(asked) as DialectName[];

/** Each object in the answer that holds the members. */
function holding(value: unknown, key: string, found: Json[] = []): Json[] {
  if (Array.isArray(value)) for (const each of value) holding(each, key, found);
  else if (typeof value === "object" && value !== null) {
    if (Object.hasOwn(value, key)) found.push(value as Json);
    for (const each of Object.values(value)) holding(each, key, found);
  }
  return found;
}

describe.each(said)("%s", (_, at, script, hasPlace) => {
  const others = names.filter((door) => door !== at);
  test.each(others.flatMap((door) => [false, true].map((stream) => [door, stream] as const)))(
    "at the endpoint of %s, streamed %p",
    async (door, stream) => {
      stand.vendor.script(() => script);
      const answer = await stand.ask(door, at, asked[door], stream);
      expect(answer.status).toBe(200);
      const body = await answer.text();
      const told: unknown = stream ? framesIn(body) : JSON.parse(body);
      const place = hasPlace
        ? { start_index: start, end_index: end }
        : { start_index: 0, end_index: text.length };
      switch (door) {
        case "openai-chat":
          expect(holding(told, "annotations").at(-1)?.["annotations"]).toEqual([
            { type: "url_citation", url_citation: { ...page, ...place } },
          ]);
          break;
        case "openai-responses":
          expect(holding(told, "annotations").at(-1)?.["annotations"]).toEqual([{ ...placeless, ...place }]);
          if (stream) expect(body).toContain("response.output_text.annotation.added");
          break;
        case "anthropic-messages":
          expect(holding(told, "encrypted_index")).toMatchObject([
            { type: "web_search_result_location", ...page },
          ]);
          break;
        case "google-genai":
          expect(holding(told, "groundingMetadata")).toMatchObject([
            {
              groundingMetadata: {
                groundingChunks: [{ web: { uri: page.url, title: page.title } }],
                groundingSupports: [{ groundingChunkIndices: [0], segment: hasPlace ? segment : { text } }],
              },
            },
          ]);
      }
    },
  );
});

test("our own form of a citation never reaches Anthropic, whose text stays", async () => {
  stand.vendor.script(() => said[3]?.[2]);
  const first = await stand.ask("anthropic-messages", "openai-chat", asked["anthropic-messages"], false);
  const { content } = (await first.json()) as { content: Json[] };
  const body = {
    max_tokens: 100,
    messages: [
      { role: "user", content: "x" },
      { role: "assistant", content },
      { role: "user", content: "go on" },
    ],
  };
  stand.vendor.script(() => callOf("anthropic-messages", "f", "{}"));
  const next = await stand.ask("anthropic-messages", "anthropic-messages", body, true);
  expect(next.status).toBe(200);
  await next.text();
  expect(JSON.stringify(stand.sent())).toContain("Oslo");
  expect(JSON.stringify(stand.sent())).not.toContain("clawgate");
});

test.each([
  [
    "a text of the past",
    [{ role: "assistant", content: [{ type: "text", text, citations: [{ type: "char_location" }] }] }],
  ],
  [
    "a document that asks for them",
    [
      {
        role: "user",
        content: [
          {
            type: "document",
            source: { type: "text", media_type: "text/plain", data: "d" },
            citations: { enabled: true },
          },
        ],
      },
    ],
  ],
])("%s: other formats have no place, which is told", async (_, messages) => {
  const body = {
    max_tokens: 100,
    messages: [{ role: "user", content: "x" }, ...messages, { role: "user", content: "y" }],
  };
  for (const at of ["openai-chat", "openai-responses", "google-genai"] as const) {
    stand.vendor.script(() => callOf(at, "f", "{}"));
    const answer = await stand.ask("anthropic-messages", at, body, false);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-clawgate-adapted")).toContain("citations-dropped");
  }
});

test.each(["openai-chat", "openai-responses"] as const)(
  "what an earlier answer cites is named where it is left behind, from %s",
  async (door) => {
    const url_citation = { type: "url_citation", ...page, start_index: 0, end_index: 4 };
    const body: Json =
      door === "openai-chat"
        ? {
            messages: [
              { role: "user", content: "x" },
              { role: "assistant", content: text, annotations: [{ type: "url_citation", url_citation }] },
              { role: "user", content: "y" },
            ],
          }
        : {
            store: false,
            input: [
              { role: "user", content: "x" },
              { role: "assistant", content: [{ type: "output_text", text, annotations: [url_citation] }] },
              { role: "user", content: "y" },
            ],
          };
    stand.vendor.script(() => callOf("anthropic-messages", "f", "{}"));
    const answer = await stand.ask(door, "anthropic-messages", body, false);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-clawgate-adapted")).toContain("citations-dropped");
    expect(JSON.stringify(stand.sent())).toContain("Oslo");
  },
);
