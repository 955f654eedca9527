// A request as gemini-cli 0.61 sends it: read, sent on unharmed, and understood by the other formats.

import { describe, expect, test } from "bun:test";
import { anthropicMessages } from "../../../src/dialects/anthropic-messages/dialect.ts";
import { googleGenai } from "../../../src/dialects/google-genai/dialect.ts";
import { openaiChat } from "../../../src/dialects/openai-chat/dialect.ts";
import { scanObject } from "../../../src/wire/json.ts";
import { bodyFor, target } from "./recorded.ts";
import body from "./requests/gemini-cli.json";

const request = { ...googleGenai.client.decodeRequest(body), model: "gemini-2.5-pro" };
const declared = body.tools.flatMap((tool) => tool.functionDeclarations);

describe("gemini-cli", () => {
  test("is read", () => {
    expect(request).toMatchObject({
      temperature: 1,
      topP: 0.95,
      topK: 64,
      thinking: { mode: "budget", budgetTokens: 8192 },
      messages: [{ role: "user", content: [{ type: "text" }, { type: "text", text: "say hello" }] }],
    });
    expect(request.tools.map(({ name }) => name)).toEqual(declared.map(({ name }) => name));
    expect(request.tools.map(({ schema }) => schema)).toEqual(
      declared.map(({ parametersJsonSchema }) => parametersJsonSchema),
    );
    expect(googleGenai.client.refuseTranslation(request)).toBeNull();
  });

  test("goes to Google member for member, but for a role that the API ignores", () => {
    const { systemInstruction, ...rest } = body;
    expect(bodyFor(request)).toEqual({ ...rest, systemInstruction: { parts: systemInstruction.parts } });
  });

  test("passes as bytes, untouched", () => {
    const bytes = Buffer.from(JSON.stringify(body));
    const { passthrough } = googleGenai.backend;
    const scan = scanObject(bytes, 64);
    expect(passthrough.requiredEdits(scan, bytes, target)).toEqual([]);
    expect(passthrough.reasonToTranslate({ scan, bytes }, target, null, false)).toBeNull();
  });

  test.each([openaiChat, anthropicMessages])("is understood through $name", (dialect) => {
    const sent = dialect.backend.encodeRequest(request, target);
    const understood = dialect.client.decodeRequest(sent);
    expect(understood.tools.map(({ name }) => name)).toEqual(declared.map(({ name }) => name));
    expect(JSON.stringify(understood.messages)).toContain("say hello");
    expect(understood.system.map((block) => (block.type === "text" ? block.text : ""))).toEqual(
      body.systemInstruction.parts.map(({ text }) => text),
    );
  });
});
