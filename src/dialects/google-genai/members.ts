// The members of a generateContent request: one row per member of the body and of its `generationConfig`
// (member-table.ts). It must never describe the inside of a list or an object: decode-*.ts read that.

import { list, listOfTexts, numberIn, ofKinds, record, text } from "../member-checks.ts";
import type { MemberCheck, MemberRefusal, MemberRow } from "../member-row.ts";
import { MemberTable, upstreamRows } from "../member-table.ts";
import { invalid, wrongKind } from "../read-fields.ts";
import { optionalIntegerFrom } from "./camel-keys.ts";

const contents: MemberCheck<readonly unknown[]> = {
  kinds: ["array"],
  wanted: "an array of contents",
  read(value, name) {
    if (!Array.isArray(value)) throw wrongKind(name, "an array of contents", value);
    if (value.length === 0) throw invalid(name, `${name} must hold at least one content.`);
    return value;
  },
};

const wholeFromOne: MemberCheck<number | null> = {
  kinds: ["number"],
  wanted: "a whole number of at least 1",
  read: (value, name) => optionalIntegerFrom(value, name, 1),
  schema: (zod) => zod.int().min(1),
};

/** Features that only Google's API has. */
const refused = (
  when: string,
  what: string,
  refuses: MemberRefusal["refuses"] = () => true,
): MemberRefusal => ({
  when,
  refuses,
  sentence: (name) => `${name}: the chosen model's API has no equivalent for ${what}.`,
});

export const requestMembers = new MemberTable({
  ...upstreamRows(
    "api_base",
    "base_url",
    "api_key",
    "headers",
    "extra_headers",
    "endpoint",
    "proxy",
    "extra_body",
  ),
  model: { check: text, home: "canonical", elsewhere: "carried", isUnique: true, docs: "The path names it." },
  contents: { check: contents, home: "canonical", elsewhere: "carried", isRequired: true, isUnique: true },
  systemInstruction: {
    check: ofKinds("an object", ["object", "string"]),
    home: "canonical",
    elsewhere: "carried",
    passthrough: "unchecked",
  },
  tools: {
    check: ofKinds("an array", ["array", "object"]),
    home: "canonical",
    elsewhere: "carried",
    passthrough: "unchecked",
  },
  toolConfig: { check: record, home: "canonical", elsewhere: "carried", passthrough: "unchecked" },
  generationConfig: { check: record, home: "canonical", elsewhere: "carried", passthrough: "unchecked" },
  safetySettings: { check: list, home: "extras", elsewhere: "noted", passthrough: "unchecked" },
  cachedContent: {
    home: "extras",
    elsewhere: refused("given", "content that is cached at Google"),
  },
  labels: { check: record, home: "extras", elsewhere: "silent", passthrough: "unchecked" },
});

const steering: MemberRow = { home: "extras", elsewhere: "noted" };
const answerFormat = refused("given, and not JSON with or without a schema", "this answer format");

export const configMembers = new MemberTable(
  {
    maxOutputTokens: { check: wholeFromOne, home: "canonical", elsewhere: "carried" },
    temperature: { check: numberIn(0, 2), home: "canonical", elsewhere: "carried" },
    topP: { check: numberIn(0, 1), home: "canonical", elsewhere: "carried" },
    topK: { check: numberIn(0, 1_000_000), home: "canonical", elsewhere: "carried" },
    stopSequences: { check: listOfTexts, home: "canonical", elsewhere: "carried" },
    thinkingConfig: { check: record, home: "canonical", elsewhere: "carried" },
    candidateCount: {
      check: wholeFromOne,
      home: "extras",
      elsewhere: {
        when: "greater than 1",
        refuses: (value) => typeof value === "number" && value > 1,
        sentence: (name) =>
          `${name} greater than 1 cannot be carried by the translation that this request needs. Send several requests instead.`,
      },
      docs: "More than 1 only where no translation is needed.",
    },
    responseModalities: {
      home: "extras",
      elsewhere: refused(
        "a list with anything but TEXT",
        "output other than text",
        (value) => Array.isArray(value) && value.some((each) => each !== "TEXT"),
      ),
    },
    responseLogprobs: {
      home: "extras",
      elsewhere: refused("true", "log probabilities", (value) => value === true),
    },
    // The decoder moves a request for JSON into the canonical form.
    responseMimeType: { check: text, home: "extras", elsewhere: answerFormat },
    responseSchema: { home: "extras", elsewhere: answerFormat },
    responseJsonSchema: { home: "extras", elsewhere: answerFormat },
    responseFormat: { home: "extras", elsewhere: answerFormat },
    logprobs: { home: "extras", elsewhere: "silent", docs: "Without responseLogprobs it says nothing." },
    seed: steering,
    presencePenalty: steering,
    frequencyPenalty: steering,
    mediaResolution: steering,
  },
  { within: "generationConfig." },
);
