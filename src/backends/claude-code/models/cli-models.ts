// Model names that the CLI accepts: its own aliases, the prefixes and short names of ClawGate's predecessors, full ids, and
// what the program itself reported. It must never guess a model: an unknown name belongs to no provider.

import { isRecord } from "../../../dialects/decoding.ts";

/** One model of the program's own list, as `initialize` returns it. */
export type CliModel = {
  /** The value for `--model`: `default`, `haiku`, `opus[1m]`. */
  readonly value: string;
  /** The id that goes upstream, without the long-context suffix. */
  readonly resolved: string | null;
  readonly name: string | null;
  /** Levels of `--effort`; empty: it takes none. */
  readonly efforts: readonly string[];
  /** Its thinking cannot be switched off. */
  readonly alwaysThinks?: true;
  /** The model decides how much it thinks: a budget has no effect. */
  readonly adaptsThinking?: true;
  /**
   * Not one of the program's own: a request started it with this name, and the program reports it back. No other client sees
   * it.
   */
  readonly isAsked?: true;
};

export type CliName = {
  /** For `--model`. */
  readonly model: string;
  /** False: a full id that was not reported; only the upstream knows whether it exists. */
  readonly isKnown: boolean;
};

const cliAliases = ["opus", "sonnet", "haiku", "fable"] as const;

const prefixes = /^(?:claude-code-cli|claude-max|cc-gateway|openai)\//i;
/** Short names that are not Anthropic ids; real ids such as claude-sonnet-4-6 pass unchanged. */
const families = /^(?:claude-)?(opus|sonnet|haiku|fable)-4$/i;
const madeUp = /^(?:claude-)?haiku-4-6$/i;
const shortIds = /^(?:opus|sonnet|haiku)-4-[56]$/i;
const fullId = /^claude-[a-z0-9][a-z0-9.-]{2,100}(?:\[1m\])?$/i;

/** Null: not a CLI name. A provider's own `default_model` is not used here. */
export function cliName(written: string, reported: readonly CliModel[]): CliName | null {
  const name = written.replace(prefixes, "");
  const lower = name.toLowerCase();
  if ((cliAliases as readonly string[]).includes(lower)) return { model: lower, isKnown: true };
  const offered = offeredOf(reported);
  const own = offered.find((each) => each.value.toLowerCase() === lower);
  // `default` is too common a word to be taken for a model of this program unless its prefix says so.
  if (own !== undefined && (lower !== "default" || name !== written))
    return { model: own.value, isKnown: true };
  const family = families.exec(name)?.[1];
  if (family !== undefined) return { model: family.toLowerCase(), isKnown: true };
  if (madeUp.test(name)) return { model: "haiku", isKnown: true };
  if (shortIds.test(name)) return { model: `claude-${lower}`, isKnown: true };
  if (!fullId.test(name)) return null;
  return { model: lower, isKnown: offered.some((each) => each.resolved === lower) };
}

export const offeredOf = (reported: readonly CliModel[]): readonly CliModel[] =>
  reported.filter(({ isAsked }) => isAsked !== true);

/** The names of a list of models, each once: aliases first, then the program's own and the ids behind them. */
export function cliNames(reported: readonly CliModel[]): readonly string[] {
  const own = offeredOf(reported).flatMap(({ value, resolved }) => [
    ...(value === "default" ? [] : [value]),
    ...(resolved === null ? [] : [resolved]),
  ]);
  return [...new Set([...cliAliases, ...own])];
}

const maxModels = 100;
const maxAsked = 50;

/**
 * A program adds the name it was started with to its models, whatever it is. Only what it offers to every client is its list: its
 * aliases, and what it reported earlier by itself (`earlier`).
 */
export function mergeModels(
  told: readonly CliModel[],
  startedWith: string,
  earlier: readonly CliModel[],
): readonly CliModel[] {
  const name = startedWith.toLowerCase();
  const isOffered = ({ value }: CliModel): boolean =>
    value.toLowerCase() !== name ||
    value === "default" ||
    (cliAliases as readonly string[]).includes(value) ||
    earlier.some((each) => each.value === value && each.isAsked !== true);
  const now = told.map((each): CliModel => (isOffered(each) ? each : { ...each, isAsked: true }));
  const kept = earlier.filter(
    ({ value, isAsked }) => isAsked === true && !now.some((each) => each.value === value),
  );
  return [...now, ...kept.slice(-maxAsked)];
}

/** The `models` of an `initialize` answer; null when it has no valid ones. */
export function readModels(answer: unknown): readonly CliModel[] | null {
  const listed = isRecord(answer) ? answer["models"] : null;
  if (!Array.isArray(listed)) return null;
  const models = (listed as unknown[]).slice(0, maxModels).flatMap((each): CliModel[] => {
    const value = textOf(each, "value");
    if (!isRecord(each) || value === null) return [];
    const levels = each["supportedEffortLevels"];
    return [
      {
        value,
        resolved: textOf(each, "resolvedModel")?.replace(/\[1m\]$/, "") ?? null,
        name: textOf(each, "displayName"),
        efforts: Array.isArray(levels)
          ? (levels as unknown[]).filter((level) => typeof level === "string")
          : [],
        ...(each["supportsThinkingOff"] === false ? { alwaysThinks: true } : {}),
        ...(each["supportsAdaptiveThinking"] === true ? { adaptsThinking: true } : {}),
      },
    ];
  });
  return models.length === 0 ? null : models;
}

function textOf(value: unknown, key: string): string | null {
  const text = isRecord(value) ? value[key] : null;
  return typeof text === "string" && text !== "" && text.length <= 300 ? text : null;
}

/** Names that the program maps to its own aliases, not all of which newer versions list. */
const hiddenAliases: readonly (readonly [RegExp, string])[] = [
  [/^best$/, "opus"],
  [/^opusplan$/, "sonnet"],
  [/^claude-opus-4(?:-[01])?(?:-2025\d{4})?$/, "opus"],
];

/** The reported model that `model` means: by alias, by value, or by id. */
export function reportedModel(model: string, reported: readonly CliModel[]): CliModel | null {
  const bare = model.replace(/\[1m\]$/, "");
  const alias = hiddenAliases.find(([name]) => name.test(bare))?.[1];
  return (
    reported.find((each) => each.value === model) ??
    reported.find((each) => each.value.replace(/\[1m\]$/, "") === bare) ??
    reported.find((each) => each.resolved === bare) ??
    // The program's default is listed only under that name, whatever its alias.
    reported.find((each) => each.resolved?.startsWith(`claude-${bare}-`) === true) ??
    (alias === undefined ? null : reportedModel(alias, reported))
  );
}
