// The members of a Responses request: one row per top-level member (member-table.ts). It must never describe the inside
// of a list or an object: decode-*.ts read that.

import {
  count,
  flag,
  integer,
  kindFirst,
  list,
  listOfTexts,
  numberIn,
  ofKinds,
  record,
  requiredText,
  text,
} from "../member-checks.ts";
import type { MemberRefusal } from "../member-row.ts";
import { MemberTable, upstreamRows } from "../member-table.ts";

export const because = "the chosen model's API has no equivalent";
export const logprobsInclude = "message.output_text.logprobs";

/** What is stored at the vendor, or an answer of another kind. */
const refused = (
  when: string,
  why: string,
  refuses: MemberRefusal["refuses"] = () => true,
): MemberRefusal => ({
  when,
  refuses,
  sentence: (name) => `${name} is not possible here: ${why}.`,
});

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
    input: {
      check: ofKinds("a string or an array of items", ["string", "array"]),
      home: "canonical",
      elsewhere: "carried",
      isRequired: true,
      nullPassesThrough: true,
      isUnique: true,
    },
    instructions: { check: text, home: "canonical", elsewhere: "carried" },
    stream: {
      check: flag,
      home: "canonical",
      elsewhere: "carried",
      passthrough: "unchecked",
      isUnique: true,
    },
    tools: { check: list, home: "canonical", elsewhere: "carried" },
    tool_choice: {
      check: ofKinds("a string or an object", ["string", "object"]),
      home: "canonical",
      elsewhere: "carried",
      isRewritten: true,
    },
    parallel_tool_calls: { check: flag, home: "canonical", elsewhere: "carried" },
    max_output_tokens: {
      check: kindFirst("a number", count),
      home: "canonical",
      elsewhere: "carried",
      isUnique: true,
    },
    temperature: { check: kindFirst("a number", numberIn(0, 2)), home: "canonical", elsewhere: "carried" },
    top_p: { check: kindFirst("a number", numberIn(0, 1)), home: "canonical", elsewhere: "carried" },
    reasoning: {
      check: record,
      home: "canonical",
      elsewhere: "carried",
      isRewritten: true,
      docs: "effort is carried over; the rest goes to models of this format only.",
    },
    text: {
      check: record,
      home: "canonical",
      elsewhere: "carried",
      isRewritten: true,
      docs: "format is carried over; verbosity is left out, noted as verbosity-dropped.",
    },
    user: { check: text, home: "canonical", elsewhere: "carried" },
    store: {
      check: flag,
      home: "extras",
      elsewhere: refused(
        "true",
        "nothing is stored here (responses_store.mode is off); send store: false and the whole input",
        (value) => value === true,
      ),
      docs: "true: a provider that speaks this API keeps the answer; for every other one the gateway does (responses_store).",
    },
    previous_response_id: {
      check: text,
      home: "extras",
      elsewhere: refused(
        "given",
        "nothing is stored here (responses_store.mode is off); send the whole history in input",
      ),
      docs: "An answer that the gateway keeps, for every provider; a vendor's own id only where the provider speaks this API itself.",
    },
    conversation: {
      check: ofKinds("a string or an object", ["string", "object"]),
      home: "extras",
      elsewhere: refused(
        "given",
        "conversations are not kept here; use previous_response_id, or send the whole history in input",
      ),
      docs: "Only where the provider speaks this API itself.",
    },
    background: {
      check: flag,
      home: "extras",
      elsewhere: refused(
        "true",
        "answers are not kept for later (responses_store.mode is off); use stream",
        (value) => value === true,
      ),
      docs: "With store: true; the gateway runs it on, and GET /v1/responses/{id} tells how far it is.",
    },
    prompt: {
      check: record,
      home: "extras",
      elsewhere: refused("given", "prompt templates are stored at OpenAI; send instructions and input"),
      docs: "Only where the provider speaks this API itself.",
    },
    top_logprobs: {
      check: kindFirst("a number", integer),
      home: "extras",
      elsewhere: refused("above 0", because, (value) => typeof value === "number" && value > 0),
    },
    include: {
      check: listOfTexts,
      home: "extras",
      elsewhere: refused(
        "a list with log probabilities",
        `${because} for log probabilities`,
        (value) => Array.isArray(value) && value.includes(logprobsInclude),
      ),
    },
    truncation: { check: text, home: "extras", elsewhere: "noted", usual: "disabled" },
    max_tool_calls: { check: kindFirst("a number", count), home: "extras", elsewhere: "noted" },
    metadata: { check: record, home: "extras", elsewhere: "silent" },
    client_metadata: { home: "extras", elsewhere: "silent" },
    stream_options: { check: record, home: "extras", elsewhere: "silent" },
    prompt_cache_key: { check: text, home: "extras", elsewhere: "silent" },
    prompt_cache_retention: { check: text, home: "extras", elsewhere: "silent" },
    service_tier: { check: text, home: "extras", elsewhere: "named" },
    safety_identifier: {
      check: text,
      home: "extras",
      elsewhere: "carried",
      docs: "The user, where user is absent.",
    },
  },
  { addedByDecoder: ["hosted_tools"] },
);
