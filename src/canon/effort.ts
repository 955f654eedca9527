// Reasoning effort: the one scale that all dialects map to. It must never name a vendor's model.

/** Ordered from least to most. `none` switches reasoning off where the target can. */
export const efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"] as const;
export type Effort = (typeof efforts)[number];

export function isEffort(value: unknown): value is Effort {
  return typeof value === "string" && (efforts as readonly string[]).includes(value);
}

/** The nearest level in `allowed`; ties go down, because less thinking costs less. */
export function nearestEffort(wanted: Effort, allowed: readonly Effort[]): Effort | null {
  const at = efforts.indexOf(wanted);
  let best: Effort | null = null;
  let distance = Number.POSITIVE_INFINITY;
  for (const level of allowed) {
    const gap = Math.abs(efforts.indexOf(level) - at);
    if (
      gap < distance ||
      (gap === distance && best !== null && efforts.indexOf(level) < efforts.indexOf(best))
    ) {
      best = level;
      distance = gap;
    }
  }
  return best;
}

// A thinking budget and an effort level express the same thing. The steps follow the budgets that vendors publish for
// their own levels (OpenRouter's and Google's OpenAI-compatible endpoints: 1k / 8k / 24k).
const budgetSteps: readonly (readonly [Effort, number])[] = [
  ["minimal", 1024],
  ["low", 4096],
  ["medium", 10_240],
  ["high", 24_576],
  ["xhigh", 32_768],
  ["max", 65_536],
];

/** Thinking tokens that correspond to an effort level; 0 for `none`. */
export function budgetOfEffort(effort: Effort): number {
  return budgetSteps.find(([name]) => name === effort)?.[1] ?? 0;
}

/** The level whose budget is the largest one not above `tokens` (at least `minimal`). */
export function effortOfBudget(tokens: number): Effort {
  let level: Effort = "minimal";
  for (const [name, budget] of budgetSteps) if (tokens >= budget) level = name;
  return level;
}
