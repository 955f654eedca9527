// Tool argument names that Anthropic refuses (`filter[id]`, `$select`, `Account Number`): described in text instead, so that the
// model still uses the original names. It must never rename one: an answer's arguments go to the client as they are.

import { isRecord } from "../decoding.ts";

type Members = Readonly<Record<string, unknown>>;

/**
 * "tools.0.custom.input_schema.properties: Property keys should match pattern '^[a-zA-Z0-9_.-]{1,64}$'": at the top only
 * (accelerated-intelligent-document-processing#709, decocms/studio#6874).
 */
const validKey = /^[a-zA-Z0-9_.-]{1,64}$/;

/** A schema without additional members would forbid the ones described in text. */
const closing = new Set(["additionalProperties", "unevaluatedProperties", "propertyNames"]);

/** The same schema where every name fits. `others`: names that another program refuses. */
export function withFittingKeys(schema: Members, others: readonly string[] = []): Members {
  const { properties, required } = schema;
  if (!isRecord(properties)) return schema;
  const isUnfit = (name: string): boolean => !validKey.test(name) || others.includes(name);
  const unfit = Object.entries(properties).filter(([name]) => isUnfit(name));
  if (unfit.length === 0) return schema;
  const needed: readonly unknown[] = Array.isArray(required) ? required : [];
  const kept = needed.filter((name) => typeof name !== "string" || !isUnfit(name));
  const open = Object.entries(schema).filter(([word]) => !closing.has(word) && word !== "required");
  return {
    ...Object.fromEntries(open),
    properties: Object.fromEntries(Object.entries(properties).filter(([name]) => !isUnfit(name))),
    ...(kept.length > 0 ? { required: kept } : {}),
    description: describeUnfit(schema["description"], unfit, needed),
  };
}

function describeUnfit(
  before: unknown,
  unfit: readonly (readonly [name: string, schema: unknown])[],
  needed: readonly unknown[],
): string {
  const members = unfit.map(
    ([name, schema]) =>
      `${JSON.stringify(name)}${needed.includes(name) ? " (required)" : ""}: ${JSON.stringify(schema)}`,
  );
  const text = `It has further members at the top, by these very names, each with its JSON Schema: ${members.join(", ")}`;
  return typeof before === "string" && before !== "" ? `${before}\n${text}` : text;
}
