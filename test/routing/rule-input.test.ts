// What routing reads out of a request: facts, the user's own words, the system prompt up to OpenClaw's mark.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type ChatRequest, emptyRequest } from "../../src/canon/request.ts";
import { estimateTokens } from "../../src/canon/tokens.ts";
import { dialects } from "../../src/dialects/dialect-table.ts";
import { ruleInputOf, type RuleInput } from "../../src/routing/rule-input.ts";
import { ownWords } from "../../src/routing/user-words.ts";
import chatBodies from "../dialects/openai-chat/client-bodies.json";
import antText from "../dialects/anthropic-messages/requests/openclaw-text.json";
import antThink from "../dialects/anthropic-messages/requests/openclaw-think.json";
import antTool from "../dialects/anthropic-messages/requests/openclaw-tool.json";
import { assistant, contextBlock, heartbeatTurn, picture, tool, user } from "./rows/conversation.ts";

const ask = (parts: Partial<ChatRequest>): RuleInput =>
  ruleInputOf({ ...emptyRequest, ...parts }, () => null);
const wordsOf = (text: string): string => ask({ messages: [user(text)] }).userText;

describe("requests that OpenClaw really sent", () => {
  const chat = (name: keyof typeof chatBodies): ChatRequest =>
    dialects["openai-chat"].client.decodeRequest(chatBodies[name]);
  const messages = (body: unknown): ChatRequest => dialects["anthropic-messages"].client.decodeRequest(body);
  const cases: readonly (readonly [string, ChatRequest, RegExp, boolean])[] = [
    ["chat, text", chat("openclaw-chat-text"), /^hello lorem ipsum/, false],
    ["chat, session flags", chat("openclaw-chat-compat"), /^hello lorem ipsum/, false],
    ["chat, after a tool", chat("openclaw-chat-tool"), /^hello lorem ipsum/, false],
    ["chat, a picture from a tool", chat("openclaw-chat-readimg"), /^lorem ipsum/, true],
    ["messages, text", messages(antText), /^hello two$/, false],
    ["messages, thinking", messages(antThink), /^hello \[\[think\]\]$/, false],
    [
      "messages, after a tool",
      messages(antTool),
      /^\[\[tool:exec \{"command":"echo hello-from-tool"\}\]\]$/,
      false,
    ],
  ];
  test.each([...cases])("%s", (_, request, words, hasImages) => {
    const question = ruleInputOf(request, () => null);
    expect(question.userText).toMatch(words);
    expect(question.systemText).toBe("");
    expect(question.facts).toMatchObject({
      hasTools: true,
      hasImages,
      hasCodeBlock: false,
      isHeartbeat: false,
    });
    expect(question.facts.estimatedTokens).toBe(estimateTokens(request));
  });
});

describe("the user's own words", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["plain", "plain"],
    [" [not a stamp] hello ", "[not a stamp] hello"],
    ["[Sat 2026-11-21 01:53 UTC] hello", "hello"],
    [
      "[Sat 2026-11-21 01:53 GMT+2] hello\nRuntime: agent=main | session=x | sessionId=y\nmore",
      "hello\nmore",
    ],
    ["Runtime: agent=main | session=x\nhello", "hello"],
    ["The Runtime: agent=main is mine", "The Runtime: agent=main is mine"],
    [
      "[Retry after the previous model attempt failed or timed out]\n[Sun 2026-11-22 01:53 UTC] hello",
      "hello",
    ],
    [`a${contextBlock("x")}b${contextBlock("y")}c`, "abc"],
    [contextBlock("x"), ""],
    ["a <<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>> b", "a"],
    ["a <<<END_OPENCLAW_INTERNAL_CONTEXT>>> b", "a <<<END_OPENCLAW_INTERNAL_CONTEXT>>> b"],
    ["<system-reminder>x</system-reminder>\n\nhello", "hello"],
  ];
  test.each([...cases])("%p", (text, words) => {
    expect(ownWords(text)).toBe(words);
  });

  test("a text without any client's mark stays as it is, blanks around it apart", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        fc.pre(!/[[<]|Runtime:/.test(text));
        expect(ownWords(text)).toBe(text.trim());
      }),
    );
  });

  test("of several parts they are joined by line breaks", () => {
    expect(ask({ messages: [user("one", " ", "two")] }).userText).toBe("one\ntwo");
  });

  test("a megabyte of openings that never close", () => {
    expect(wordsOf(`hello ${"<system-reminder>".repeat(60_000)}`)).toBe("hello");
    expect(wordsOf("<system-reminder></system-reminder>".repeat(30_000))).toBe("");
  });
});

