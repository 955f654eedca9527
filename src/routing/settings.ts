// The routing sections of the config: names, chain, strategy and the three layers in ClawGate-py's shapes. It must
// never check whether a target exists: only config/ sees the whole file.

import { z } from "zod";
import { agentTypes, requestClasses } from "../canon/client-hints.ts";
import { maxPatternLength, problemOfPattern } from "./text-pattern.ts";

export const aliasesSettings = z
  .record(z.string().min(1).max(200), z.string().min(1).max(300))
  .default({})
  .describe(
    "Other names for models: name to provider, `provider/model`, listed model or `auto`. `*` in the name is a wildcard.",
  );

export const defaultModelSettings = z
  .string()
  .min(1)
  .optional()
  .describe("Target for an unknown model name. Absent: an unknown name is answered with 404.");

export const fallbackChainSettings = z
  .array(z.string().min(1))
  .optional()
  .describe(
    "Providers in the order in which they are tried. Absent: every provider in the order of this file.",
  );

const strategies = [
  "priority",
  "weighted",
  "round-robin",
  "lowest-latency",
  "lowest-cost",
  "least-busy",
] as const;

export type Strategy = (typeof strategies)[number];

export const routingSettings = z
  .strictObject({
    strategy: z.enum(strategies).default("priority").describe("How one of several equal targets is chosen."),
    hedge_after_s: z
      .number()
      .min(0)
      .max(600)
      .default(0)
      .describe(
        "Seconds without a first word after which the next target is asked as well; the first that answers is shown, the other one is cancelled and may be billed too. A whole answer that passes unchanged shows no first word: there its end counts. 0 = never.",
      ),
    avoid_above: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe(
        "Share of a quota, by what the vendor last reported of it, above which a provider or one of its keys is tried after the others, until the quota is full again; never a reason to refuse a request, nor to leave the model that a client named. Absent: the quota does not matter.",
      ),
    unknown_model: z
      .enum(["error", "auto"])
      .default("error")
      .describe("A model name that nothing knows: 404, or treated like `auto`."),
  })
  .prefault({});

const words = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
  .transform((value) => (typeof value === "string" ? [value] : value));

const pattern = z
  .string()
  .min(1)
  .superRefine((written, context) => {
    const problem = problemOfPattern(written);
    if (problem === null) return;
    const shown = written.length > 80 ? `${written.slice(0, 80)}…` : written;
    context.addIssue({ code: "custom", message: `the pattern \`${shown}\` cannot be used: ${problem}` });
  });

const patterns = z
  .union([pattern, z.array(pattern).min(1)])
  .transform((value) => (typeof value === "string" ? [value] : value));

/** Shared by both layers. */
const aboutPatterns = `RE2 patterns (no backreferences, no look-around; \`(?i)\` ignores case; at most ${maxPatternLength} characters), one of which occurs`;

/** A rule that can never match is a mistake, not a setting. */
const noCondition = "has no condition, so it would never match";

const staticMatch = z.strictObject({
  get any() {
    return z.array(staticMatch).min(1).optional().describe("One of these blocks matches.");
  },
  get all() {
    return z.array(staticMatch).min(1).optional().describe("All of these blocks match.");
  },
  get not() {
    return staticMatch.optional().describe("This block does not match.");
  },
  model_requested: words.optional().describe("Whole model names; `*` is a wildcard."),
  system_prompt_contains: words
    .optional()
    .describe("Whole words or phrases of the system prompt; `heartbeat` is also OpenClaw's heartbeat turn."),
  system_prompt_matches: patterns.optional().describe(`${aboutPatterns} in the system prompt.`),
  request_class: words
    .optional()
    .describe(
      `What Claude Code says of a turn with CLAUDE_CODE_GATEWAY_HINT_HEADERS=1: ${requestClasses.join(", ")}, or a later word. Any of these.`,
    ),
  agent_type: words
    .optional()
    .describe(
      `Which of its agents asks, said with the class: ${agentTypes.join(", ")}, or a later word. Any of these.`,
    ),
  header_contains: z
    .record(z.string(), words)
    .optional()
    .describe("Texts in request headers, by header name."),
});

export type StaticMatch = z.infer<typeof staticMatch>;

/** Paths of blocks without conditions, this one included. */
function* emptyBlocks(
  block: StaticMatch,
  path: readonly (string | number)[] = [],
): Generator<(string | number)[]> {
  const { any = [], all = [], not } = block;
  if (Object.values(block).every((value) => value === undefined)) yield [...path];
  for (const [index, each] of any.entries()) yield* emptyBlocks(each, [...path, "any", index]);
  for (const [index, each] of all.entries()) yield* emptyBlocks(each, [...path, "all", index]);
  if (not !== undefined) yield* emptyBlocks(not, [...path, "not"]);
}

