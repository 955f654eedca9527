// Bodies that are wrong in every way, at both endpoints, passed on and translated: 400, 404, 413 or 415 in the endpoint's own shape, never 500,
// and nothing of them reaches anybody but the provider that the operator named.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { startUpstream } from "../support/upstream.ts";
import { goodAnswer, formatPairs, openTestPipeline, type TestPipeline } from "./test-pipeline.ts";

const upstreams = { bad: startUpstream({ strict: true }), good: startUpstream() };

const messages = '[{"role":"user","content":"hi"}]';
const good = `"model":"bad","max_tokens":5,"messages":${messages}`;
const nested = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);

/** Text that no JSON parser takes, or that is no object. JSONTestSuite's kinds, around a body that would be good. */
const malformed: readonly string[] = [
  "",
  " ",
  "null",
  "true",
  "1",
  '"text"',
  "[]",
  `[{${good}}]`,
  "{",
  "}",
  "{]",
  `{${good}`,
  `{${good}}}`,
  `{${good},}`,
  `{,${good}}`,
  `{${good}} x`,
  `{${good}}{${good}}`,
  `{${good} "a":1}`,
  `{${good},"a"}`,
  `{${good},"a":}`,
  `{${good},"a" 1}`,
  `{${good},a:1}`,
  `{${good},'a':1}`,
  `{${good},"a":01}`,
  `{${good},"a":+1}`,
  `{${good},"a":1.}`,
  `{${good},"a":.1}`,
  `{${good},"a":1e}`,
  `{${good},"a":0x1}`,
  `{${good},"a":NaN}`,
  `{${good},"a":-Infinity}`,
  `{${good},"a":tru}`,
  `{${good},"a":nulll}`,
  `{${good},"a":"b}`,
  `{${good},"a":[1}`,
  `{${good},"a":{"b":1]}`,
  `{${good},"\\x":1}`,
  `{${good}}//`,
  `/**/{${good}}`,
  `\ufeff{${good}}`,
  `{${good}}\u0000`,
  `{${good},"a":${nested(128)}}`,
  `{${good},"a":${"[".repeat(100_000)}`,
  `{${good},"a":${nested(100_000)}}`,
  `{${good},"a":${'{"a":'.repeat(100_000)}`,
];

/** Members that are wrong: [member text, replaced or added]. */
const wrongMembers: readonly (readonly [string, string])[] = [
  ["model", "null"],
  ["model", '""'],
  ["model", "5"],
  ["model", "[]"],
  ["model", "{}"],
  ["model", '"\\x"'],
  ["messages", "null"],
  ["messages", "[]"],
  ["messages", "[ ]"],
  ["messages", "{}"],
  ["messages", '"hi"'],
  ["messages", "5"],
  ["messages", "[null]"],
  ["messages", "[5]"],
  ["messages", "[[]]"],
  ["messages", "[{}]"],
  ["messages", '[{"role":"user"}]'],
  ["messages", '[{"role":"king","content":"hi"}]'],
  ["messages", '[{"role":5,"content":"hi"}]'],
  ["messages", '[{"role":"user","content":5}]'],
  ["messages", '[{"role":"user","content":{"a":1}}]'],
  ["messages", '[{"role":"user","content":[{"type":"hologram"}]}]'],
  ["messages", '[{"role":"user","content":[5]}]'],
  ["messages", '[{"role":"user","content":[{"type":"text","text":5}]}]'],
  ["stream", '"true"'],
  ["stream", "1"],
  ["stream", "{}"],
  ["max_tokens", '"5"'],
  ["max_tokens", "-1"],
  ["max_tokens", "0"],
  ["max_tokens", "1.5"],
  ["max_tokens", "1e400"],
  ["max_tokens", "[]"],
  ["temperature", '"warm"'],
  ["temperature", "{}"],
  ["top_p", "[]"],
  ["tools", "5"],
  ["tools", '"all"'],
  ["tools", "[5]"],
];

