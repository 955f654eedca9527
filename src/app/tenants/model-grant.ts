// What `tenants[].models` allows, and how the config spells it. It must never allow a model because its name resembles a listed one:
// only the listed spelling is sent upstream.

import { cliName } from "../../backends/claude-code/models/cli-models.ts";
import type { Target } from "../../canon/decision.ts";
import type { Config } from "../../config/schema.ts";
import type { ModelGrant } from "../../pipeline/tenants/tenant-policy.ts";
import { compileExactPattern, compileNamePattern, type NamePattern } from "../../routing/name-pattern.ts";
import type { Router } from "../../routing/router.ts";
import { foldText } from "../../routing/word-matcher.ts";
import { claudeProviderOf, type ReportedModels } from "../../backends/claude-code/program-plan.ts";
import { inConfigSpelling } from "./model-spelling.ts";

export type GrantContext = {
  readonly config: Config;
  readonly router: () => Pick<Router, "targetOf" | "isDefault" | "known">;
  readonly reported: ReportedModels;
};

const isWild = (name: string): boolean => name.includes("*");

/**
 * What a client may put in place of a wildcard: no list separators, no path traversal, no look-alike letters, and no OpenRouter
 * presets, which select models themselves.
 */
function isPlain(name: string): boolean {
  return /^[\w.:@+/[\]~=-]+$/.test(name) && !/(?:^|\/)\.{0,2}(?:\/|$)/.test(name) && !/@preset/i.test(name);
}

type Entries = {
  readonly plain: readonly string[];
  /** By their case-folded form, which comparisons use. */
  readonly folds: ReadonlyMap<string, string>;
  readonly wild: readonly NamePattern[];
};

function entriesOf(spelled: readonly string[]): Entries {
  const plain = spelled.filter((name) => !isWild(name));
  return {
    plain,
    folds: new Map(plain.map((name) => [foldText(name), name])),
    wild: spelled.filter(isWild).map(compileExactPattern),
  };
}

export function createModelGrant(listed: readonly string[], context: GrantContext): ModelGrant {
  const { config, router, reported } = context;
  const patterns = listed.map(compileNamePattern);
  const allowsName = (name: string): boolean => {
    const folded = foldText(name);
    return patterns.some((pattern) => pattern.fits(folded));
  };
  let read: Entries | null = null;
  /** Read on the first request: the router does not exist before it. */
  const list = (): Entries =>
    (read ??= entriesOf(inConfigSpelling(listed, config.providers, router().known())));
  const fitsWild = (name: string): boolean => list().wild.some(({ fits }) => fits(name));

  /** In the spelling of the entry; for what a wildcard allows, in that of the config. */
  const spelled = (name: string): string | null => {
    const { plain, folds, wild } = list();
    if (plain.includes(name)) return name;
    const folded = foldText(name);
    const entry = folds.get(folded);
    if (entry !== undefined) return entry;
    if (wild.length === 0) return null;
    const known = router()
      .known()
      .filter((each) => each.length === name.length && foldText(each) === folded && fitsWild(each));
    if (known.includes(name)) return name;
    return known[0] ?? (fitsWild(name) && isPlain(name) ? name : null);
  };

  /** The targets of listed names without wildcards. */
  let namedTargets: readonly Target[] | null = null;
  const targetsOfNames = (): readonly Target[] =>
    (namedTargets ??= list().plain.flatMap((name) => {
      const target = router().isDefault(name) ? null : router().targetOf(name);
      return target === null ? [] : [target];
    }));

  /** Whether the provider itself has this model: a bare name means that model at every provider that offers it, and nothing else. */
  const isSoldBy = (id: string, model: string): boolean => {
    const provider = config.providers[id];
    if (provider === undefined) return false;
    if (provider.model === model || provider.models.some((each) => each.id === model)) return true;
    return provider.backend === "claude-cli" && cliName(model, reported.models(id))?.model === model;
  };
  /** Whether the entry names a model, not an alias or a provider. */
  const isModelsName = (entry: string): boolean => targetsOfNames().some(({ model }) => model === entry);

  const modelAt = ({ provider, model }: Target): string | null => {
    const here = targetsOfNames().filter((each) => each.provider === provider);
    if (here.some((each) => each.model === model)) return model;
    const folded = foldText(model);
    const alike = here.find((each) => foldText(each.model) === folded);
    if (alike !== undefined) return alike.model;
    const bare = list().folds.get(folded);
    if (bare !== undefined && isModelsName(bare) && isSoldBy(provider, bare)) return bare;
    if (list().wild.length === 0) return null;
    const whole = `${provider}/`;
    const isFit = (each: string): boolean =>
      fitsWild(whole + each) || (fitsWild(each) && isSoldBy(provider, each));
    const own = config.providers[provider];
    const ids = own === undefined ? [] : [own.model, ...own.models.map(({ id }) => id)];
    const spellings = ids.filter((id) => id.length === model.length && foldText(id) === folded && isFit(id));
    if (spellings.includes(model)) return model;
    return spellings[0] ?? (isFit(model) && isPlain(model) ? model : null);
  };

  return {
    hasAuto: allowsName("auto"),
    allowsName,
    spelled,
    modelAt,
    allowsTarget: (target) => modelAt(target) === target.model,
    runs({ provider, model }) {
      const run = modelRunFor({ provider, model }, context);
      return run === model || modelAt({ provider, model: run }) !== null;
    },
  };
}

/** The model that runs for this target: the Claude Code program resolves aliases, and has a default for unknown names. */
function modelRunFor({ provider, model }: Target, { config, reported }: GrantContext): string {
  const settings = config.providers[provider];
  if (settings?.backend !== "claude-cli") return model;
  const known = cliName(model, reported.models(provider))?.model;
  if (known === model || settings.models.some(({ id }) => id === model)) return model;
  return known ?? claudeProviderOf(settings, config).program.defaultModel ?? model;
}
