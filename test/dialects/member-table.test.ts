// A row of a member table reaches everything that reads the table.

import { describe, expect, test } from "bun:test";
import { z } from "zod";
import { Failure } from "../../src/canon/failure.ts";
import { count, flag, list, numberIn, requiredText, text } from "../../src/dialects/member-checks.ts";
import { memberTable } from "../../src/dialects/member-docs.ts";
import { MemberTable, upstreamRows } from "../../src/dialects/member-table.ts";
import { scanObject } from "../../src/wire/json.ts";

const table = new MemberTable(
  {
    ...upstreamRows("base_url"),
    model: { check: requiredText, home: "canonical", elsewhere: "carried", isRequired: true },
    max_tokens: { check: count, home: "canonical", elsewhere: "carried", docs: "The limit." },
    sparkle: { check: numberIn(0, 2), home: "extras", elsewhere: "noted", usual: 1, docs: "How it shines." },
    tier: { check: text, home: "extras", elsewhere: "named" },
    store: {
      check: flag,
      home: "extras",
      elsewhere: {
        refuses: (value) => value === true,
        sentence: (name) => `${name} is refused.`,
        when: "true",
      },
    },
    ledger: { check: text, home: "extras", elsewhere: "silent" },
    free: { check: count, home: "extras", elsewhere: "silent", passthrough: "unchecked" },
    loose: { check: count, home: "extras", elsewhere: "silent", passthrough: "kind-only" },
    longer: { check: count, home: "extras", elsewhere: "carried", isRewritten: true },
    turns: { check: list, home: "canonical", elsewhere: "carried", isRequired: true },
    functions: { home: "obsolete", elsewhere: "silent", instead: "tools" },
  },
  { addedByDecoder: ["made"] },
);

function failureOf(run: () => unknown): string | null {
  try {
    run();
    return null;
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown.message;
    throw thrown;
  }
}

function passthroughFailure(body: unknown): string | null {
  const bytes = Buffer.from(JSON.stringify(body));
  return failureOf(() => {
    for (const member of scanObject(bytes, 10).members) {
      const row = table.row(member.key);
      if (row !== undefined) table.checkScanned(row, member, bytes);
    }
  });
}
const decoderFailure = (body: Record<string, unknown>): string | null =>
  failureOf(() => table.decodeExtras(body));

function notesOf(extras: Record<string, unknown>): string[] {
  const notes: string[] = [];
  table.noteDropped(extras, (note) => notes.push(note));
  table.noteUnknown(extras, (note) => notes.push(note));
  return notes;
}

describe("a row", () => {
  test.each([
    [{ sparkle: "a" }, 'sparkle must be a number from 0 to 2, not "a".'],
    [{ sparkle: 3 }, "sparkle must be a number from 0 to 2, not 3."],
    [{ sparkle: 2 }, null],
    [{ sparkle: null }, null],
    [{ tier: 1 }, "tier must be a string, not 1."],
    [{ max_tokens: 0.5 }, "max_tokens must be a positive whole number, not 0.5."],
    [{ unheard_of: {} }, null],
  ])("is checked in both ways of a request: %j", (body, sentence) => {
    expect([decoderFailure(body), passthroughFailure(body)]).toEqual([sentence, sentence]);
  });

  test("that chooses the upstream is refused in both", () => {
    const sentence =
      "base_url is not accepted in a request: the gateway's configuration decides where requests go.";
    expect([decoderFailure({ base_url: "x" }), passthroughFailure({ base_url: null })]).toEqual([
      sentence,
      sentence,
    ]);
  });

  test("may be checked less closely where the body passes through", () => {
    expect(passthroughFailure({ free: "x", loose: -1 })).toBeNull();
    expect(passthroughFailure({ loose: "x" })).toBe('loose must be a positive whole number, not "x".');
    expect(decoderFailure({ loose: -1 })).toBe("loose must be a positive whole number, not -1.");
  });

  test("that is required is not null", () => {
    expect(passthroughFailure({ model: null })).toBe("model must be a string, not null.");
    expect(passthroughFailure({ turns: null })).toBe("turns must be an array, not null.");
    expect(failureOf(() => table.read({}, "model"))).toBe("model must be a string, not nothing.");
  });

  test("that is obsolete names its successor", () => {
    expect(decoderFailure({ functions: [] })).toBe(
      "functions is obsolete and not supported here; use tools.",
    );
    expect(decoderFailure({ functions: null })).toBeNull();
  });

  test("travels in extras unless it is canonical", () => {
    expect(table.decodeExtras({ model: "m", sparkle: 1, other: 2, tier: null })).toEqual({
      sparkle: 1,
      other: 2,
    });
    expect(table.decodeExtras(JSON.parse('{"__proto__":{"a":1}}') as Record<string, unknown>)).toEqual({});
  });

  test("goes up as it was written unless the encoder writes it", () => {
    expect(table.passedOn({ sparkle: 1, other: 2, longer: 3, made: 4 })).toEqual({ sparkle: 1, other: 2 });
  });

  test("is noted or refused where another format cannot carry it", () => {
    expect(notesOf({ sparkle: 0.5, tier: "gold", other: 1, ledger: "x", made: 1 })).toEqual([
      "sparkle-dropped",
      "member-dropped:tier",
      "member-dropped:other",
    ]);
    expect(notesOf({ sparkle: 1 })).toEqual([]);
    expect(table.refusalOf({ store: true })?.message).toBe("store is refused.");
    expect([table.refusalOf({ store: false }), table.refusalOf({}), table.refusalOf(undefined)]).toEqual([
      null,
      null,
      null,
    ]);
  });

  test("is described for /swagger", () => {
    const schema = table.requestSchema(z, { tier: z.enum(["gold"]) });
    expect(schema.safeParse({ model: "m", turns: [], sparkle: 2, tier: "gold", other: {} }).success).toBe(
      true,
    );
    for (const wrong of [{}, { model: "m" }, { model: "m", sparkle: 3 }, { model: "m", tier: "iron" }])
      expect(schema.safeParse(wrong).success).toBe(false);
    expect(z.toJSONSchema(schema)).toMatchObject({
      required: ["model", "turns"],
      properties: { max_tokens: { description: "The limit." }, sparkle: { description: "How it shines." } },
    });
    expect(Object.keys(schema.shape)).not.toContain("base_url");
  });

  test("is described in the manual", () => {
    const lines = memberTable({ members: table });
    expect(lines[0]).toBe("| Member | Value | For a model of another format | Note |");
    expect(lines).toContain(
      "| `sparkle` | a number from 0 to 2 | left out, noted as `sparkle-dropped` unless it is 1 | How it shines. |",
    );
    expect(lines).toContain("| `store` | true or false | refused when it is true | |");
    expect(lines).toContain("| `functions` | | refused for every model; use `tools` | |");
    expect(lines.at(-1)).toBe(
      "Refused for every model, because the configuration decides where requests go: `base_url`.",
    );
  });
});
