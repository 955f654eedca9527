// A value that fits a JSON Schema: the demonstration fills tool arguments and structured answers with it.
// It must never loop: schemas come from clients and may refer to themselves.

type Schema = Readonly<Record<string, unknown>>;

const deepestLevel = 12;
// From this depth on, only required parts are generated, so that a recursive schema ends.
const sparseLevel = 5;

const formats: Readonly<Record<string, string>> = {
  date: "2026-01-01",
  "date-time": "2026-01-01T12:00:00Z",
  time: "12:00:00Z",
  duration: "PT1H",
  email: "demo@example.com",
  hostname: "example.com",
  ipv4: "127.0.0.1",
  ipv6: "::1",
  uri: "https://example.com/",
  url: "https://example.com/",
  uuid: "00000000-0000-4000-8000-000000000000",
};

/** The smallest honest value: required properties, the right types, an enum's first value. `pattern` and `not` are not read. */
export function sampleOf(schema: unknown): unknown {
  return valueFor(schema, schema, 0);
}

function valueFor(schema: unknown, root: unknown, depth: number): unknown {
  const resolved = merged(schema, root, 0);
  if (resolved === null || depth > deepestLevel) return null;
  if ("const" in resolved) return resolved["const"];
  const choices = resolved["enum"];
  if (Array.isArray(choices) && choices.length > 0) return choices[0] as unknown;
  const examples = resolved["examples"];
  if ("default" in resolved) return resolved["default"];
  if (Array.isArray(examples) && examples.length > 0) return examples[0] as unknown;
  switch (typeOf(resolved)) {
    case "object":
      return objectFor(resolved, root, depth);
    case "array":
      return arrayFor(resolved, root, depth);
    case "string":
      return stringFor(resolved);
    case "integer":
      return numberFor(resolved, 1);
    case "number":
      return numberFor(resolved, 0);
    case "boolean":
      return true;
    default:
      return null;
  }
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** One plain schema: references followed, `allOf` joined, the first alternative that is not null taken. */
function merged(schema: unknown, root: unknown, hops: number): Schema | null {
  if (schema === true) return {};
  if (!isSchema(schema) || hops > deepestLevel) return null;
  const { $ref: reference, allOf, anyOf, oneOf, ...own } = schema;
  const parts: unknown[] = [];
  if (typeof reference === "string") parts.push(pointedAt(reference, root));
  if (Array.isArray(allOf)) parts.push(...(allOf as unknown[]));
  for (const alternatives of [anyOf, oneOf]) {
    if (!Array.isArray(alternatives)) continue;
    const all = alternatives as unknown[];
    parts.push(all.find((each) => !isSchema(each) || each["type"] !== "null") ?? all[0]);
  }
  return parts.reduce<Schema>((sum, part) => joined(merged(part, root, hops + 1) ?? {}, sum), own);
}

function joined(one: Schema, two: Schema): Schema {
  const sum: Record<string, unknown> = { ...one, ...two };
  if (isSchema(one["properties"]) && isSchema(two["properties"]))
    sum["properties"] = { ...one["properties"], ...two["properties"] };
  if (Array.isArray(one["required"]) && Array.isArray(two["required"]))
    sum["required"] = [...new Set<unknown>([...one["required"], ...two["required"]])];
  return sum;
}

/** A local JSON pointer (`#`, `#/$defs/Name`); anything else is unknown and allows everything. */
function pointedAt(reference: string, root: unknown): unknown {
  if (!reference.startsWith("#")) return true;
  let at: unknown = root;
  for (const step of reference.slice(1).split("/").slice(1)) {
    const name = decodeLoosely(step).replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, name)) return true;
    at = (at as Record<string, unknown>)[name];
  }
  return at;
}

function decodeLoosely(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}

function typeOf(schema: Schema): string | null {
  const type = schema["type"];
  if (typeof type === "string") return type;
  if (Array.isArray(type)) {
    const names = type as unknown[];
    const name = names.find((each) => each !== "null") ?? names[0];
    return typeof name === "string" ? name : null;
  }
  if ("properties" in schema || "required" in schema) return "object";
  if ("items" in schema || "prefixItems" in schema) return "array";
  if ("minimum" in schema || "maximum" in schema || "multipleOf" in schema) return "number";
  // A schema without constraints allows a string as well.
  return "string";
}

function objectFor(schema: Schema, root: unknown, depth: number): Record<string, unknown> {
  const properties = isSchema(schema["properties"]) ? schema["properties"] : {};
  const required = Array.isArray(schema["required"]) ? (schema["required"] as unknown[]) : [];
  const names = required.filter((name) => typeof name === "string");
  const entries = names.map((name) => {
    const property = Object.hasOwn(properties, name) ? properties[name] : true;
    return [name, valueFor(property, root, depth + 1)] as const;
  });
  return Object.fromEntries(entries);
}

function arrayFor(schema: Schema, root: unknown, depth: number): unknown[] {
  const least = countOf(schema["minItems"]) ?? 0;
  const most = countOf(schema["maxItems"]) ?? Number.POSITIVE_INFINITY;
  const heads = Array.isArray(schema["prefixItems"]) ? (schema["prefixItems"] as unknown[]) : [];
  const wanted = depth >= sparseLevel ? least : Math.max(least, heads.length, 1);
  const length = Math.min(wanted, most, 100);
  return Array.from({ length }, (_, i) => valueFor(heads[i] ?? schema["items"] ?? true, root, depth + 1));
}

function stringFor(schema: Schema): string {
  const format = schema["format"];
  const text = (typeof format === "string" ? formats[format] : undefined) ?? "example";
  const least = Math.min(countOf(schema["minLength"]) ?? 0, 10_000);
  return text.padEnd(least, "x").slice(0, Math.max(least, countOf(schema["maxLength"]) ?? text.length));
}

/** `grain` 1 makes whole numbers. */
function numberFor(schema: Schema, grain: number): number {
  const least = limitOf(schema["minimum"], schema["exclusiveMinimum"], 1);
  const most = limitOf(schema["maximum"], schema["exclusiveMaximum"], -1);
  const step = typeof schema["multipleOf"] === "number" ? Math.abs(schema["multipleOf"]) || grain : grain;
  if (step > 0) {
    const lowest = least === null ? Number.NEGATIVE_INFINITY : Math.ceil(least / step) * step;
    const highest = most === null ? Number.POSITIVE_INFINITY : Math.floor(most / step) * step;
    return Math.max(Math.min(step, highest), lowest);
  }
  if (least !== null && most !== null) return (least + most) / 2;
  return least ?? (most !== null ? Math.min(1, most) : 1);
}

/** The bound as one number; an exclusive one is moved inwards by `inwards`. */
function limitOf(inclusive: unknown, exclusive: unknown, inwards: number): number | null {
  // Draft 4 wrote `exclusiveMinimum: true` next to the minimum.
  if (typeof inclusive === "number") return exclusive === true ? inclusive + inwards : inclusive;
  return typeof exclusive === "number" ? exclusive + inwards : null;
}

function countOf(value: unknown): number | null {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null;
}
