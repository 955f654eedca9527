// The fake vendor itself: other tests rely on it doing exactly what it is told.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { faultNames, startUpstream } from "./upstream.ts";
import type { Upstream } from "./upstream.ts";

let upstream: Upstream;
beforeEach(() => {
  upstream = startUpstream({ strict: true });
});
afterEach(() => upstream.stop());

const post = (path: string, body: unknown, init: RequestInit = {}): Promise<Response> =>
  fetch(upstream.url + path, {
    method: "POST",
    headers: { "content-type": "application/json", "anthropic-version": "2023-06-01" },
    body: JSON.stringify(body),
    ...init,
  });
const chat = (prompt: string, more: object = {}, init: RequestInit = {}): Promise<Response> =>
  post("/v1/chat/completions", { model: "m", messages: [{ role: "user", content: prompt }], ...more }, init);
const message = (prompt: string, more: object = {}): Promise<Response> =>
  post("/v1/messages", {
    model: "m",
    max_tokens: 100,
    messages: [{ role: "user", content: prompt }],
    ...more,
  });

/** The text of a body, and how it was cut off, if it was. */
async function read(
  response: Response,
  onText: (text: string) => void = () => undefined,
): Promise<{ text: string; code: string | null }> {
  let text = "";
  const decoder = new TextDecoder();
  try {
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      onText(text);
    }
  } catch (error) {
    return { text, code: (error as { code?: string }).code ?? "unknown" };
  }
  return { text, code: null };
}

describe("script", () => {
  test("answers in turn, then the prompt rules again", async () => {
    upstream.script([
      { status: 503, headers: { "retry-after": "2" }, body: { error: {} } },
      { body: "<html>" },
    ]);
    const first = await chat("[[say:x]]");
    expect([first.status, first.headers.get("retry-after")]).toEqual([503, "2"]);
    expect(await (await chat("[[say:x]]")).text()).toBe("<html>");
    expect(await (await chat("[[say:third]]")).json()).toMatchObject({
      choices: [{ message: { content: "third" } }],
    });
    expect(upstream.count("/v1/chat")).toBe(3);
  });

  test("a function sees the request; bytes are cut, split and repeated as told", async () => {
    const heard = Promise.withResolvers<void>();
    upstream.script((request) =>
      request.query === "cut=1"
        ? { chunks: ["data: abc\n\n", "data: déf\n\n"], cutAfterBytes: 15, endsAfter: heard.promise }
        : { chunks: ["data: é\n\n"], pieceBytes: 1, repeat: 3 },
    );
    // fetch drops data that it has not passed on when the connection ends.
    const cut = await read(await post("/v1/x?cut=1", {}), (text) => {
      if (text.length === 15) heard.resolve();
    });
    expect(cut).toEqual({ text: "data: abc\n\ndata", code: "ECONNRESET" });
    expect(await read(await post("/v1/x", {}))).toEqual({ text: "data: é\n\n".repeat(3), code: null });
    expect(upstream.requests[1]?.chunksSent).toBe(30);
  });

  test("raw bytes, a false length, a body without length", async () => {
    upstream.script([
      { raw: "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok" },
      { body: "short", claimedLength: 50, ending: "fin" },
      { chunks: ["until ", "the end"], framing: "close" },
    ]);
    expect(await read(await post("/a", {}))).toEqual({ text: "ok", code: null });
    expect((await read(await post("/b", {}))).code).toBe("ECONNRESET");
    expect(await read(await post("/c", {}))).toEqual({ text: "until the end", code: null });
  });
});

describe("aborts", () => {
  test.each(["[[mode:hang]]", "[[mode:hang-after-headers]]", "[[mode:stall]]", "[[long:5000]][[pace:5]]"])(
    "of %s are seen",
    async (prompt) => {
      const abort = new AbortController();
      const answer = chat(prompt, { stream: true }, { signal: abort.signal }).then(read, () => null);
      await upstream.waitFor((request) => request.rawBody.includes(prompt));
      abort.abort();
      const seen = await upstream.waitFor((request) => request.isAborted, 1_000);
      expect(seen.isFinished).toBe(false);
      await answer;
    },
  );

  test("a complete answer is no abort", async () => {
    await read(await chat("[[say:done]]", { stream: true }));
    const seen = await upstream.waitFor((request) => request.isFinished);
    expect(seen.isAborted).toBe(false);
  });
});

