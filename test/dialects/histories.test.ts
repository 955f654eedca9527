// Whatever history a client format accepts, each target's body is one that a strict checker of the vendor's documented rules accepts;
// and nothing that belongs to the past is refused.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { DialectName } from "../../src/canon/request.ts";
import { refuseUnsupportedContent } from "../../src/dialects/unsupported-content.ts";
import { isRecord, parseLoosely } from "../../src/dialects/decoding.ts";
import { dialects } from "../../src/dialects/dialect-table.ts";
import { withNextTurn, histories } from "../support/histories.ts";
import { breachOfAnthropic } from "../support/upstream/strict-anthropic.ts";
import { breachOfGoogle } from "../support/upstream/strict-google.ts";
import { breachOfOpenai } from "../support/upstream/strict-openai.ts";
import { breachOfResponses } from "../support/upstream/strict-responses.ts";

type Json = Record<string, unknown>;

const names = Object.keys(dialects) as DialectName[];
const checkers: Readonly<Record<DialectName, (body: Json) => string | null>> = {
  "openai-chat": (body) => breachOfOpenai(body) ?? breachOfTemplates(body),
  "anthropic-messages": (body) => breachOfAnthropic(body, { "anthropic-version": "2023-06-01" }),
  "openai-responses": (body) => breachOfResponses(body) ?? breachOfArguments(body.input as Json[]),
  "google-genai": breachOfGoogle,
};

/** Servers that fill templates parse them (vLLM: "Expecting value", llama.cpp: "parse error"). */
function breachOfArguments(calls: readonly Json[]): string | null {
  for (const { arguments: input } of calls)
    if (typeof input === "string" && !isRecord(parseLoosely(input))) return `Not an object: ${input}`;
  return null;
}

/** What the chat templates of open models demand beyond OpenAI's rules. */
function breachOfTemplates({ messages }: Json): string | null {
  const turns = messages as { role: string; tool_calls?: { function: Json }[] }[];
  const breach = breachOfArguments(
    turns.flatMap(({ tool_calls: calls = [] }) => calls.map((call) => call.function)),
  );
  if (breach !== null) return breach;
  const roles = turns.map(({ role }) => role);
  if (roles.lastIndexOf("system") > 0) return "System message must be at the beginning.";
  return roles.find((role) => role !== "system") === "user" ? null : "The first message must be a user's.";
}

const target = { model: "m", defaultMaxTokens: 4_096, maxOutput: null };

/** Each client format's histories toward each target: 16 pairs. */
const runs = process.env["CLAWGATE_HEAVY"] === "1" ? 50_000 : 5_000;
const seed = 20_261_130;

describe.each(names)("from clients of %s", (from) => {
  test.each(names)(
    "a strict vendor of %s takes every history",
    (name) => {
      const isOwn = from === name;
      fc.assert(
        fc.property(histories[from](isOwn), fc.boolean(), (body, isPast) => {
          const { client } = dialects[from];
          const request = client.decodeRequest(isPast ? withNextTurn(from, body) : body);
          const refusal = isOwn
            ? null
            : (client.refuseTranslation(request) ?? refuseUnsupportedContent(request, name));
          if (isPast) expect(refusal).toBeNull();
          if (refusal !== null) return;
          const sent = dialects[name].backend.encodeRequest(request, target);
          const breach = checkers[name](JSON.parse(JSON.stringify(sent)) as Json);
          if (breach !== null) throw new Error(`${breach}\n${JSON.stringify(sent)}`);
        }),
        { numRuns: runs, seed },
      );
    },
    600_000,
  );
});
