// The guard over any JSON: what it leaves is JSON, holds no member that chooses, and all the others as they were.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { withoutModelChoices, withoutChoosingBetas } from "../../src/pipeline/tenants/choice-guard.ts";
import { maxJsonDepth } from "../../src/pipeline/body/envelope.ts";
import { normalizedName, treatmentOf } from "../../src/pipeline/tenants/model-choices.ts";
import { scanObject } from "../../src/wire/json.ts";

const envelopeOf = (text: string) => {
  const bytes = Buffer.from(text);
  return { bytes, scan: scanObject(bytes, maxJsonDepth), model: "m", stream: false, session: null };
};

const choosing = [
  "models",
  "Fallbacks",
  "route",
  "PROVIDER",
  "mock_response",
  "lora_request",
  "api_base",
  "preset",
];
const plain = [
  "messages",
  "temperature",
  "seed",
  "user",
  "metadata",
  "audio",
  "__proto__",
  "constructor",
  "\u0000",
];

/** Every other letter of a name as an escape. */
const escaped = (name: string): string =>
  `"${[...name].map((letter, at) => (at % 2 === 0 ? letter : `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`)).join("")}"`;

test("any body", () => {
  const member = fc.tuple(
    fc.constantFrom(...choosing, ...plain),
    fc.jsonValue({ maxDepth: 3 }),
    fc.boolean(),
    fc.constantFrom("", " ", "\n\t"),
  );
  fc.assert(
    fc.property(
      fc.array(member, { maxLength: 12 }),
      fc.boolean(),
      fc.boolean(),
      (members, isModelInPath, isPriced) => {
        const text = `{${members
          .map(([name, value, isEscaped, space]) => {
            const key = isEscaped && /^\w+$/.test(name) ? escaped(name) : JSON.stringify(name);
            return `${space}${key}${space}:${space}${JSON.stringify(value)}${space}`;
          })
          .join(",")}}`;
        const { envelope, dropped } = withoutModelChoices(envelopeOf(text), isModelInPath, isPriced);
        const left = JSON.parse(envelope.bytes.toString("utf8")) as object;
        for (const key of Object.keys(left))
          expect(choosing.map(normalizedName)).not.toContain(normalizedName(key));
        // Scalars and lists of the others are what they were.
        for (const [name, value] of members)
          if (treatmentOf(name) === "stays" && members.filter(([other]) => other === name).length === 1)
            expect(Object.entries(left)).toContainEqual([name, JSON.parse(JSON.stringify(value))]);
        const isAny = members.some(([name, value]) => choosing.includes(name) && value !== null);
        expect(dropped.length > 0 || !isAny).toBe(true);
        for (const word of dropped) expect(word).toMatch(/^member-dropped:[\w.-]{1,40}$/);
        scanObject(envelope.bytes, maxJsonDepth);
      },
    ),
    { numRuns: 300, verbose: true },
  );
});

test("a body without choices is the very same bytes", () => {
  const envelope = envelopeOf(
    '{ "model":"m", "messages":[{"role":"user","content":"models"}], "audio":{"voice":"x"} }',
  );
  expect(withoutModelChoices(envelope, false, true).envelope).toBe(envelope);
});

test("betas that choose go, the others keep their order", () => {
  expect(withoutChoosingBetas("a-2026,server-side-fallback-2026-06-01, advisor-tool-2026-03-01,b")).toBe(
    "a-2026,b",
  );
  expect(withoutChoosingBetas("fast-mode-2026-02-01")).toBeNull();
  expect(withoutChoosingBetas("2023-06-01")).toBe("2023-06-01");
});
