// What a client may not send is refused in the same words whether its body would pass as bytes or be translated.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { startUpstream } from "../support/upstream.ts";
import { goodAnswer } from "./test-pipeline.ts";

const vendor = startUpstream();
let gateway: TestGateway;

beforeAll(async () => {
  vendor.script(goodAnswer);
  const provider = (backend: string): object => ({
    backend,
    base_url: vendor.url,
    api_key: "vendor-key",
    models: ["fake-large"],
  });
  gateway = await startTestGateway({
    config: {
      health: { check_interval_seconds: 0 },
      providers: {
        express: provider("openai-compat"),
        hub: provider("anthropic"),
        adapted: {
          ...provider("openai-compat"),
          models: [{ id: "fake-small", takes: { sampling: "none" } }],
        },
        demo: { backend: "demo", model: "demo" },
      },
    },
  });
});
afterAll(async () => {
  await gateway.stop();
  vendor.stop();
});

type Answer = { readonly status: number; readonly error: { param: string | null; message: string } | null };

/** `members` is JSON text: what follows `model` and `messages` in the body, or stands in their place. */
async function ask(provider: string, members: string): Promise<Answer & { readonly answer: Response }> {
  const messages = members.includes('"messages"') ? "" : ',"messages":[{"role":"user","content":"hi"}]';
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-clawgate-fallback": "off" },
    body: `{"model":"${provider}"${messages},${members}}`,
  });
  const body = answer.status === 200 ? null : ((await answer.json()) as { error: Answer["error"] });
  if (body === null) await answer.body?.cancel();
  return { status: answer.status, error: body?.error ?? null, answer };
}

const positive = ["0", "-1", "1.5", "1e400", '"5"', "true", "[]", "{}"];
const outside = (least: number, most: number): readonly string[] =>
  [least - 0.1, most + 0.001, "1e3", "-1e-9", '"1"', "false", "[1]", '{"a":1}'].map(String);
const wrong: Readonly<Record<string, readonly string[]>> = {
  max_tokens: [...positive, "9007199254740993"],
  max_completion_tokens: positive,
  n: [...positive, "129"],
  seed: ["1.5", '"7"', "true", "[]", "{}"],
  temperature: outside(0, 2),
  top_p: outside(0, 1),
  tools: ["{}", '"none"', "5", "true"],
  tool_choice: ["5", "true", "[]"],
  stop: ["5", "true", "{}", '{"a":"a text that is longer than what an error message may show of a value"}'],
  response_format: ["[]", '"json"', "1", "false"],
  metadata: ["[]", '"a"', "1"],
  audio: ["[]", '"a"'],
  modalities: ["{}", '"text"'],
  parallel_tool_calls: ["1", '"true"', "[]"],
  logprobs: ["0", "[]"],
  store: ["1", '"yes"', "{}"],
  user: ["5", "true", "[]", "{}"],
  safety_identifier: ["5", "[]"],
  reasoning_effort: ["5", "true", "[]", '{"effort":"low"}'],
  stream_options: ["true", '"usage"', "[]"],
  messages: ["{}", '"hi"', "5", "[]", "null"],
};

describe.each(Object.entries(wrong))("%s", (member, values) => {
  test.each([...values])("must not be %s", async (value) => {
    const express = await ask("express", `"${member}":${value}`);
    const hub = await ask("hub", `"${member}":${value}`);
    expect(express).toMatchObject({ status: 400, error: { param: member } });
    expect({ status: express.status, error: express.error }).toEqual({
      status: hub.status,
      error: hub.error,
    });
  });
});

test("a member of a member, an escaped name, and a stream are refused alike", async () => {
  for (const [members, param] of [
    ['"stream_options":{"include_usage":1}', "stream_options.include_usage"],
    ['"stream":true,"stream_options":{"include_usage":"yes"}', "stream_options.include_usage"],
    ['"t\\u0065mperature":3', "temperature"],
    ['"stream":true,"top_p":2', "top_p"],
  ] as const) {
    const express = await ask("express", members);
    expect(express).toMatchObject({ status: 400, error: { param } });
    expect(express.error).toEqual((await ask("hub", members)).error);
  }
});

test("good values of every kind pass as they are", async () => {
  const good =
    '"max_tokens":16,"max_completion_tokens":9007199254740991,"n":1,"seed":-3,"temperature":2.000,"top_p":1e-1,' +
    '"tools":[],"tool_choice":"auto","stop":["a"],"response_format":{"type":"text"},"metadata":{"a":"b"},' +
    '"modalities":["text"],"parallel_tool_calls":true,"logprobs":false,"store":false,"user":"u","reasoning_effort":"default"';
  const names = [...good.matchAll(/"(\w+)":/g)]
    .map((match) => match[1] ?? "")
    .filter((name) => name in wrong);
  const nothing = names.map((name) => `"${name}":null`).join(",");
  for (const members of [good, nothing]) {
    vendor.reset();
    vendor.script(goodAnswer);
    const { status, answer } = await ask("express", members);
    expect(status).toBe(200);
    expect((await gateway.recordOf(answer)).attempts[0]?.lane).toBe("relay");
    expect(vendor.requests[0]?.rawBody).toEndWith(`,${members}}`);
  }
});

test.each(["demo", "adapted/fake-small", "hub"])("what cannot be read is no attempt at %s", async (model) => {
  const { status, error, answer } = await ask(model, '"temperature":3');
  expect({ status, param: error?.param }).toEqual({ status: 400, param: "temperature" });
  expect(answer.headers.get("x-clawgate-attempts")).toBe("0");
  expect((await gateway.recordOf(answer)).attempts).toEqual([]);
});
