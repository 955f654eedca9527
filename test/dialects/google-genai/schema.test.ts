// The described request and the accepted one are the same.

import { describe, expect, test } from "bun:test";
import { googleGenai } from "../../../src/dialects/google-genai/dialect.ts";
import { generateContentRequestSchema } from "../../../src/dialects/google-genai/schema.ts";
import { scenarioNames, sideOf } from "../../scenarios/scenario.ts";
import { failureOf } from "./recorded.ts";
import cli from "./requests/gemini-cli.json";

const { decodeRequest } = googleGenai.client;
const isDescribed = (body: unknown): boolean => generateContentRequestSchema.safeParse(body).success;
const hi = { contents: [{ parts: [{ text: "hi" }] }] };

const refused: readonly { body: object }[] = [
  { body: {} },
  { body: { contents: [] } },
  { body: { contents: "hi" } },
  { body: { contents: [{ parts: [{ text: 1 }] }] } },
  { body: { contents: [{ parts: [{ functionCall: {} }] }] } },
  { body: { contents: [{ parts: [{ functionResponse: { response: {} } }] }] } },
  { body: { contents: [{ role: "system", parts: [] }] } },
  { body: { ...hi, tools: [{ functionDeclarations: [{}] }] } },
  { body: { ...hi, toolConfig: { functionCallingConfig: { mode: "SOMETIMES" } } } },
  { body: { ...hi, generationConfig: { maxOutputTokens: 1.5 } } },
  { body: { ...hi, generationConfig: { temperature: 3 } } },
  { body: { ...hi, generationConfig: { thinkingConfig: { thinkingBudget: -2 } } } },
  { body: { ...hi, safetySettings: {} } },
];

describe("the schema", () => {
  test("describes what real clients send", () => {
    expect(isDescribed(cli)).toBe(true);
    for (const scenario of scenarioNames) {
      const body = sideOf(scenario, "google-genai").request;
      expect(isDescribed(body)).toBe(true);
      expect(() => decodeRequest(body)).not.toThrow();
    }
  });

  test.each(refused)("does not describe what is refused: %j", ({ body }) => {
    expect(isDescribed(body)).toBe(false);
    expect(failureOf(() => decodeRequest(body)).kind).toBe("invalid-request");
  });
});
