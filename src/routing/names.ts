// Which provider and model a name in a request means (contract section 1). Pure: it looks at the config only, never at health.

import { Failure } from "../canon/failure.ts";
import type { Target } from "../canon/decision.ts";
import { nearest } from "../canon/nearest.ts";

/** A provider as routing sees it. `models` are upstream ids; `model` is the one meant by the bare provider id. */
export type RoutedProvider = {
  readonly id: string;
  readonly model: string;
  readonly models: readonly string[];
};

export type NameTable = {
  /** Loaded providers in config order. */
  readonly providers: readonly RoutedProvider[];
  /** Declared but not loaded: id -> the reason. */
  readonly skipped: Readonly<Record<string, string>>;
  /** Name (may hold `*`) -> a name that resolves by the same rules. */
  readonly aliases: Readonly<Record<string, string>>;
  readonly fallbackChain: readonly string[];
  readonly defaultModel: string | null;
};

export type Meaning =
  | { readonly kind: "auto" }
  /** `isListed` false: the client named a model that no config lists, so a 404 for it is the client's. */
  | { readonly kind: "target"; readonly target: Target; readonly isListed: boolean; readonly via: string };

const maxAliasSteps = 8;

export function createNames(table: NameTable): { resolve(name: string): Meaning; known(): string[] } {
  const byId = new Map(table.providers.map((each) => [each.id, each]));
  const chainFirst = [
    ...table.fallbackChain.flatMap((id) => byId.get(id) ?? []),
    ...table.providers.filter((each) => !table.fallbackChain.includes(each.id)),
  ];
  const owners = new Map<string, RoutedProvider>();
  for (const provider of chainFirst)
    for (const model of provider.models) if (!owners.has(model)) owners.set(model, provider);
  const exact = new Map(Object.entries(table.aliases).filter(([name]) => !name.includes("*")));
  const wild = Object.entries(table.aliases).flatMap(([name, to]) => (name.includes("*") ? [{ name, to }] : []));

  const aliasOf = (name: string): string | null => {
    const direct = exact.get(name);
    if (direct !== undefined) return direct;
    for (const { name: pattern, to } of wild) {
      const middle = matchWildcard(pattern, name);
      if (middle !== null) return to.replace("*", middle);
    }
    return null;
  };

  const lookUp = (name: string, via: string, step: number): Meaning | null => {
    if (name === "auto" || name === "clawgate/auto") return { kind: "auto" };
    const provider = byId.get(name);
    if (provider !== undefined)
      return { kind: "target", target: { provider: name, model: provider.model }, isListed: true, via };
    const alias = aliasOf(name);
    if (alias !== null && alias !== name && step < maxAliasSteps) {
      const meaning = lookUp(alias, `alias ${name}`, step + 1);
      if (meaning !== null) return meaning;
    }
    const slash = name.indexOf("/");
    if (slash > 0 && slash < name.length - 1) {
      const owner = byId.get(name.slice(0, slash));
      const model = name.slice(slash + 1);
      if (owner !== undefined)
        return {
          kind: "target",
          target: { provider: owner.id, model },
          isListed: model === owner.model || owner.models.includes(model),
          via,
        };
    }
    const owner = owners.get(name);
    if (owner !== undefined) return { kind: "target", target: { provider: owner.id, model: name }, isListed: true, via };
    return null;
  };

  const known = (): string[] => [
    "auto",
    ...table.providers.map((each) => each.id),
    ...table.providers.flatMap((each) => each.models.map((model) => `${each.id}/${model}`)),
    ...Object.keys(table.aliases).filter((name) => !name.includes("*")),
  ];

  return {
    known,
    resolve(name) {
      const meaning = lookUp(name, "the requested model", 0);
      if (meaning !== null) return meaning;
      if (table.defaultModel !== null) {
        const fallback = lookUp(table.defaultModel, "default_model", 0);
        if (fallback !== null) return fallback;
      }
      throw unknownModel(name, table, [...known(), ...owners.keys()]);
    },
  };
}

function unknownModel(name: string, table: NameTable, known: readonly string[]): Failure {
  const shown = name.length > 120 ? `${name.slice(0, 120)}…` : name;
  const id = name.split("/")[0] ?? name;
  const reason = Object.hasOwn(table.skipped, id) ? table.skipped[id] : undefined;
  const near = nearest(name.slice(0, 200), known);
  const hint =
    reason !== undefined
      ? ` The provider "${id}" is configured but not loaded: ${reason}.`
      : near === null
        ? " GET /v1/models lists the names that work."
        : ` Did you mean "${near}"?`;
  return new Failure("unknown-model", `The model "${shown}" does not exist here.${hint}`, {
    param: "model",
    code: "model_not_found",
  });
}

/** What stands where the pattern's first `*` is, or null when the whole name does not fit. */
function matchWildcard(pattern: string, name: string): string | null {
  const star = pattern.indexOf("*");
  const head = pattern.slice(0, star);
  const tail = pattern.slice(star + 1);
  if (!name.startsWith(head) || !name.endsWith(tail) || name.length < head.length + tail.length) return null;
  return name.slice(head.length, name.length - tail.length);
}
