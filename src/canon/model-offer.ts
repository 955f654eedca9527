// A model as it is described to programs that keep their own list of models: what it can do and what it costs. Null = unknown. It
// must never say more of a route than each of its targets can do.

/** USD per million tokens; null: the same as the input price. */
export type OfferedPrice = {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number | null;
  readonly cacheWrite: number | null;
};

export type Abilities = {
  readonly contextWindow: number | null;
  readonly maxOutput: number | null;
  readonly tools: boolean | null;
  readonly vision: boolean | null;
  /** Keeps to a JSON schema. */
  readonly json: boolean | null;
  readonly thinking: boolean | null;
  readonly price: OfferedPrice | null;
};

/** The format that the model's own vendor speaks. */
export type OfferedFormat = "openai" | "anthropic" | "google";

export type ModelOffer = Abilities & {
  /** The name by which clients ask for it. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  readonly format: OfferedFormat;
};

const unknown: Abilities = {
  contextWindow: null,
  maxOutput: null,
  tools: null,
  vision: null,
  json: null,
  thinking: null,
  price: null,
};

/** What holds whichever of these answers: the smallest of each known number, and an ability only where none lacks it. */
export function leastOf(targets: readonly Abilities[]): Abilities {
  if (targets.length === 0) return unknown;
  const prices = targets.flatMap(({ price }) => price ?? []);
  return {
    contextWindow: smallest(targets.map(({ contextWindow }) => contextWindow)),
    maxOutput: smallest(targets.map(({ maxOutput }) => maxOutput)),
    tools: allOf(targets.map(({ tools }) => tools)),
    vision: allOf(targets.map(({ vision }) => vision)),
    json: allOf(targets.map(({ json }) => json)),
    thinking: allOf(targets.map(({ thinking }) => thinking)),
    price:
      prices.length === 0
        ? null
        : {
            input: Math.min(...prices.map(({ input }) => input)),
            output: Math.min(...prices.map(({ output }) => output)),
            cacheRead: Math.min(...prices.map(({ cacheRead, input }) => cacheRead ?? input)),
            cacheWrite: Math.min(...prices.map(({ cacheWrite, input }) => cacheWrite ?? input)),
          },
  };
}

function smallest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.min(...known);
}

function allOf(values: readonly (boolean | null)[]): boolean | null {
  if (values.includes(false)) return false;
  return values.includes(null) ? null : true;
}

/** The cheapest offer that costs something known, by what 4 tokens in and 1 out cost; null: no price is known. */
export function cheapestOf(offers: readonly ModelOffer[]): ModelOffer | null {
  let best: ModelOffer | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const offer of offers) {
    const { price } = offer;
    // `auto` may choose any of the others.
    if (price === null || offer.id === "auto") continue;
    const cost = price.input * 4 + price.output;
    if (cost >= least) continue;
    best = offer;
    least = cost;
  }
  return best;
}
