// What the layers say about their choice, and the shapes that the table does not reach.

import { describe, expect, test } from "bun:test";
import { emptyRequest } from "../../src/canon/request.ts";
import { compileHeuristics } from "../../src/routing/heuristics.ts";
import { ruleInputOf, type RuleInput } from "../../src/routing/rule-input.ts";
import { heuristicRulesSettings, staticRulesSettings } from "../../src/routing/settings.ts";
import { compileStaticRules } from "../../src/routing/static-rules.ts";
import { heartbeatTurn, picture, tool, user } from "./rows/conversation.ts";

const question = ({
  model = "auto",
  system = "",
  text = "",
  headers = {},
  tools = false,
  image = false,
} = {}): RuleInput =>
  ruleInputOf(
    {
      ...emptyRequest,
      model,
      system: [{ type: "text", text: system }],
      messages: image ? [{ role: "user", content: [picture, { type: "text", text }] }] : [user(text)],
      tools: tools ? [tool] : [],
    },
    (name) => new Map<string, string>(Object.entries(headers)).get(name) ?? null,
  );

const fixed = (match: unknown, asked: RuleInput): string | null =>
  compileStaticRules(staticRulesSettings.parse({ rules: [{ name: "rule", match, route_to: "there" }] }))(
    asked,
  )?.why ?? null;
const guessed = (match: unknown, asked: RuleInput): string | null =>
  compileHeuristics(heuristicRulesSettings.parse({ rules: [{ name: "rule", match, route_to: "there" }] }))(
    asked,
  )?.why ?? null;

describe("a static rule's reason", () => {
  const cases: readonly (readonly [unknown, RuleInput, string])[] = [
    [{ model_requested: ["a", "R*"] }, question({ model: "r1" }), 'the requested model is "R*"'],
    [
      { system_prompt_contains: "Health  Check" },
      question({ system: "x health check" }),
      'the system prompt contains "Health  Check"',
    ],
    [
      { system_prompt_matches: "t.cket" },
      question({ system: "a ticket" }),
      'the system prompt matches "t.cket"',
    ],
    [
      { header_contains: { "X-App": ["b", "c"] } },
      question({ headers: { "x-app": "CI" } }),
      'header "X-App" holds "c"',
    ],
    [
      { system_prompt_contains: "heartbeat" },
      question({ text: heartbeatTurn }),
      "the user turn is OpenClaw's heartbeat",
    ],
    [
      { model_requested: "r1", not: { system_prompt_contains: "x" } },
      question({ model: "r1" }),
      'the requested model is "r1" and the `not` block does not match',
    ],
    [
      {
        all: [
          { model_requested: "r1" },
          { any: [{ model_requested: "x" }, { system_prompt_contains: ["a"] }] },
        ],
      },
      question({ model: "r1", system: "a" }),
      'the requested model is "r1" and the system prompt contains "a"',
    ],
  ];
  test.each([...cases])("%j", (match, asked, why) => {
    expect(fixed(match, asked)).toBe(why);
  });

  test("a long pattern is cut", () => {
    const long = "a".repeat(100);
    expect(fixed({ model_requested: long }, question({ model: long }))).toBe(
      `the requested model is "${"a".repeat(60)}…"`,
    );
  });
});

describe("a heuristic rule's reason", () => {
  const cases: readonly (readonly [unknown, RuleInput, string])[] = [
    [
      { message_keywords: { any_of: ["A", "b", "c"], min_matches: 2 } },
      question({ text: "c b a" }),
      `the user text contains "A", "b"`,
    ],
    [{ message_matches: ["x", "(?i)Y+"] }, question({ text: "yy" }), `the user's words match "(?i)Y+"`],
    [{ has_tools: true }, question({ tools: true }), "the request has tools"],
    [
      { has_tools: false, has_images: true },
      question({ image: true }),
      "the request has no tools and the request has images",
    ],
    [{ code_block: false }, question(), "the user text contains no code block"],
    [{ estimated_tokens: { less_than: 10 } }, question(), "the estimated tokens are below 10"],
    [
      { estimated_tokens: { greater_than: 0, less_than: 10 } },
      question(),
      "the estimated tokens are above 0 and below 10",
    ],
    [{ fallthrough: true }, question(), "this rule always matches"],
    [{ fallthrough: true, has_tools: true }, question({ tools: true }), "the request has tools"],
  ];
  test.each([...cases])("%j", (match, asked, why) => {
    expect(guessed(match, asked)).toBe(why);
  });

  test("never repeats what the user said", () => {
    const text = "secret DEBUG secret";
    expect(guessed({ message_keywords: { any_of: ["debug"] } }, question({ text }))).toBe(
      `the user text contains "debug"`,
    );
  });
});

