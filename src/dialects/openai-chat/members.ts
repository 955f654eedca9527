// The members of a chat request: one row per top-level member (member-table.ts). It must never describe the inside of a
// list or an object: decode-*.ts read that.

import { type Effort, efforts, isEffort } from "../../canon/effort.ts";
import type { Failure } from "../../canon/failure.ts";
import {
  count,
  countTo,
  flag,
  integer,
  list,
  listOfTexts,
  numberIn,
  ofKinds,
  record,
  requiredText,
  text,
} from "../member-checks.ts";
import type { MemberCheck, MemberRefusal } from "../member-row.ts";
import { MemberTable, upstreamRows } from "../member-table.ts";
import { invalid, isAbsent, shown, textAt, wrongKind } from "../read-fields.ts";

const maxStops = 64;

const stop: MemberCheck<string[]> = {
  kinds: ["string", "array"],
  wanted: `a string or an array of at most ${maxStops} strings`,
  read: (value) => {
    if (isAbsent(value) || value === "") return [];
    if (typeof value === "string") return [value];
    if (!Array.isArray(value)) throw wrongKind("stop", "a string or an array of strings", value);
    if (value.length > maxStops) throw invalid("stop", `stop must not hold more than ${maxStops} strings.`);
    return value.map((each, i) => textAt(each, `stop[${i}]`)).filter((each) => each !== "");
  },
  schema: (zod) => zod.union([zod.string(), zod.array(zod.string()).max(maxStops)]),
};

const effort: MemberCheck<Effort | null> = {
  kinds: ["string"],
  wanted: `one of ${efforts.join(", ")}`,
  read: (value, name) => {
    if (isAbsent(value)) return null;
    if (!isEffort(value)) throw wrongKind(name, `one of ${efforts.join(", ")}`, value);
    return value;
  },
  schema: (zod) => zod.enum(efforts),
};

/** The named tool is checked against the tools (decode-tools.ts). */
const toolChoice: MemberCheck = {
  kinds: ["string", "object"],
  wanted: "none, auto, required or an object that names a function",
  read: (value) => {
    if (isAbsent(value) || typeof value === "string" || (typeof value === "object" && !Array.isArray(value)))
      return value;
    throw choiceRefused(value);
  },
};

const wantedMessages = "an array of messages";

/** Null is no conversation: the vendor would have to say so. */
const conversation: MemberCheck = {
  ...ofKinds(wantedMessages, ["array"]),
  read(value, name) {
    if (!Array.isArray(value)) throw wrongKind(name, wantedMessages, value);
    return value;
  },
};

export const choiceRefused = (value: unknown): Failure =>
  invalid(
    "tool_choice",
    `tool_choice must be none, auto, required or an object that names a function, not ${shown(value)}.`,
  );

const because = "cannot be carried by the translation that this request needs";

/** What only this format's own answers can contain; the canonical form would lose it. */
const refused = (
  when: string,
  sentence: string,
  refuses: MemberRefusal["refuses"] = () => true,
): MemberRefusal => ({ when, refuses, sentence: () => sentence });

export const requestMembers = new MemberTable(
  {
    ...upstreamRows(
      "api_base",
      "base_url",
      "api_key",
      "headers",
      "extra_headers",
      "organization",
      "endpoint",
      "proxy",
      "extra_body",
    ),
    model: {
      check: requiredText,
      home: "canonical",
      elsewhere: "carried",
      isRequired: true,
      isUnique: true,
      docs: "auto, an alias, a provider's id, provider/model, or a listed model.",
    },
    messages: {
      check: conversation,
      home: "canonical",
      elsewhere: "carried",
      isRequired: true,
      isUnique: true,
    },
    stream: { check: flag, home: "canonical", elsewhere: "carried", isUnique: true },
    stream_options: {
      check: record,
      home: "canonical",
      elsewhere: "carried",
      isUnique: true,
      docs: "include_usage is understood; the rest goes to models of this format only.",
    },
    tools: { check: list, home: "canonical", elsewhere: "carried" },
    tool_choice: { check: toolChoice, home: "canonical", elsewhere: "carried" },
    parallel_tool_calls: { check: flag, home: "canonical", elsewhere: "carried" },
    max_completion_tokens: { check: count, home: "extras", elsewhere: "carried", isRewritten: true },
    max_tokens: {
      check: count,
      home: "canonical",
      elsewhere: "carried",
      docs: "max_completion_tokens wins where both are given.",
    },
    temperature: { check: numberIn(0, 2), home: "canonical", elsewhere: "carried" },
    top_p: { check: numberIn(0, 1), home: "canonical", elsewhere: "carried" },
    stop: { check: stop, home: "canonical", elsewhere: "carried" },
    response_format: { check: record, home: "canonical", elsewhere: "carried" },
    reasoning_effort: {
      // A vendor's own levels ("default") pass through; only a translation has to know what a level means.
      check: effort,
      home: "canonical",
      elsewhere: "carried",
    },
    user: { check: text, home: "canonical", elsewhere: "carried" },
    safety_identifier: {
      check: text,
      home: "extras",
      elsewhere: "carried",
      docs: "The user, where user is absent.",
    },
    n: {
      check: countTo(128),
      home: "extras",
      elsewhere: refused(
        "greater than 1",
        `n greater than 1 ${because}. Send several requests instead.`,
        (value) => typeof value === "number" && value > 1,
      ),
      docs: "More than 1 only where no translation is needed.",
    },
    logprobs: {
      check: flag,
      home: "extras",
      elsewhere: refused("true", `logprobs ${because}.`, (value) => value === true),
    },
    top_logprobs: { home: "extras", elsewhere: "silent", docs: "Without logprobs it says nothing." },
    modalities: {
      check: listOfTexts,
      home: "extras",
      elsewhere: refused(
        "a list with anything but text",
        `Output other than text ${because}.`,
        (value) => Array.isArray(value) && value.some((each) => each !== "text"),
      ),
    },
    audio: { check: record, home: "extras", elsewhere: refused("given", `Spoken output ${because}.`) },
    seed: { check: integer, home: "extras", elsewhere: "noted" },
    logit_bias: { home: "extras", elsewhere: "noted" },
    frequency_penalty: { home: "extras", elsewhere: "noted" },
    presence_penalty: { home: "extras", elsewhere: "noted" },
    verbosity: { home: "extras", elsewhere: "noted" },
    prediction: { home: "extras", elsewhere: "noted" },
    web_search_options: { home: "extras", elsewhere: "noted" },
    store: { check: flag, home: "extras", elsewhere: "silent" },
    metadata: { check: record, home: "extras", elsewhere: "silent" },
    prompt_cache_key: { check: text, home: "extras", elsewhere: "silent", passthrough: "unchecked" },
    prompt_cache_retention: { home: "extras", elsewhere: "silent" },
    service_tier: { check: text, home: "extras", elsewhere: "named", passthrough: "unchecked" },
    functions: { home: "obsolete", elsewhere: "silent", instead: "tools" },
    function_call: { home: "obsolete", elsewhere: "silent", instead: "tool_choice" },
  },
  { addedByDecoder: ["response_format.description"] },
);
