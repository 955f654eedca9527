// Bodies and answers of every format as text: per message, streams put together, data left out, cut and marked.

import { expect, test } from "bun:test";
import { messagesOfAnswer } from "../../src/request-log/answer-text.ts";
import { fitted, withoutData } from "../../src/request-log/logged-text.ts";
import { Redaction } from "../../src/request-log/redaction.ts";
import { messagesOfRequest } from "../../src/request-log/request-text.ts";
import { requestLogSettings } from "../../src/request-log/settings.ts";

const request = (body: unknown, type = "application/json") =>
  messagesOfRequest(Buffer.from(typeof body === "string" ? body : JSON.stringify(body)), type).map(
    ({ role, text }) => `${role}: ${text}`,
  );
const answer = async (raw: unknown) =>
  (await messagesOfAnswer(typeof raw === "string" ? raw : JSON.stringify(raw), () => Promise.resolve())).map(
    ({ role, text }) => `${role}: ${text}`,
  );
const events = (...each: unknown[]): string =>
  each.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");
const image = `data:image/png;base64,${"iVBOR".repeat(1000)}`;

test("requests of each format", () => {
  expect(
    request({
      model: "m",
      messages: [
        { role: "system", content: "be brief" },
        {
          role: "user",
          content: [
            { type: "text", text: "hi" },
            { type: "image_url", image_url: { url: image } },
          ],
        },
        {
          role: "assistant",
          content: null,
          tool_calls: [{ function: { name: "ls", arguments: '{"a":1}' } }],
        },
        { role: "tool", content: "a.txt" },
      ],
    }),
  ).toEqual([
    "system: be brief",
    "user: hi\n[image_url]",
    'assistant: [tool call ls] {"a":1}',
    "tool: a.txt",
  ]);
  expect(
    request({
      system: [{ type: "text", text: "sys" }],
      messages: [
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "hm" },
            { type: "tool_use", name: "ls", input: {} },
          ],
        },
        { role: "user", content: [{ type: "tool_result", content: [{ type: "text", text: "out" }] }] },
      ],
    }),
  ).toEqual(["system: sys", "assistant: hm\n[tool call ls] {}", "user: [tool result] out"]);
  expect(
    request({
      instructions: "sys",
      input: [
        { role: "user", content: [{ type: "input_text", text: "hi" }] },
        { type: "function_call", name: "ls", arguments: "{}" },
        { type: "function_call_output", output: "out" },
      ],
    }),
  ).toEqual(["system: sys", "user: hi", "user: [tool call ls] {}", "user: [tool result] out"]);
  expect(
    request({
      systemInstruction: { parts: [{ text: "sys" }] },
      contents: [
        { role: "user", parts: [{ text: "hi" }, { inlineData: { mimeType: "image/png", data: "A" } }] },
      ],
    }),
  ).toEqual(["system: sys", "user: hi\n[image/png]"]);
  expect(request({ input: "embed me" })).toEqual(["user: embed me"]);
  expect(request({ prompt: ["a", "b"] })).toEqual(["user: a", "user: b"]);
});

test("what is no such body is kept as it is, without data", () => {
  expect(request("{broken")).toEqual(["body: {broken"]);
  expect(request({ x: image })).toEqual([
    expect.stringMatching(/^body: \{"x":"\[data, \d+ characters\]"\}$/),
  ]);
  expect(request("--x\r\n", "multipart/form-data; boundary=x")).toEqual(["user: [form, 5 bytes]"]);
  expect(request("[1]")).toEqual(["body: [1]"]);
  for (const odd of [{ messages: 5 }, { messages: [null, 7, []] }, { messages: [{ content: { a: 1 } }] }])
    expect(() => request(odd)).not.toThrow();
});

test("streams of each format are put together", async () => {
  expect(
    await answer(
      events(
        { choices: [{ delta: { role: "assistant", content: "" } }] },
        { choices: [{ delta: { reasoning_content: "hm" } }] },
        { choices: [{ delta: { content: "Hel" } }] },
        { choices: [{ delta: { content: "lo" } }] },
        { choices: [{ delta: { tool_calls: [{ function: { name: "ls", arguments: '{"a"' } }] } }] },
        { choices: [{ delta: { tool_calls: [{ function: { arguments: ":1}" } }] } }] },
      ) + "data: [DONE]\n\n",
    ),
  ).toEqual(["thinking: hm", "assistant: Hello", 'tool call: [tool call ls] {"a":1}']);
  expect(
    await answer(
      events(
        { type: "message_start", message: { role: "assistant", content: [] } },
        { type: "content_block_start", content_block: { type: "text", text: "" } },
        { type: "content_block_delta", delta: { type: "text_delta", text: "Hel" } },
        { type: "content_block_delta", delta: { type: "text_delta", text: "lo" } },
        { type: "content_block_start", content_block: { type: "tool_use", name: "ls", input: {} } },
        { type: "content_block_delta", delta: { type: "input_json_delta", partial_json: "{}" } },
        { type: "error", error: { type: "overloaded_error", message: "too much" } },
      ),
    ),
  ).toEqual(["assistant: Hello", "tool call: [tool call ls] {}", "error: too much"]);
  expect(
    await answer(
      events(
        { type: "response.created", response: { output: [] } },
        { type: "response.output_text.delta", delta: "Hel" },
        { type: "response.output_text.delta", delta: "lo" },
        { type: "response.output_item.added", item: { type: "function_call", name: "ls" } },
        { type: "response.function_call_arguments.delta", delta: "{}" },
        { type: "response.completed", response: { output: [{ content: [{ text: "Hello" }] }] } },
      ),
    ),
  ).toEqual(["assistant: Hello", "tool call: [tool call ls] {}"]);
  expect(
    await answer(
      events(
        { candidates: [{ content: { parts: [{ text: "hm", thought: true }] } }] },
        {
          candidates: [
            { content: { parts: [{ text: "Hello" }, { functionCall: { name: "ls", args: {} } }] } },
          ],
        },
      ),
    ),
  ).toEqual(["thinking: hm", "assistant: Hello", "tool call: [tool call ls] {}"]);
  // Cut in the middle of a frame.
  expect(
    await answer(`${events({ choices: [{ delta: { content: "Hel" } }] })}data: {"choices":[{"del`),
  ).toEqual(["assistant: Hel"]);
});

