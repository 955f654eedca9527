// Turns Google's own schema form (a subset of OpenAPI 3.0: "STRING", `nullable`, counts as strings) into JSON Schema for other
// formats. The original travels in the extras; the result must never be sent to Google in its place.

import { isRecord } from "../decoding.ts";

/** int64 fields, which JSON writes as strings (ai.google.dev/api/caching#Schema). */
const counts: ReadonlySet<string> = new Set([
  "minItems",
  "maxItems",
  "minLength",
  "maxLength",
  "minProperties",
  "maxProperties",
]);
const dropped: ReadonlySet<string> = new Set([
  "nullable",
  "propertyOrdering",
  "property_ordering",
  "example",
]);
const snakeNames: ReadonlyMap<string, string> = new Map([
  ["any_of", "anyOf"],
  ["min_items", "minItems"],
  ["max_items", "maxItems"],
  ["min_length", "minLength"],
  ["max_length", "maxLength"],
  ["min_properties", "minProperties"],
  ["max_properties", "maxProperties"],
]);

export function jsonSchemaOf(schema: unknown): unknown {
  if (!isRecord(schema)) return schema;
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(schema)) {
    const named = snakeNames.get(key) ?? key;
    if (dropped.has(key) || key === "__proto__") continue;
    if (named === "type") {
      const type = typeOf(value, schema["nullable"] === true);
      if (type !== undefined) out["type"] = type;
    } else if (named === "properties" && isRecord(value))
      out["properties"] = Object.fromEntries(
        Object.entries(value).map(([property, inner]) => [property, jsonSchemaOf(inner)]),
      );
    else if (named === "anyOf" && Array.isArray(value)) out["anyOf"] = value.map(jsonSchemaOf);
    else if (named === "items") out["items"] = jsonSchemaOf(value);
    else if (counts.has(named) && typeof value === "string" && /^\d{1,15}$/.test(value))
      out[named] = Number(value);
    else out[named] = value;
  }
  if (schema["nullable"] === true && Array.isArray(out["enum"]) && !out["enum"].includes(null))
    out["enum"] = [...(out["enum"] as readonly unknown[]), null];
  return out;
}

function typeOf(value: unknown, isNullable: boolean): unknown {
  if (typeof value !== "string") return value;
  const type = value.toLowerCase();
  if (type === "type_unspecified") return undefined;
  return isNullable && type !== "null" ? [type, "null"] : type;
}
