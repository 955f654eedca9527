// Rewrites a schema for the program's own validator: JSON Schema of 2019 and earlier, without unknown keywords. At one unknown
// keyword the program silently leaves out its answer tool, and the model answers without the schema. Newer keywords are replaced
// by older ones where possible; a schema may become looser here, and must never become stricter.

import { withFittingKeys } from "../anthropic-messages/property-keys.ts";
import { isRecord } from "../decoding.ts";

type Members = Readonly<Record<string, unknown>>;
type Change = (value: unknown, members: Members) => Members;

/** Deeper parts of a schema are not enforced. */
const deepest = 64;

const types = new Set(["object", "array", "string", "number", "integer", "boolean", "null"]);
const isText = (value: unknown): value is string => typeof value === "string";
const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;
const isFlag = (value: unknown): boolean => typeof value === "boolean";

/** Keywords that stay unchanged when their value has the right type. */
const plain: Readonly<Record<string, (value: unknown) => boolean>> = {
  ...Object.fromEntries(["title", "description", "$comment"].map((word) => [word, isText])),
  ...Object.fromEntries(["contentEncoding", "contentMediaType", "$ref"].map((word) => [word, isText])),
  ...Object.fromEntries(["minimum", "maximum"].map((word) => [word, isNumber])),
  ...Object.fromEntries(["minLength", "maxLength", "minItems", "maxItems"].map((word) => [word, isCount])),
  ...Object.fromEntries(["minProperties", "maxProperties"].map((word) => [word, isCount])),
  ...Object.fromEntries(["uniqueItems", "deprecated", "readOnly", "writeOnly"].map((word) => [word, isFlag])),
  multipleOf: (value) => isNumber(value) && value > 0,
  examples: Array.isArray,
  $schema: (value) => value === "http://json-schema.org/draft-07/schema#",
  default: () => true,
  const: () => true,
  pattern: isPattern,
};

export const isPlainWord = (word: string): boolean => Object.hasOwn(plain, word);

/** Checks a keyword whose value is not a schema. */
export const hasItsValue = (word: string, value: unknown): boolean => plain[word]?.(value) === true;

/** The validator compiles patterns with the `u` flag. */
function isPattern(value: unknown): boolean {
  try {
    return isText(value) && new RegExp(value, "u") instanceof RegExp;
  } catch {
    return false;
  }
}

/** Returns the same object where nothing has to change. */
export function answerSchema(schema: unknown): unknown {
  const fitting = isRecord(schema) ? withFittingKeys(schema) : schema;
  const dead = new Set<string>();
  for (let round = 1; ; round++) {
    const known = simplified(fitting, { dead, depth: 0, done: new Map(), isLast: round === maxRounds });
    const more = referencesIn(known).filter((each) => !leadsSomewhere(each, known));
    if (more.length === 0) return Bun.deepEquals(known, schema) ? schema : known;
    // Their targets are gone or never existed.
    for (const each of more) dead.add(each);
  }
}

/** Each pass may remove the target of another reference; the last pass leaves none. */
const maxRounds = 4;

type Way = {
  /** References to leave out. */
  readonly dead: ReadonlySet<string>;
  /** All references are left out. */
  readonly isLast: boolean;
  readonly depth: number;
  /** Some schemas are visited more than once, and their subschemas too. */
  readonly done: Map<unknown, unknown>;
};

function simplified(schema: unknown, way: Way): unknown {
  if (typeof schema === "boolean") return schema;
  if (!isRecord(schema) || way.depth > deepest) return {};
  const earlier = way.done.get(schema);
  if (earlier !== undefined) return earlier;
  const known = membersOf(schema, way);
  // The validator knows this keyword only next to a type.
  const isOpen = schema["nullable"] === true && !("type" in known);
  const whole = isOpen ? { anyOf: [known, { type: "null" }] } : known;
  way.done.set(schema, whole);
  return whole;
}

function membersOf(schema: Members, way: Way): Members {
  const change = changes({ ...way, depth: way.depth + 1 });
  const known: Record<string, unknown> = {};
  for (const [word, value] of Object.entries(schema)) {
    if (isPlainWord(word) && hasItsValue(word, value)) {
      const isDead = word === "$ref" && (way.isLast || way.dead.has(String(value)));
      if (!isDead) known[word] = value;
    } else if (Object.hasOwn(change, word)) mergeInto(known, change[word]?.(value, schema) ?? {});
  }
  if (schema["nullable"] === true && "type" in known) known["nullable"] = true;
  const { format } = schema;
  if (!isText(format)) return known;
  // 2.1.197 knows no formats; the model can still read the keyword.
  const described = isText(known["description"]) ? `${known["description"]} ` : "";
  return { ...known, description: `${described}(format: ${format})` };
}

/** Two keywords may have the same older form. */
function mergeInto(known: Record<string, unknown>, more: Members): void {
  for (const [word, value] of Object.entries(more)) {
    const before = known[word];
    known[word] = isRecord(before) && isRecord(value) ? { ...before, ...value } : value;
  }
}

