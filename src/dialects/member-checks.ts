// The checks that rows of member tables share: which JSON types pass, the error text for others, and the schema for the API
// description. A check must never look at another member.

import type { z } from "zod";
import type { MemberCheck, MemberKind, ZodFunctions } from "./member-row.ts";
import {
  isAbsent,
  optionalBoolean,
  optionalCount,
  optionalInteger,
  optionalList,
  optionalNumber,
  optionalRecord,
  optionalText,
  textAt,
  wrongKind,
} from "./read-fields.ts";

export const text: MemberCheck<string | null> = {
  kinds: ["string"],
  wanted: "a string",
  read: optionalText,
  schema: (zod) => zod.string(),
};

/** The same for a required member. */
export const requiredText: MemberCheck<string> = { ...text, read: textAt };

export const flag: MemberCheck<boolean | null> = {
  kinds: ["boolean"],
  wanted: "true or false",
  read: optionalBoolean,
  schema: (zod) => zod.boolean(),
};

export const list: MemberCheck<readonly unknown[]> = {
  kinds: ["array"],
  wanted: "an array",
  read: optionalList,
  schema: (zod) => zod.array(zod.unknown()),
};

export const listOfTexts: MemberCheck<readonly string[]> = {
  kinds: ["array"],
  wanted: "an array of strings",
  read: (value, name) => optionalList(value, name).map((each, i) => textAt(each, `${name}[${i}]`)),
  schema: (zod) => zod.array(zod.string()),
};

export const record: MemberCheck<Record<string, unknown> | null> = {
  kinds: ["object"],
  wanted: "an object",
  read: optionalRecord,
  schema: (zod) => zod.looseObject({}),
};

export const integer: MemberCheck<number | null> = {
  kinds: ["number"],
  wanted: "a whole number",
  read: optionalInteger,
  schema: (zod) => zod.number().multipleOf(1),
};

export const count: MemberCheck<number | null> = {
  kinds: ["number"],
  wanted: "a positive whole number",
  read: (value, name) => optionalCount(value, name),
  schema: (zod) => zod.number().int().positive(),
};

export const countTo = (most: number): MemberCheck<number | null> => ({
  kinds: ["number"],
  wanted: `a positive whole number of at most ${most}`,
  read: (value, name) => optionalCount(value, name, most),
  schema: (zod) => zod.number().int().positive().max(most),
});

export const numberIn = (least: number, most: number): MemberCheck<number | null> => ({
  kinds: ["number"],
  wanted: `a number from ${least} to ${most}`,
  read: (value, name) => optionalNumber(value, name, least, most),
  schema: (zod) => zod.number().min(least).max(most),
});

/** Only the JSON type is checked; the decoder reads the content. */
export const ofKinds = (wanted: string, kinds: readonly MemberKind[]): MemberCheck => ({
  kinds,
  wanted,
  read: (value, name) => {
    if (!isAbsent(value) && !kinds.includes(kindOf(value))) throw wrongKind(name, wanted, value);
    return value;
  },
  schema: (zod) => zod.union(kinds.map((kind) => schemaOfKind(zod, kind))),
});

/** The same check, but a value of another type gets an error that names the bare type. */
export const kindFirst = <T>(wanted: string, check: MemberCheck<T>): MemberCheck<T> => ({
  ...check,
  read: (value, name) => {
    if (!isAbsent(value) && !check.kinds.includes(kindOf(value))) throw wrongKind(name, wanted, value);
    return check.read(value, name);
  },
});

function schemaOfKind(zod: ZodFunctions, kind: MemberKind): z.ZodType {
  if (kind === "object") return zod.looseObject({});
  return kind === "array" ? zod.array(zod.unknown()) : kind === "null" ? zod.null() : zod[kind]();
}

function kindOf(value: unknown): MemberKind {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  const type = typeof value;
  return type === "string" || type === "number" || type === "boolean" ? type : "object";
}