const unknownModels: readonly string[] = [
  "nobody",
  "Bad",
  "BAD",
  "bad/",
  "/bad",
  "../bad",
  "bad%00",
  "${HOME}",
  "$(touch x)",
  "__proto__",
  "constructor/x",
  "http://127.0.0.1/",
  "x".repeat(10_240),
  "' OR 1=1 --",
  "<script>alert(1)</script>",
  "\u001b[31mred",
  "a\u0000b",
  "\ud800",
];

describe.each([...formatPairs])("$endpoint endpoint, $wire vendor", ({ endpoint, wire }) => {
  let pipeline: TestPipeline;
  beforeAll(async () => {
    pipeline = await openTestPipeline({
      endpoint,
      wire,
      upstreams,
      config: { server: { body_limit_mb: 1 } },
    });
  });
  afterEach(async () => {
    await pipeline.gateway.assertClean();
    pipeline.clear();
  });
  afterAll(() => pipeline.stop());

  const path = endpoint === "openai" ? "/v1/chat/completions" : "/v1/messages";
  const post = (body: BodyInit, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(pipeline.gateway.url + path, {
      method: "POST",
      body,
      headers: { "content-type": "application/json", ...headers },
    });

  async function refusal(
    answer: Response,
  ): Promise<{ status: number; message: string; param: unknown; code: unknown }> {
    const text = await answer.text();
    expect(answer.headers.get("content-type")).toContain("application/json");
    expect(answer.headers.get("x-request-id")).toBe(answer.headers.get("request-id"));
    const body = JSON.parse(text) as {
      type?: string;
      error: { type: string; message: string; param?: unknown; code?: unknown };
    };
    expect(body.type).toBe(endpoint === "anthropic" ? "error" : undefined);
    expect(body.error.type).toBeString();
    expect(body.error.message).not.toBe("");
    if (endpoint === "openai") expect(Object.keys(body.error)).toContain("param");
    return {
      status: answer.status,
      message: body.error.message,
      param: body.error.param,
      code: body.error.code,
    };
  }

  test.each(
    malformed.map((text) => [text.length > 120 ? `${text.slice(0, 110)}… (${text.length})` : text, text]),
  )("%j is 400", async (_, text) => {
    const startedMs = performance.now();
    expect((await refusal(await post(text ?? ""))).status).toBe(400);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    expect(pipeline.bad.count() + pipeline.good.count()).toBe(0);
  });

  test.each([...wrongMembers])("%s: %s is 400", async (key, value) => {
    const members = { model: '"bad"', max_tokens: "5", messages, [key]: value };
    const text = `{${Object.entries(members)
      .map(([name, each]) => `"${name}":${each}`)
      .join(",")}}`;
    const answer = await post(text);
    expect((await refusal(answer)).status).toBe(400);
    expect(pipeline.good.count()).toBe(0);
    expect(pipeline.gateway.app.services.health.view("bad").consecutiveFailures).toBe(0);
  });

  test.each(unknownModels.map((name) => [name.length > 100 ? `${name.length} characters` : name, name]))(
    "the model %j is 404",
    async (_, name) => {
      const told = await refusal(
        await post(
          JSON.stringify({ model: name, max_tokens: 5, messages: [{ role: "user", content: "hi" }] }),
        ),
      );
      expect(told.status).toBe(404);
      if (endpoint === "openai") expect(told).toMatchObject({ code: "model_not_found", param: "model" });
      expect(told.message.length).toBeLessThan(1_000);
      expect(pipeline.bad.count() + pipeline.good.count()).toBe(0);
    },
  );

  test("members that stand there twice are refused where somebody could read the other one", async () => {
    for (const twice of [
      `{${good},"model":"good"}`,
      `{${good},"stream":true,"stream":false}`,
      `{${good},"messages":[]}`,
      `{${good},"mo\\u0064el":"good"}`,
    ]) {
      expect((await refusal(await post(twice))).status).toBe(400);
      expect(pipeline.bad.count() + pipeline.good.count()).toBe(0);
    }
  });

  test("bytes that are no UTF-8, in keys and in texts", async () => {
    for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]) {
      const body = Buffer.concat([
        Buffer.from('{"model":"bad","max_tokens":5,"messages":[{"role":"user","content":"'),
        Buffer.from(bytes),
        Buffer.from('"}]}'),
      ]);
      expect((await refusal(await post(body))).status).toBe(400);
    }
    expect(pipeline.bad.count()).toBe(0);
  });

  test("keys of prototypes change nothing here", async () => {
    const hostile = `{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},${good}}`;
    await (await post(hostile)).text();
    await (await post(`{${good},"metadata":{"__proto__":{"polluted":1}}}`)).text();
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  test("a body over the limit is 413, with its length and without", async () => {
    const large = JSON.stringify({
      model: "bad",
      max_tokens: 5,
      messages: [{ role: "user", content: "x".repeat(1_100_000) }],
    });
    expect((await refusal(await post(large))).status).toBe(413);
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(Buffer.from(large));
        controller.close();
      },
    });
    const heard = await post(stream);
    expect((await refusal(heard)).status).toBe(413);
    // What is left of the body is not taken.
    expect(heard.headers.get("connection")).toBe("close");
    expect(pipeline.bad.count()).toBe(0);
  });

  test.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/json2",
    "",
  ])("%j is 415", async (type) => {
    expect((await refusal(await post(`{${good}}`, { "content-type": type }))).status).toBe(415);
  });

  test("a compressed body is 415", async () => {
    expect(
      (await refusal(await post(Bun.gzipSync(Buffer.from(`{${good}}`)), { "content-encoding": "gzip" })))
        .status,
    ).toBe(415);
  });

  test("nothing in a body steers where it goes or what runs", async () => {
    const canary = startUpstream();
    const values = {
      api_base: canary.url,
      base_url: canary.url,
      api_key: "sk-canary",
      api_version: "1",
      extra_headers: { "x-canary": "1" },
      command: "touch /tmp/canary",
      mcp_servers: [{ type: "url", url: canary.url, name: "x" }],
      custom_llm_provider: "x",
      organization: canary.url,
      proxy: canary.url,
    };
    for (const [key, value] of Object.entries(values)) {
      pipeline.bad.script(goodAnswer);
      const answer = await post(`{${good},${JSON.stringify(key)}:${JSON.stringify(value)}}`);
      expect(answer.status).toBeOneOf([200, 400]);
      await answer.text();
    }
    const images = [
      "file:///etc/passwd",
      "http://169.254.169.254/latest",
      "http://2130706433/",
      `${canary.url}/image.png`,
    ];
    for (const url of images) {
      pipeline.bad.script(goodAnswer);
      const part =
        endpoint === "openai"
          ? { type: "image_url", image_url: { url } }
          : { type: "image", source: { type: "url", url } };
      const answer = await post(
        JSON.stringify({ model: "bad", max_tokens: 5, messages: [{ role: "user", content: [part] }] }),
      );
      expect(answer.status).toBeOneOf([200, 400]);
      await answer.text();
    }
    expect(canary.count()).toBe(0);
    for (const request of pipeline.bad.requests) {
      expect(request.headers["authorization"] ?? request.headers["x-api-key"]).toContain("vendor-secret-key");
      expect(request.headers["x-canary"]).toBeUndefined();
    }
    canary.stop();
  });

  test("the client's own credentials and connection stay here", async () => {
    pipeline.bad.script(goodAnswer);
    const headers = {
      authorization: "Bearer client-key",
      "x-api-key": "client-key",
      cookie: "a=b",
      "x-canary": "1",
      "openai-organization": "o",
    };
    await (await post(`{${good}}`, headers)).text();
    const [request] = pipeline.bad.requests;
    expect(JSON.stringify(request?.headers)).not.toContain("client-key");
    for (const name of ["cookie", "x-canary", "openai-organization"])
      expect(request?.headers[name]).toBeUndefined();
  });

  test("odd texts arrive as they were written", async () => {
    const texts = [
      "",
      "\u0000",
      "\u202eright to left",
      "Z͑͗a̐ĺ͘g̈o",
      "🦞👨‍👩‍👧",
      "\\\\\"'`${x}{{y}}",
      "</script>",
      "a\r\nb",
      "\ufeff",
      "\u2028\u2029",
      "data: [DONE]\n\n",
    ];
    for (const content of texts) {
      pipeline.clear();
      pipeline.bad.script(goodAnswer);
      const answer = await post(
        JSON.stringify({
          model: "bad",
          max_tokens: 5,
          messages: [{ role: "user", content: `<${content}>` }],
        }),
      );
      expect(answer.status).toBe(200);
      await answer.text();
      const sent = pipeline.bad.requests[0]?.rawBody ?? "";
      expect(JSON.stringify(JSON.parse(sent))).toContain(JSON.stringify(`<${content}>`).slice(1, -1));
    }
  });

  test("any JSON in any member is answered, and never with 500", async () => {
    pipeline.bad.script(goodAnswer);
    const keys = [
      "messages",
      "system",
      "tools",
      "tool_choice",
      "stop",
      "stop_sequences",
      "n",
      "stream_options",
      "response_format",
      "thinking",
      "reasoning_effort",
      "metadata",
      "user",
      "logit_bias",
      "temperature",
      "max_tokens",
      "max_completion_tokens",
      "output_config",
      "functions",
      "seed",
    ];
    const part = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.constantFrom<unknown>(
        [{ role: "user", content: [{ type: "tool_result", tool_use_id: "x" }] }],
        [{ role: "assistant", tool_calls: [{}] }],
        [{ type: "function", function: null }],
        [{ name: "a", input_schema: 5 }],
        { type: "json_schema", json_schema: null },
        { type: "enabled" },
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...keys), part, fc.boolean(), async (key, value, stream) => {
        const body = {
          model: "bad",
          max_tokens: 5,
          messages: [{ role: "user", content: "hi" }],
          stream,
          [key]: value,
        };
        const answer = await post(JSON.stringify(body));
        const text = await answer.text();
        expect(
          [200, 400, 413],
          `${answer.status} for ${JSON.stringify(body)}: ${text.slice(0, 300)}`,
        ).toContain(answer.status);
      }),
      { numRuns: 400 },
    );
    expect(pipeline.gateway.log.filter((line) => line.includes("met a bug"))).toEqual([]);
  });

  test("broken JSON inside a member that we read is 400, never a bug of ours", async () => {
    pipeline.bad.script(() => ({
      status: 400,
      body: { type: "error", error: { type: "invalid_request_error", message: "bad JSON" } },
    }));
    for (const inner of [
      '"stream_options":{"include_usage"}',
      '"stream_options":{include_usage:true}',
      '"tools":[{]}',
      '"metadata":{"a" "b"}',
      '"messages":[{"role" "user"}]',
      '"messages":[,]',
      '"user":"\\x"',
      '"system":"\n"',
    ]) {
      const key = inner.slice(1, inner.indexOf('"', 1));
      const body =
        key === "messages"
          ? `{"model":"bad","max_tokens":5,"stream":true,${inner}}`
          : `{${good},"stream":true,${inner}}`;
      expect((await refusal(await post(body))).status).toBe(400);
    }
    expect(pipeline.good.count()).toBe(0);
    expect(pipeline.gateway.log.filter((line) => line.includes("met a bug"))).toEqual([]);
  });

  test("ten thousand tools and a schema of 500 KB are passed on or refused", async () => {
    pipeline.bad.script(goodAnswer);
    const tool = (index: number, schema: object): object =>
      endpoint === "openai"
        ? { type: "function", function: { name: `t${index}`, parameters: schema } }
        : { name: `t${index}`, input_schema: schema };
    const object = { type: "object", properties: {} };
    const many = Array.from({ length: 10_000 }, (_, index) => tool(index, object));
    const large = [tool(1, { ...object, description: "d".repeat(500_000) })];
    for (const tools of [many, large, [tool(1, { ...object, $ref: "#" })]]) {
      const answer = await post(
        JSON.stringify({ model: "bad", max_tokens: 5, messages: [{ role: "user", content: "hi" }], tools }),
      );
      expect(answer.status).toBeOneOf([200, 400]);
      await answer.text();
    }
  });
});

afterAll(() => {
  upstreams.bad.stop();
  upstreams.good.stop();
});