function changes(way: Way): Readonly<Record<string, Change>> {
  const within = (value: unknown): unknown => simplified(value, way);
  /** A looser subschema would make these keywords stricter. */
  const isKept = (value: unknown): boolean => Bun.deepEquals(within(value), value);
  const one =
    (word: string): Change =>
    (value) => ({ [word]: within(value) });
  const several =
    (word: string): Change =>
    (value) =>
      Array.isArray(value) && value.length > 0 ? { [word]: value.map(within) } : {};
  const byName =
    (word: string): Change =>
    (value) =>
      isRecord(value) ? { [word]: mapped(value, within) } : {};
  const branch =
    (word: string): Change =>
    (value, members) =>
      "if" in members && isKept(members["if"]) ? { [word]: within(value) } : {};
  const dependencies: Change = (value) =>
    isRecord(value)
      ? { dependencies: mapped(value, (each) => (Array.isArray(each) ? textsOf(each) : within(each))) }
      : {};
  const isNamedWhole = ({ patternProperties: named }: Members): boolean =>
    !isRecord(named) || Object.keys(named).every(isPattern);
  return {
    type: (value) => typeOf(value),
    enum: (value) => (Array.isArray(value) && value.length > 0 ? { enum: distinct(value) } : {}),
    required: (value) => (Array.isArray(value) ? { required: textsOf(value) } : {}),
    example: (value, members) => ("examples" in members ? {} : { examples: [value] }),
    exclusiveMinimum: exclusive("exclusiveMinimum", "minimum"),
    exclusiveMaximum: exclusive("exclusiveMaximum", "maximum"),
    $defs: byName("$defs"),
    definitions: byName("definitions"),
    properties: byName("properties"),
    patternProperties: (value) =>
      isRecord(value) ? { patternProperties: mapped(onlyThose(value, isPattern), within) } : {},
    allOf: several("allOf"),
    anyOf: several("anyOf"),
    oneOf: (value, members) =>
      several(Array.isArray(value) && value.every(isKept) ? "oneOf" : "anyOf")(value, members),
    prefixItems: several("items"),
    items: (value, members) => {
      if (Array.isArray(members["prefixItems"])) return { additionalItems: within(value) };
      return Array.isArray(value) ? several("items")(value, members) : { items: within(value) };
    },
    additionalItems: one("additionalItems"),
    additionalProperties: (value, members) =>
      isNamedWhole(members) ? { additionalProperties: within(value) } : {},
    contains: (value, { minContains }) => (minContains === 0 ? {} : { contains: within(value) }),
    propertyNames: one("propertyNames"),
    not: (value) => (isKept(value) ? { not: within(value) } : {}),
    if: (value) => (isKept(value) ? { if: within(value) } : {}),
    ...Object.fromEntries(["then", "else"].map((word) => [word, branch(word)])),
    dependencies,
    dependentRequired: dependencies,
    dependentSchemas: dependencies,
  };
}

/** Draft 4 uses a boolean flag next to the bound. */
export function exclusive(word: string, bound: string): Change {
  return (value, members) => {
    if (isNumber(value)) return { [word]: value };
    return value === true && isNumber(members[bound]) ? { [word]: members[bound] } : {};
  };
}

const mapped = (record: Members, change: (value: unknown) => unknown): Members =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
const onlyThose = (record: Members, fits: (name: string) => boolean): Members =>
  Object.fromEntries(Object.entries(record).filter(([name]) => fits(name)));

export function typeOf(value: unknown): Members {
  const list = (Array.isArray(value) ? distinct(value) : [value]).filter(
    (each) => isText(each) && types.has(each),
  );
  // The rest of the constraint cannot be expressed, so anything is allowed.
  const isWhole = list.length > 0 && list.length === (Array.isArray(value) ? distinct(value).length : 1);
  return isWhole ? { type: Array.isArray(value) ? list : list[0] } : {};
}

const distinct = (list: readonly unknown[]): unknown[] => [
  ...new Map(list.map((each) => [JSON.stringify(each), each])).values(),
];
export const textsOf = (list: readonly unknown[]): unknown[] => distinct(list).filter(isText);

/** Values, not schemas. */
const values = new Set(["enum", "const", "default", "examples", "required"]);

function referencesIn(node: unknown): string[] {
  if (Array.isArray(node)) return node.flatMap(referencesIn);
  if (!isRecord(node)) return [];
  return Object.entries(node).flatMap(([word, value]) => {
    if (word === "$ref" && isText(value)) return [value];
    return values.has(word) ? [] : referencesIn(value);
  });
}

/** Whether it leads to a schema, and not only to circular references, which no validator can follow. */
function leadsSomewhere(reference: string, root: unknown): boolean {
  const passed = new Set<string>();
  for (let at = reference; ;) {
    if (passed.has(at)) return false;
    passed.add(at);
    const place = placeOf(at, root);
    if (!isRecord(place)) return typeof place === "boolean";
    // Siblings of a reference are ignored.
    if (!isText(place["$ref"])) return true;
    at = place["$ref"];
  }
}

function placeOf(reference: string, root: unknown): unknown {
  if (reference === "#") return root;
  if (!reference.startsWith("#/")) return undefined;
  let place: unknown = root;
  for (const part of reference.slice(2).split("/")) {
    const name = decoded(part).replaceAll("~1", "/").replaceAll("~0", "~");
    place = Array.isArray(place) ? place[Number(name)] : isRecord(place) ? place[name] : undefined;
  }
  return place;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
