// The config as JSON Schema (for editors, the reference and "did you mean"). Generated from the zod schema, never written by hand.

import { z } from "zod";
import type { Path } from "./document.ts";
import { configSchema } from "./schema.ts";

/** The subset of JSON Schema that zod produces for this config. */
export type JsonSchema = {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
};

/** JSON Schema (2020-12) of the config file. */
export function configJsonSchema(): JsonSchema {
  return z.toJSONSchema(configSchema, { io: "input" }) as JsonSchema;
}

/** The schemas that apply to a value at this place: one, or the branches of a union. */
export function alternatives(schema: JsonSchema, root: JsonSchema): readonly JsonSchema[] {
  if (schema.$ref !== undefined) {
    const target = root.$defs?.[schema.$ref.replace("#/$defs/", "")];
    return target === undefined ? [] : alternatives(target, root);
  }
  const branches = schema.anyOf ?? schema.oneOf;
  return branches === undefined ? [schema] : branches.flatMap((branch) => alternatives(branch, root));
}

/** The keys that are allowed in the map at `path`. */
export function knownKeysAt(path: Path, root: JsonSchema): readonly string[] {
  let places = alternatives(root, root);
  for (const part of path) {
    places = places.flatMap((place) => {
      if (typeof part === "number") return place.items === undefined ? [] : alternatives(place.items, root);
      const property = place.properties?.[part] ?? place.additionalProperties;
      return typeof property === "object" ? alternatives(property, root) : [];
    });
  }
  return [...new Set(places.flatMap((place) => Object.keys(place.properties ?? {})))];
}
