// Whatever stands in the file: a config or a list of problems, never another exception, never a changed prototype.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { configSchema } from "../../src/config/schema.ts";
import { withValueAt } from "../../src/config/values.ts";
import { problems } from "./loading.ts";

const example = await Bun.file(new URL("../../config.example.yaml", import.meta.url)).text();
const seed = await Bun.file(new URL("fixtures/clawgate-py.yaml", import.meta.url)).text();

/** Problems only: anything else that is thrown fails the test. */
function survives(text: string): void {
  expect(Array.isArray(problems(text, { environment: { DEEPSEEK_API_KEY: "k" } }))).toBe(true);
  expect("polluted" in {}).toBe(false);
}

test("any value in any section", () => {
  const sections = Object.keys(configSchema.shape);
  fc.assert(
    fc.property(fc.constantFrom(...sections), fc.jsonValue({ maxDepth: 4 }), (section, value) => {
      survives(JSON.stringify({ [section]: value }));
    }),
    { numRuns: 200 },
  );
});

test("any value at any place of a provider and of a rule", () => {
  const places = [
    ["providers", "a", "models", 0],
    ["providers", "a", "timeout"],
    ["providers", "a", "auth"],
    ["providers", "a", "headers", "x"],
    ["static_rules", "rules", 0, "match"],
    ["static_rules", "rules", 0, "match", "any", 0, "not"],
    ["heuristic_rules", "rules", 0, "match", "message_keywords"],
    ["tenants", 0],
    ["tenants", 0, "env"],
    ["mcp_servers", "x"],
    ["cli"],
  ];
  const base = {
    providers: { a: { base_url: "http://x", model: "m", models: ["n"] } },
    static_rules: { rules: [{ name: "r", route_to: "a", match: { any: [{ not: {} }] } }] },
    heuristic_rules: { rules: [{ name: "r", route_to: "a", match: {} }] },
    tenants: [{ name: "t", api_key: "0123456789abcdef" }],
  };
  fc.assert(
    fc.property(fc.constantFrom(...places), fc.jsonValue({ maxDepth: 3 }), (place, value) => {
      survives(JSON.stringify(withValueAt(base, place, value)));
    }),
    { numRuns: 200 },
  );
});

test("a file with bytes knocked out or put in", () => {
  const texts = fc.constantFrom(example.slice(0, 6000), seed);
  const damage = fc.constantFrom(
    "",
    "\t",
    ":",
    "- ",
    "\n",
    "${",
    "}",
    "*a",
    "&a ",
    "<<: ",
    '"',
    "[",
    "\u0000",
    "!!x ",
  );
  fc.assert(
    fc.property(texts, fc.nat(8000), fc.nat(20), damage, (text, at, length, piece) => {
      survives(text.slice(0, at) + piece + text.slice(at + length));
    }),
    { numRuns: 100 },
  );
});