describe("the system prompt", () => {
  const system = (...texts: string[]): string =>
    ask({ system: texts.map((text) => ({ type: "text", text })) }).systemText;

  test("ends at OpenClaw's mark, its comment's opening included", () => {
    expect(system("Mine. <!-- openclaw:attempt:STABLE -->theirs", "theirs too")).toBe("Mine. ");
    expect(system("one", "two <!--openclaw:attempt", "three")).toBe("one\ntwo ");
    expect(system("<!-- openclaw:attempt:STABLE -->")).toBe("");
  });

  test("takes in system messages of the conversation, each up to its own mark", () => {
    const later = (text: string) => ({ role: "system", content: [{ type: "text", text }] }) as const;
    const { systemText } = ask({
      system: [{ type: "text", text: "one<!-- openclaw:attempt:A -->x" }],
      messages: [user("hello"), later("two"), assistant("yes"), later("three openclaw:attempt y")],
    });
    expect(systemText).toBe("one\ntwo\nthree ");
  });
});

describe("facts", () => {
  test("of an empty request", () => {
    expect({ ...ask({}).facts }).toEqual({
      estimatedTokens: 1,
      hasTools: false,
      hasImages: false,
      hasCodeBlock: false,
      wantsJsonSchema: false,
      wantsThinking: false,
      maxTokens: null,
      isHeartbeat: false,
    });
  });

  test("of a full one; they are plain data once they are spread or written as JSON", () => {
    const { facts } = ask({
      messages: [{ role: "user", content: [picture] }, assistant("Yes?"), user("~~~\ncode\n~~~")],
      tools: [tool],
      format: { type: "json-schema", name: "answer", schema: {}, strict: null },
      thinking: { mode: "budget", budgetTokens: 2000 },
      maxTokens: 77,
    });
    const expected = {
      hasTools: true,
      hasImages: true,
      hasCodeBlock: true,
      wantsJsonSchema: true,
      wantsThinking: true,
      maxTokens: 77,
      isHeartbeat: false,
    };
    expect({ ...facts }).toMatchObject(expected);
    expect(JSON.parse(JSON.stringify(facts))).toMatchObject(expected);
  });

  test("a vendor's own tool is a tool; thinking that is off and a JSON object are no demands", () => {
    const { facts } = ask({
      opaqueTools: [{ dialect: "openai-responses", type: "web_search", value: {} }],
      thinking: { mode: "off" },
      format: { type: "json-object" },
    });
    expect(facts).toMatchObject({ hasTools: true, wantsThinking: false, wantsJsonSchema: false });
  });

  test("a heartbeat is known by its beginning only", () => {
    expect(ask({ messages: [user(heartbeatTurn)] }).facts.isHeartbeat).toBe(true);
    expect(ask({ messages: [user(`What does this mean: ${heartbeatTurn}`)] }).facts.isHeartbeat).toBe(false);
  });
});

test("headers are asked for in lower case", () => {
  const asked: string[] = [];
  const question = ruleInputOf(emptyRequest, (name) => (asked.push(name), "v"));
  expect(question.header("X-OpenClaw-Source")).toBe("v");
  expect(asked).toEqual(["x-openclaw-source"]);
});

test("nothing is read before it is asked for, and nothing twice", () => {
  let reads = 0;
  const messages = [user("hello")];
  const request: ChatRequest = {
    ...emptyRequest,
    get messages() {
      reads++;
      return messages;
    },
  };
  const question = ruleInputOf(request, () => null);
  expect(reads).toBe(0);
  expect([question.userText, question.foldedUserText, question.facts.hasCodeBlock]).toEqual([
    "hello",
    "hello",
    false,
  ]);
  expect(reads).toBe(1);
});