const staticRule = z.strictObject({
  name: z.string().min(1).max(100).describe("The rule's name, shown in `X-ClawGate-Rule`."),
  match: staticMatch
    .superRefine((block, context) => {
      for (const path of emptyBlocks(block)) context.addIssue({ code: "custom", path, message: noCondition });
    })
    .describe("What must match; keys of one block are AND."),
  route_to: z.string().min(1).describe("Provider, or `provider/model`."),
});

export const staticRulesSettings = z
  .strictObject({
    enabled: z.boolean().default(true).describe("Whether this layer is asked."),
    rules: z.array(staticRule).prefault([]).describe("First match wins."),
  })
  .prefault({});

export type StaticRulesSettings = z.infer<typeof staticRulesSettings>;

const heuristicMatch = z
  .strictObject({
    message_keywords: z
      .strictObject({
        any_of: z.array(z.string().min(1)).min(1).describe("Words or phrases of the last user turn."),
        min_matches: z.number().int().min(1).max(1000).default(1).describe("How many of them must occur."),
      })
      .refine((each) => new Set(each.any_of).size >= each.min_matches, {
        path: ["min_matches"],
        error: "is more than there are words, so it would never match",
      })
      .optional()
      .describe("Keywords in the user's own words."),
    message_matches: patterns.optional().describe(`${aboutPatterns} in the last user turn.`),
    has_tools: z.boolean().optional().describe("Whether the request brings tools."),
    has_images: z.boolean().optional().describe("Whether the request brings images."),
    code_block: z.boolean().optional().describe("Whether the last user turn contains a code block."),
    estimated_tokens: z
      .strictObject({
        less_than: z.number().min(0).optional().describe("Fewer than this."),
        greater_than: z.number().min(0).optional().describe("More than this."),
      })
      .refine((range) => range.less_than !== undefined || range.greater_than !== undefined, {
        error: "needs less_than or greater_than",
      })
      .refine((range) => (range.less_than ?? Infinity) > (range.greater_than ?? 0), {
        error: "no number is in this range, so it would never match",
      })
      .optional()
      .describe("Estimated tokens of the whole request."),
    fallthrough: z.boolean().optional().describe("Always holds."),
  })
  .refine(
    ({ fallthrough, ...rest }) =>
      fallthrough === true || Object.values(rest).some((value) => value !== undefined),
    { error: noCondition },
  );

export type HeuristicMatch = z.infer<typeof heuristicMatch>;

const heuristicRule = z.strictObject({
  name: z.string().min(1).max(100).describe("The rule's name, shown in `X-ClawGate-Rule`."),
  match: heuristicMatch.describe("What must match; keys of one block are AND."),
  route_to: z.string().min(1).describe("Provider, or `provider/model`."),
});

export const heuristicRulesSettings = z
  .strictObject({
    enabled: z.boolean().default(true).describe("Whether this layer is asked."),
    rules: z.array(heuristicRule).default([]).describe("First match wins."),
  })
  .prefault({});

export type HeuristicRulesSettings = z.infer<typeof heuristicRulesSettings>;

export const llmClassifierSettings = z
  .strictObject({
    enabled: z.boolean().default(false).describe("Whether a cheap model is asked when no rule matched."),
    classifier_provider: z.string().min(1).optional().describe("Provider that classifies."),
    max_classify_tokens: z
      .number()
      .int()
      .min(1)
      .max(10_000)
      .default(50)
      .describe("Most tokens of its answer."),
    timeout_ms: z.number().int().min(1).max(600_000).default(3000).describe("Milliseconds it may take."),
    fallback_on_timeout: z.string().min(1).optional().describe("Provider when it takes longer."),
    prompt: z.string().min(1).optional().describe("The question, with `{last_user_message}` in it."),
    max_message_chars: z
      .number()
      .int()
      .min(1)
      .max(20_000)
      .default(500)
      .describe("Characters of the last user turn that it is shown."),
    max_calls_per_minute: z
      .number()
      .int()
      .min(0)
      .max(10_000)
      .default(60)
      .describe("Most questions in a minute; above it `fallback_on_timeout` is taken. 0 = no limit."),
    cache_ttl_s: z
      .number()
      .min(0)
      .max(604_800)
      .default(3600)
      .describe("Seconds for which a message keeps its category."),
    cache_entries: z
      .number()
      .int()
      .min(0)
      .max(100_000)
      .default(1000)
      .describe("Messages whose category is kept; 0 = none."),
    category_routing: z
      .record(z.string().min(1), z.string().min(1))
      .default({})
      .describe("Category to provider, or to `provider/model`."),
  })
  .prefault({});

export type LlmClassifierSettings = z.infer<typeof llmClassifierSettings>;
