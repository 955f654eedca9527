// Makes a tool's schema valid for every version of the program. If a keyword has an invalid value, the program silently
// leaves the tool out, and 2.1.197 leaves out all tools. Such a keyword is removed; every other one, known or not, stays
// as the client wrote it.

import { withFittingKeys } from "../anthropic-messages/property-keys.ts";
import { isRecord } from "../decoding.ts";
import { exclusive, hasItsValue, isPlainWord, textsOf, typeOf } from "./answer-schema.ts";

type Members = Readonly<Record<string, unknown>>;

/** No version of the program looks deeper. */
const deepest = 64;

const one = new Set(
  "additionalProperties contains propertyNames not if then else unevaluatedProperties unevaluatedItems".split(
    " ",
  ),
);
const several = new Set(["allOf", "anyOf", "oneOf", "prefixItems"]);
const byName = new Set(["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"]);
const texts = new Set(["$schema", "$id", "$anchor", "format", "pattern", "$dynamicRef", "$dynamicAnchor"]);

/** With a member of this name, 2.1.197 drops all tools of the request. */
const rejectedValues = ["constructor"];

/** Returns the same object where the schema is valid. */
export function toolSchema(schema: Members): Members {
  const shown = repairSchema(schema, 0);
  const whole = isRecord(shown) ? withFittingKeys(flattened(shown), rejectedValues) : schema;
  return Bun.deepEquals(whole, schema) ? schema : whole;
}

/**
 * The API accepts no schema combination at the top: the properties of all branches are shown, and those that `allOf` requires are
 * required.
 */
function flattened(schema: Members): Members {
  const { allOf, anyOf, oneOf, ...rest } = schema;
  if (allOf === undefined && anyOf === undefined && oneOf === undefined) return schema;
  const branches = (list: unknown): Members[] => (Array.isArray(list) ? list.filter(isRecord) : []);
  const all = [rest, ...branches(allOf)];
  const properties = Object.assign(
    {},
    ...[...branches(oneOf), ...branches(anyOf), ...all.toReversed()].map((each) => each["properties"]),
  ) as Members;
  const required = textsOf(all.flatMap((each) => (Array.isArray(each["required"]) ? each["required"] : [])));
  return { ...rest, properties, ...(required.length > 0 ? { required } : {}) };
}

function repairSchema(schema: unknown, depth: number): unknown {
  if (typeof schema === "boolean" || depth > deepest) return schema;
  if (!isRecord(schema)) return {};
  return Object.fromEntries(
    Object.entries(schema).flatMap(([word, value]) => Object.entries(wordOf(word, value, schema, depth + 1))),
  );
}

/** Converts one keyword: to itself, its newer name, or nothing. */
function wordOf(word: string, value: unknown, schema: Members, depth: number): Members {
  const within = (each: unknown): unknown => repairSchema(each, depth);
  const isSchema = typeof value === "boolean" || isRecord(value);
  if (texts.has(word)) return typeof value === "string" ? { [word]: value } : {};
  if (isPlainWord(word)) return hasItsValue(word, value) ? { [word]: value } : {};
  if (one.has(word)) return isSchema ? { [word]: within(value) } : {};
  if (several.has(word)) return Array.isArray(value) && value.length > 0 ? { [word]: value.map(within) } : {};
  if (byName.has(word))
    return isRecord(value)
      ? {
          [word]: Object.fromEntries(
            Object.entries(value).map(([name, each]) => [name, written(within(each))]),
          ),
        }
      : {};
  switch (word) {
    case "type":
      return typeOf(value);
    case "enum":
      return Array.isArray(value) && value.length > 0 ? { enum: value } : {};
    case "required":
      return Array.isArray(value) ? { required: textsOf(value) } : {};
    case "exclusiveMinimum":
      return exclusive(word, "minimum")(value, schema);
    case "exclusiveMaximum":
      return exclusive(word, "maximum")(value, schema);
    case "items":
      if (Array.isArray(value)) return value.length > 0 ? { prefixItems: value.map(within) } : {};
      return isSchema ? { items: within(value) } : {};
    case "additionalItems":
      // The items after the first ones now have another keyword.
      if (!isSchema) return {};
      return Array.isArray(schema["items"]) ? { items: within(value) } : { [word]: within(value) };
    default:
      return { [word]: value };
  }
}

/** 2.1.197 accepts no property whose schema is just true or false. */
function written(schema: unknown): unknown {
  if (typeof schema !== "boolean") return schema;
  return schema ? {} : { not: {} };
}
