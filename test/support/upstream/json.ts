// Safe access to parsed JSON of unknown shape, for the fake vendor. It must never throw on strange input.

export type Json = Readonly<Record<string, unknown>>;

export function recordOf(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export function numberOf(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

/** Parsed JSON, or undefined if `text` is not JSON. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** A small value that fits a JSON Schema: enough for structured output and forced tools. */
export function exampleOf(schema: unknown): unknown {
  const node = recordOf(schema);
  if ("const" in node) return node.const;
  const choices = listOf(node.enum);
  if (choices.length > 0) return choices[0];
  const union = listOf(node.anyOf ?? node.oneOf);
  if (union.length > 0) return exampleOf(union[0]);
  const type = Array.isArray(node.type) ? node.type[0] : node.type;
  // Gemini's own schemas write types in upper case.
  switch (typeof type === "string" ? type.toLowerCase() : type) {
    case "string":
      return "text";
    case "integer":
    case "number":
      return 1;
    case "boolean":
      return true;
    case "null":
      return null;
    case "array":
      return [exampleOf(node.items)];
    default: {
      const properties = recordOf(node.properties);
      return Object.fromEntries(Object.entries(properties).map(([name, inner]) => [name, exampleOf(inner)]));
    }
  }
}
