// The members of a Messages request: one row per top-level member (member-table.ts). It must never describe the inside
// of a list or an object: decode-*.ts read that.

import { isRecord } from "../decoding.ts";
import type { MemberCheck, MemberKind, MemberRefusal } from "../member-row.ts";
import { MemberTable, upstreamRows } from "../member-table.ts";
import { isAbsent } from "../read-fields.ts";
import { invalid } from "./decode-content.ts";
import { threadRefused } from "./refuse-threads.ts";

type Schema = NonNullable<MemberCheck["schema"]>;

/** What fits, or null for an absent value. */
function optional<T>(
  kinds: readonly MemberKind[],
  wanted: string,
  fits: (value: unknown) => value is T,
  schema?: Schema,
): MemberCheck<T | null> {
  return {
    kinds,
    wanted,
    read(value, name) {
      if (isAbsent(value)) return null;
      if (!fits(value)) throw invalid(name, `must be ${wanted}`);
      return value;
    },
    ...(schema === undefined ? {} : { schema }),
  };
}

/** The same for a required member. */
function required<T>(
  kinds: readonly MemberKind[],
  wanted: string,
  fits: (value: unknown) => value is T,
  schema?: Schema,
): MemberCheck<T> {
  const { read } = optional(kinds, wanted, fits, schema);
  return {
    kinds,
    wanted,
    read(value, name) {
      const found = read(value, name);
      if (found === null) throw invalid(name, `must be ${wanted}`);
      return found;
    },
    ...(schema === undefined ? {} : { schema }),
  };
}

const isText = (value: unknown): value is string => typeof value === "string";
const isWord = (value: unknown): value is string => isText(value) && value !== "";
const isFlag = (value: unknown): value is boolean => typeof value === "boolean";
const isList = (value: unknown): value is unknown[] => Array.isArray(value);
const isFullList = (value: unknown): value is unknown[] => isList(value) && value.length > 0;
const isFraction = (value: unknown): value is number => typeof value === "number" && value >= 0 && value <= 1;
const isTextOrList = (value: unknown): value is string | unknown[] => isText(value) || isList(value);
const isWhole =
  (least: number) =>
  (value: unknown): value is number =>
    typeof value === "number" && Number.isSafeInteger(value) && value >= least;

const object = optional(["object"], "an object", isRecord, (zod) => zod.looseObject({}));
const flag = optional(["boolean"], "true or false", isFlag, (zod) => zod.boolean());
const fraction = optional(["number"], "a number from 0 to 1", isFraction, (zod) =>
  zod.number().min(0).max(1),
);
const wholeNumber = (least: number): MemberCheck<number | null> =>
  optional(["number"], `a whole number of at least ${least}`, isWhole(least), (zod) => zod.int().min(least));

const stops: MemberCheck<string[]> = {
  kinds: ["array"],
  wanted: "an array of strings",
  read(value, name) {
    if (isAbsent(value)) return [];
    if (!isList(value)) throw invalid(name, "must be an array of strings");
    return value.map((each: unknown, index) => {
      if (!isText(each)) throw invalid(`${name}[${index}]`, "must be a string");
      return each;
    });
  },
  schema: (zod) => zod.array(zod.string()),
};

const thread: MemberCheck<null> = {
  kinds: [],
  wanted: "null: threads are not kept here, send the whole history in messages",
  read(value) {
    if (!isAbsent(value)) throw threadRefused();
    return null;
  },
  schema: (zod) => zod.null(),
};

/** Features and guarantees that only this API has. */
const refused = (when: string, refuses: MemberRefusal["refuses"]): MemberRefusal => ({
  when,
  refuses,
  sentence: (name) => `${name}: the chosen model's API has no equivalent for it.`,
});
const givesSomething = (value: unknown): boolean => !isList(value) || value.length > 0;

export const requestMembers = new MemberTable(
  {
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
    thread: { check: thread, home: "extras", elsewhere: "silent" },
    model: {
      check: required(["string"], "a non-empty string", isWord, (zod) => zod.string().min(1)),
      home: "canonical",
      elsewhere: "carried",
      isRequired: true,
      isUnique: true,
      docs: "auto, a provider id, an alias, provider/model or a model id.",
    },
    messages: {
      check: required(["array"], "a non-empty array", isFullList),
      home: "canonical",
      elsewhere: "carried",
      isRequired: true,
      isUnique: true,
    },
    max_tokens: {
      check: wholeNumber(1),
      home: "canonical",
      elsewhere: "carried",
      isRequired: true,
      isUnique: true,
      docs: "Required, as at Anthropic; not for a count of tokens.",
    },
    stream: { check: flag, home: "canonical", elsewhere: "carried", isUnique: true },
    system: {
      check: optional(["string", "array"], "a string or an array of content blocks", isTextOrList),
      home: "canonical",
      elsewhere: "carried",
    },
    tools: { check: optional(["array"], "an array", isList), home: "canonical", elsewhere: "carried" },
    tool_choice: { check: object, home: "canonical", elsewhere: "carried" },
    thinking: {
      check: object,
      home: "canonical",
      elsewhere: "carried",
      docs: "A type that is not known here is refused for other formats.",
    },
    output_config: {
      check: object,
      home: "canonical",
      elsewhere: "carried",
      docs: "effort and format; what is not known of them is refused for other formats.",
    },
    temperature: { check: fraction, home: "canonical", elsewhere: "carried", passthrough: "kind-only" },
    top_p: { check: fraction, home: "canonical", elsewhere: "carried", passthrough: "kind-only" },
    top_k: { check: wholeNumber(0), home: "canonical", elsewhere: "carried", passthrough: "kind-only" },
    stop_sequences: { check: stops, home: "canonical", elsewhere: "carried" },
    metadata: { check: object, home: "canonical", elsewhere: "carried", docs: "user_id is understood." },
    output_format: {
      check: object,
      home: "extras",
      elsewhere: "carried",
      passthrough: "unchecked",
      docs: "The older spelling of output_config.format.",
    },
    container: { home: "extras", elsewhere: refused("given", givesSomething) },
    mcp_servers: { home: "extras", elsewhere: refused("a list that names a server", givesSomething) },
    inference_geo: {
      home: "extras",
      elsewhere: refused(
        "anything but global: a promise of where the data stays, which no other vendor has given",
        (value) => isText(value) && value !== "global",
      ),
    },
    safeguards: { home: "extras", elsewhere: refused("given", givesSomething) },
    tags: { home: "extras", elsewhere: "named" },
    context_management: { home: "extras", elsewhere: "noted" },
    cache_control: { home: "extras", elsewhere: "silent", docs: "Noted as `cache-marks-dropped`." },
    service_tier: { home: "extras", elsewhere: "named" },
  },
  { upstreamRefused: (name) => invalid(name, "is not accepted by this gateway") },
);
