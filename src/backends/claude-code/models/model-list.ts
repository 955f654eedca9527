// The models that the program last reported: kept across restarts, asked again when the program changes. No request waits
// for it: until the models are known, the aliases are the list.

import { type CliModel, offeredOf, readModels, mergeModels } from "./cli-models.ts";

export type ModelList = {
  /** Empty until known. */
  known(): readonly CliModel[];
  /** Takes an `initialize` answer, which every used process gives for free. */
  learn(answer: unknown, stamp: string, startedWith: string): void;
  /** Loads what an earlier gateway learned, if the program is still the same. Starts nothing; never rejects. */
  recall(): Promise<void>;
  /** Brings the list up to date in the background. Never rejects. */
  refresh(): Promise<void>;
};

export type ModelListOptions = {
  /** Changes with the program: its path, size and time. Null: it does not exist. */
  readonly stamp: () => Promise<string | null>;
  /** Starts the program, asks, and stops it: the answer to `initialize`. */
  readonly ask: () => Promise<unknown>;
  readonly store: {
    get(): Promise<unknown>;
    set(value: unknown): Promise<void>;
  };
  readonly nowMs: () => number;
  /** Called when the program did not answer. */
  readonly warn: (message: string, error: Error) => void;
};

/** Pause after a failed question, and between two checks whether the program changed. */
const restMs = 60_000;

type Kept = { readonly stamp: string; readonly models: readonly CliModel[] };

export function createModelList(options: ModelListOptions): ModelList {
  let kept: Kept | null = null;
  let stamp: string | null = null;
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | null = null;

  const keep = (told: readonly CliModel[], of: string, startedWith: string): void => {
    const earlier = kept?.stamp === of ? kept.models : [];
    const models = mergeModels(told, startedWith, earlier);
    const offered = offeredOf(models);
    const isNews = kept?.stamp !== of || !Bun.deepEquals(offeredOf(earlier), offered);
    kept = { stamp: of, models };
    if (isNews) void options.store.set({ stamp: of, models: offered });
  };

  /** The stamp whose models are unknown; null when they are known, or there is no program. */
  const unknownStamp = async (): Promise<string | null> => {
    stamp = await options.stamp();
    if (stamp === null || kept?.stamp === stamp) return null;
    const stored = keptIn(await options.store.get());
    if (stored?.stamp !== stamp) return stamp;
    kept = stored;
    return null;
  };

  const look = async (): Promise<void> => {
    const wanted = await unknownStamp();
    if (wanted === null) return;
    const models = readModels(await options.ask());
    if (models === null) throw new Error("the program named no models");
    keep(models, wanted, "default");
  };
  const warn = (error: unknown): void =>
    options.warn(
      "Claude Code did not say which models it has",
      error instanceof Error ? error : new Error(String(error)),
    );

  return {
    recall: () => unknownStamp().then(() => undefined, warn),
    known: () => kept?.models ?? [],
    learn(answer, of, startedWith) {
      const models = readModels(answer);
      if (models !== null) keep(models, of, startedWith);
    },
    refresh() {
      if (asking !== null) return asking;
      if (options.nowMs() - lookedAtMs < restMs) return Promise.resolve();
      asking = look()
        .catch(warn)
        .finally(() => {
          lookedAtMs = options.nowMs();
          asking = null;
        });
      return asking;
    },
  };
}

function keptIn(value: unknown): Kept | null {
  if (typeof value !== "object" || value === null || !("stamp" in value) || !("models" in value)) return null;
  const { stamp, models } = value;
  if (typeof stamp !== "string" || !Array.isArray(models)) return null;
  const read = readModels({
    models: (models as unknown[]).map((each) =>
      typeof each === "object" && each !== null
        ? {
            value: "value" in each ? each.value : null,
            resolvedModel: "resolved" in each ? each.resolved : null,
            displayName: "name" in each ? each.name : null,
            supportedEffortLevels: "efforts" in each ? each.efforts : [],
            supportsThinkingOff: !("alwaysThinks" in each),
            supportsAdaptiveThinking: "adaptsThinking" in each,
          }
        : null,
    ),
  });
  return read === null ? null : { stamp, models: read };
}