test.each([
  [{}, "match"],
  [{ any: [{ model_requested: "a" }, {}] }, "match.any.1"],
  [{ all: [{ not: {} }] }, "match.all.0.not"],
])("the static block %j can never hold and is refused", (match, path) => {
  const rules = [{ name: "r", match, route_to: "a" }];
  const [issue] = staticRulesSettings.safeParse({ rules }).error?.issues ?? [];
  expect(issue?.path.join(".")).toBe(`rules.0.${path}`);
});

test.each([
  [{}, "match"],
  [{ fallthrough: false }, "match"],
  [{ estimated_tokens: {} }, "match.estimated_tokens"],
  [{ estimated_tokens: { less_than: 5, greater_than: 10 } }, "match.estimated_tokens"],
  [{ estimated_tokens: { less_than: 0 } }, "match.estimated_tokens"],
  [{ message_keywords: { any_of: ["a"], min_matches: 2 } }, "match.message_keywords.min_matches"],
  [{ message_keywords: { any_of: ["a", "a"], min_matches: 2 } }, "match.message_keywords.min_matches"],
])("the heuristic block %j can never hold and is refused", (match, path) => {
  const rules = [{ name: "r", match, route_to: "a" }];
  const [issue] = heuristicRulesSettings.safeParse({ rules }).error?.issues ?? [];
  expect(issue?.path.join(".")).toBe(`rules.0.${path}`);
});

test("`fallthrough` does not outweigh the block's other keys", () => {
  expect(guessed({ fallthrough: true, has_tools: true }, question())).toBeNull();
  expect(guessed({ fallthrough: false, has_tools: false }, question())).not.toBeNull();
});

test("both numbers of tokens are borders that do not belong to the range", () => {
  const { estimatedTokens } = question({ text: "abcdefgh" }).facts;
  const asked = question({ text: "abcdefgh" });
  expect(guessed({ estimated_tokens: { less_than: estimatedTokens } }, asked)).toBeNull();
  expect(guessed({ estimated_tokens: { greater_than: estimatedTokens } }, asked)).toBeNull();
  expect(guessed({ estimated_tokens: { less_than: estimatedTokens + 1 } }, asked)).not.toBeNull();
});

test("a heartbeat turn means the word `heartbeat` only, also under `not`", () => {
  const asked = question({ text: heartbeatTurn });
  expect(fixed({ system_prompt_contains: ["health check"] }, asked)).toBeNull();
  expect(fixed({ model_requested: "auto", not: { system_prompt_contains: "HEARTBEAT" } }, asked)).toBeNull();
});

test("the first rule wins, and a layer that is switched off has none", () => {
  const rules = ["one", "two"].map((name) => ({ name, match: { model_requested: "*" }, route_to: name }));
  const first = compileStaticRules(staticRulesSettings.parse({ rules }))(question());
  expect(first).toEqual({ rule: "one", routeTo: "one", why: 'the requested model is "*"' });
  expect(compileStaticRules(staticRulesSettings.parse({ enabled: false, rules }))(question())).toBeNull();
  const always = [{ name: "a", match: { fallthrough: true }, route_to: "a" }];
  expect(
    compileHeuristics(heuristicRulesSettings.parse({ enabled: false, rules: always }))(question()),
  ).toBeNull();
  expect(compileHeuristics(heuristicRulesSettings.parse({ rules: always }))(question())?.rule).toBe("a");
});
