// Each row of each format's table holds both ways of a request: what the decoder refuses by its kind or bounds, the check of a
// body that passes through refuses in the same words, and what passes there the decoder at least does not refuse by its kind.

import { describe, expect, test } from "bun:test";
import { Failure } from "../../src/canon/failure.ts";
import type { FullDialect } from "../../src/dialects/dialect.ts";
import { memberTable } from "../../src/dialects/member-docs.ts";
import { anthropicMessages } from "../../src/dialects/anthropic-messages/dialect.ts";
import { googleGenai } from "../../src/dialects/google-genai/dialect.ts";
import { openaiChat } from "../../src/dialects/openai-chat/dialect.ts";
import { openaiResponses } from "../../src/dialects/openai-responses/dialect.ts";
import { scanObject } from "../../src/wire/json.ts";

const smallest: readonly (readonly [FullDialect, Readonly<Record<string, unknown>>])[] = [
  [openaiChat, { model: "m", messages: [{ role: "user", content: "hi" }] }],
  [openaiResponses, { model: "m", input: "hi" }],
  [anthropicMessages, { model: "m", max_tokens: 9, messages: [{ role: "user", content: "hi" }] }],
  [googleGenai, { model: "m", contents: [{ role: "user", parts: [{ text: "hi" }] }] }],
];
const oneOfEachKind: readonly unknown[] = ["\u2603", 0.5, -7, true, [true], { odd: true }];
const target = { model: "m", defaultMaxTokens: 1, maxOutput: null };

function refusalOf(run: () => unknown): string | null {
  try {
    run();
    return null;
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown.message;
    throw thrown;
  }
}

function passthroughRefusal({ backend }: FullDialect, body: unknown): string | null {
  const bytes = Buffer.from(JSON.stringify(body));
  return refusalOf(() => backend.passthrough.requiredEdits(scanObject(bytes, 50), bytes, target));
}

const kindOf = (value: unknown): string => (Array.isArray(value) ? "array" : typeof value);

describe.each(smallest.map(([dialect, body]) => [dialect.name, dialect, body] as const))(
  "%s",
  (_, dialect, body) => {
    const rows = Object.entries(dialect.members?.rows ?? {});

    test("has a table, and the smallest request passes both ways", () => {
      expect(rows.length).toBeGreaterThan(5);
      expect(refusalOf(() => dialect.client.decodeRequest(body))).toBeNull();
      expect(passthroughRefusal(dialect, body)).toBeNull();
    });

    // Google's path names the model: what the body says of it is only read where it passes through.
    const checkedTwice = rows.filter(([name]) => dialect !== googleGenai || name !== "model");

    test.each(checkedTwice)("%s", (name, row) => {
      for (const value of oneOfEachKind) {
        const changed = { ...body, [name]: value };
        const decoder = refusalOf(() => dialect.client.decodeRequest(changed));
        const passthrough = passthroughRefusal(dialect, changed);
        const isWrongKind = row.check?.kinds.some((kind) => kind === kindOf(value)) === false;
        if (row.home === "upstream" || (isWrongKind && row.passthrough !== "unchecked"))
          expect([name, value, passthrough]).toEqual([name, value, decoder ?? "refused by the decoder"]);
        if (isWrongKind || row.home === "obsolete") expect([name, value, decoder]).not.toContain(null);
        if (passthrough !== null) expect([name, value, decoder]).toEqual([name, value, passthrough]);
      }
    });

    test.each(rows)("%s is carried, and named where it is lost", (name, row) => {
      if (row.home !== "extras" || row.check !== undefined) return;
      const request = dialect.client.decodeRequest({ ...body, [name]: "odd" });
      expect(JSON.stringify(request.extras[dialect.name])).toContain(`"${name}":"odd"`);
      expect(dialect.backend.encodeRequest(request, target)).toMatchObject({ [name]: "odd" });
      if (typeof row.elsewhere === "object") {
        expect(dialect.client.refuseTranslation(request)).not.toBeNull();
        return;
      }
      const notes: string[] = [];
      dialect.client.noteLosses(request, (note) => notes.push(note));
      expect(notes.length).toBe(row.elsewhere === "silent" ? 0 : 1);
    });

    test("every row has its line in the manual", () => {
      const lines = memberTable(dialect);
      for (const [name] of rows)
        expect(lines.filter((line) => (line.split(" | ")[0] ?? "").includes(`\`${name}\``))).toHaveLength(1);
    });
  },
);
