// The manual's table of config keys, generated from the schema.

import { alternatives, configJsonSchema, type JsonSchema } from "./json-schema.ts";
import { variableKeys } from "./overrides.ts";

export type ReferenceRow = {
  readonly key: string;
  readonly type: string;
  readonly fallback: string;
  readonly meaning: string;
};

function typeOf(schema: JsonSchema, root: JsonSchema): string {
  const words = alternatives(schema, root).map((place) => {
    if (place.enum !== undefined) return place.enum.map(String).join(", ");
    if (place.const !== undefined) return String(place.const);
    if (place.type === "array")
      return place.items === undefined ? "list" : `list of ${typeOf(place.items, root)}`;
    if (place.type === "object") return "map";
    return place.type === "integer" ? "whole number" : (place.type ?? "any");
  });
  return [...new Set(words)].join(" or ");
}

function fallbackOf(schema: JsonSchema, isRequired: boolean): string {
  if (isRequired) return "required";
  const value = schema.default;
  if (value === undefined) return "";
  const isEmptyMap = typeof value === "object" && value !== null && Object.keys(value).length === 0;
  return isEmptyMap && !Array.isArray(value) ? "" : JSON.stringify(value);
}

/** Every key; `<id>` is a name that the operator chooses, `[]` an entry of a list. */
export function referenceRows(): readonly ReferenceRow[] {
  const root = configJsonSchema();

  function below(schema: JsonSchema, path: string, isOpen: ReadonlySet<string>): readonly ReferenceRow[] {
    // A block that may contain itself (any, all, not) is expanded once.
    if (schema.$ref !== undefined) {
      if (isOpen.has(schema.$ref)) return [];
      return alternatives(schema, root).flatMap((place) =>
        below(place, path, new Set([...isOpen, schema.$ref ?? ""])),
      );
    }
    const branches = schema.anyOf ?? schema.oneOf;
    if (branches !== undefined) return branches.flatMap((branch) => below(branch, path, isOpen));
    if (schema.items !== undefined) return below(schema.items, `${path}[]`, isOpen);
    const own = Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
      const key = path === "" ? name : `${path}.${name}`;
      const isRequired = schema.required?.includes(name) ?? false;
      const row = {
        key,
        type: typeOf(property, root),
        fallback: fallbackOf(property, isRequired),
        meaning: property.description ?? alternatives(property, root)[0]?.description ?? "",
      };
      return [row, ...below(property, key, isOpen)];
    });
    const entry = schema.additionalProperties;
    return [...own, ...(typeof entry === "object" ? below(entry, `${path}.<id>`, isOpen) : [])];
  }

  // The branches of a union may share a key (`auth.type`): then one row lists all types.
  const rows = Map.groupBy(below(root, "", new Set()), (row) => row.key);
  return [...rows.values()].flatMap((same) => {
    const types = [...new Set(same.map((row) => row.type))].join(", ");
    return same.slice(0, 1).map((row) => ({ ...row, type: types }));
  });
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

function code(text: string): string {
  return text === "" ? "" : `\`${cell(text)}\``;
}

export function referenceText(): string {
  const keys = referenceRows().map(
    (row) => `| \`${row.key}\` | ${cell(row.type)} | ${code(row.fallback)} | ${cell(row.meaning)} |`,
  );
  const variables = variableKeys.map(({ variable, key }) => `| \`${variable}\` | ${key} |`);
  return [
    "| key | type | default | meaning |",
    "| --- | --- | --- | --- |",
    ...keys,
    "",
    "Environment variables override the file, and flags override both:",
    "",
    "| variable | sets |",
    "| --- | --- |",
    ...variables,
  ].join("\n");
}