describe("faults", () => {
  const silent = new Set(["hang", "hang-after-headers", "stall"]);
  const loud = faultNames.filter((name) => !silent.has(name));

  test.each(loud)("%s differs from the correct answer, or is the same bytes in another way", async (name) => {
    const sameBytes = ["slow-first", "slow-headers", "bytewise", "close-delimited"].includes(name);
    const argument = name.startsWith("slow") ? " 5" : "";
    const ask = async (prompt: string): Promise<string> => {
      const response = await message(prompt, { stream: true });
      const { text, code } = await read(response);
      return JSON.stringify([response.status, text.replaceAll(/msg_\d+/g, "msg"), code]);
    };
    // Two blocks, so that faults of indexes have something to break; equal prompt lengths, so that usage is equal.
    const words = "[[think:a b]][[say:one two three four]][[usage:10,0,0,5]]";
    const correct = await ask(`${words}[[mode:close-delimited]]`);
    const broken = await ask(`${words}[[mode:${name}${argument}]]`).catch(String);
    if (sameBytes) expect(broken).toBe(correct);
    else expect(broken).not.toBe(correct);
  });

  test("status modes carry Retry-After and the vendor's own error", async () => {
    const limited = await chat("[[mode:429 7]]");
    expect([limited.status, limited.headers.get("retry-after")]).toEqual([429, "7"]);
    const overloaded = await message("[[mode:529]]");
    expect(overloaded.status).toBe(529);
    expect(await overloaded.json()).toMatchObject({ type: "error", error: { type: "overloaded_error" } });
  });

  test("an unknown mode is said, not ignored", async () => {
    expect((await chat("[[mode:no-such]]")).status).toBe(400);
  });
});

describe("strictness", () => {
  test.each([
    ["an orphan result", { messages: [{ role: "tool", tool_call_id: "x", content: "y" }] }],
    ["a foreign member", { thinking: { type: "enabled" } }],
    ["usage options without a stream", { stream_options: { include_usage: true } }],
    ["a choice without tools", { tool_choice: "auto" }],
  ])("OpenAI: %s is refused", async (_name, more) => {
    const response = await chat("hi", more);
    expect(response.status).toBe(400);
    expect(upstream.requests[0]?.breach).toBeString();
  });

  test.each([
    ["no max_tokens", { max_tokens: undefined }],
    ["a foreign member", { stream_options: {} }],
    ["an empty text", { messages: [{ role: "user", content: "" }] }],
    [
      "an unanswered call",
      {
        messages: [
          { role: "user", content: "a" },
          { role: "assistant", content: [{ type: "tool_use", id: "t", name: "n", input: {} }] },
          { role: "user", content: "b" },
        ],
      },
    ],
    [
      "a forged signature",
      {
        messages: [
          { role: "user", content: "a" },
          { role: "assistant", content: [{ type: "thinking", thinking: "x", signature: "y" }] },
          { role: "user", content: "b" },
        ],
      },
    ],
  ])("Anthropic: %s is refused", async (_name, more) => {
    const response = await message("hi", more);
    expect(response.status).toBe(400);
    expect(upstream.requests[0]?.breach).toBeString();
  });
});

describe("steering", () => {
  test("an OpenClaw context block after the prompt changes nothing", async () => {
    const context = "<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>> x <<<END_OPENCLAW_INTERNAL_CONTEXT>>>";
    const messages = [
      { role: "user", content: "[Sat 2026-11-21] hello one" },
      { role: "user", content: [{ type: "text", text: context }] },
    ];
    const plain = await (await chat("", { messages })).json();
    expect(plain).toMatchObject({
      choices: [{ message: { content: "You said: [Sat 2026-11-21] hello one" } }],
    });
  });

  test("an earlier turn's directive does not steer a later one", async () => {
    const messages = [
      { role: "user", content: "[[say:old]]" },
      { role: "assistant", content: "old" },
      { role: "user", content: "fresh" },
    ];
    const answer = await (await chat("", { messages })).json();
    expect(answer).toMatchObject({ choices: [{ message: { content: "You said: fresh" } }] });
  });

  test("several tool directives are one round each, then `then`", async () => {
    const tools = ["a", "b"].map((name) => ({ name, input_schema: { type: "object" } }));
    const messages: unknown[] = [
      { role: "user", content: '[[tool:a {"x":"]]"}]][[tool:b]][[then:all done]]' },
    ];
    const seen: unknown[] = [];
    for (let round = 0; round < 3; round += 1) {
      const { content } = (await (await message("", { messages, tools })).json()) as {
        content: { type: string; id: string; name?: string; input?: unknown; text?: string }[];
      };
      seen.push(content.map((block) => block.text ?? [block.name, block.input]));
      messages.push({ role: "assistant", content });
      const results = content.map((block) => ({ type: "tool_result", tool_use_id: block.id, content: "r" }));
      messages.push({ role: "user", content: results });
    }
    expect(seen).toEqual([[["a", { x: "]]" }]], [["b", {}]], ["all done"]]);
  });
});