test("whole answers of each format, embeddings, errors, plain text", async () => {
  expect(await answer({ choices: [{ message: { role: "assistant", content: "Hello" } }] })).toEqual([
    "assistant: Hello",
  ]);
  expect(
    await answer({ type: "message", role: "assistant", content: [{ type: "text", text: "Hello" }] }),
  ).toEqual(["assistant: Hello"]);
  expect(
    await answer({
      object: "response",
      output: [{ type: "message", content: [{ type: "output_text", text: "Hello" }] }],
    }),
  ).toEqual(["assistant: Hello"]);
  expect(await answer({ candidates: [{ content: { parts: [{ text: "Hello" }] } }] })).toEqual([
    "assistant: Hello",
  ]);
  expect(await answer({ data: [{ embedding: [1, 2] }, { embedding: [3] }] })).toEqual([
    "assistant: [2 embeddings]",
  ]);
  expect(await answer({ error: { message: "no" } })).toEqual(["error: no"]);
  expect(await answer("just words")).toEqual(["assistant: just words"]);
  expect(await answer("")).toEqual([]);
});

test("of a long conversation only the latest messages are read, and runs that are nearly data cost no time", () => {
  const messages = Array.from({ length: 1_000 }, (_, at) => ({
    role: "user",
    content: `${at} ${"x ".repeat(50)}`,
  }));
  const found = messagesOfRequest(Buffer.from(JSON.stringify({ system: "s", messages })), null, 1_000);
  expect([found.length, found.at(-1)?.text.slice(0, 4)]).toEqual([10, "999 "]);
  const started = process.cpuUsage().user;
  withoutData(`${"a".repeat(511)} `.repeat(4_000));
  expect(process.cpuUsage().user - started).toBeLessThan(500_000);
});

test("base64 goes, ordinary text stays; a limit keeps the latest of a request and the beginning of an answer", () => {
  expect(withoutData(`a ${"QUJD".repeat(300)}== b`)).toBe("a [base64, 1202 characters] b");
  expect(withoutData("a sha256 of 64 hex digits stays: ".concat("ab".repeat(32)))).toContain("abab");
  const messages = ["one", "two", "three"].map((text) => ({ role: "user", text }));
  expect(fitted(messages, 8, true)).toEqual({ messages: messages.slice(1), isCut: true });
  expect(fitted(messages, 5, false).messages.map(({ text }) => text)).toEqual(["one", "tw…"]);
  expect(fitted([{ role: "u", text: "äöü" }], 3, false).messages[0]?.text).toBe("ä…");
  expect(fitted(messages, 11, true)).toEqual({ messages, isCut: false });
});

test("masked: known keys wherever a piece ends, the operator's patterns, and a pattern that would hang another engine", async () => {
  const key = "known-key-0123456789";
  const redaction = new Redaction((text) => text.replaceAll(key, "***"));
  const patterns = ["\\b\\d{3}-\\d{2}-\\d{4}\\b", "(a+)+$"];
  const filler = "lorem ipsum\n".repeat(1365);
  const text = `${filler}${key} ${filler}${key}${filler} 123-45-6789`;
  let turns = 0;
  const [masked] = await redaction.messages([{ role: "user", text }], patterns, () => {
    turns += 1;
    return Promise.resolve();
  });
  expect(masked?.text).not.toMatch(/known-key|0123456789|123-45/);
  expect(masked?.text.length).toBe(text.length - 2 * (key.length - 3) - 8);
  expect(turns).toBeGreaterThanOrEqual(2);
  const startedMs = performance.now();
  await redaction.messages([{ role: "user", text: `${"a".repeat(16_000)}!` }], patterns, () =>
    Promise.resolve(),
  );
  expect(performance.now() - startedMs).toBeLessThan(10_000);
});

test("settings: a pattern that RE2 lacks and one that fits everything are refused", () => {
  const problems = (redact: string[]): number =>
    requestLogSettings.safeParse({ redact }).error?.issues.length ?? 0;
  expect([problems(["x+"]), problems(["(?=x)"]), problems(["x*"]), problems(["("])]).toEqual([0, 1, 1, 1]);
});
