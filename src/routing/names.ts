// Resolves a model name in a request to a provider and model. Pure: it uses the config only, never
// health.

import { Failure } from "../canon/failure.ts";
import type { Target } from "../canon/decision.ts";
import { nearest } from "../canon/nearest.ts";
import { behindClaudeName } from "./claude-names.ts";

/** A provider as routing sees it. `models` are upstream ids; `model` is the default for the bare provider id. */
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
  /** Name (may contain `*`) -> a name that resolves by the same rules. */
  readonly aliases: Readonly<Record<string, string>>;
  readonly fallbackChain: readonly string[];
  readonly defaultModel: string | null;
  /** Whether a static rule's `model_requested` knows the name: such a name is `auto` with a hint. */
  readonly isHint: (name: string) => boolean;
  /** Names that a backend itself knows (the CLI's aliases and prefixes). Absent: no such backend. */
  readonly backendNames?: BackendNames;
};

export type BackendNames = {
  resolve(name: string): { readonly target: Target; readonly isListed: boolean } | null;
  /** The target for unknown names, where the provider sets it. */
  fallback(): Target | null;
  known(): readonly string[];
};

export type ResolvedName =
  | { readonly kind: "auto" }
  /** `isListed` false: the client named a model that the config does not name, so a 404 for it is the client's. */
  | {
      readonly kind: "target";
      readonly target: Target;
      readonly isListed: boolean;
      readonly via: string;
      /** The name is unknown: the target for all unknown names. */
      readonly isDefault?: true;
    };

const maxAliasSteps = 8;

export type Names = {
  /** Throws Failure `unknown-model`. */
  resolve(name: string): ResolvedName;
  /** The same for a name from the config; null when its target is not loaded. */
  resolveOrNull(name: string): ResolvedName | null;
  /** The config's own name behind a name made for Claude Code (claude-names.ts); any other name unchanged. */
  configName(name: string): string;
  known(): string[];
};

export function createNames(table: NameTable): Names {
  return new ConfiguredNames(table);
}

class ConfiguredNames implements Names {
  private readonly byId: ReadonlyMap<string, RoutedProvider>;
  /** The provider for a bare model name: the first of the chain that has the model, else of the config. */
  private readonly owners: ReadonlyMap<string, RoutedProvider>;
  private readonly exact: ReadonlyMap<string, string>;
  private readonly wild: readonly { readonly name: string; readonly to: string }[];
  private readonly isOurs = (name: string): boolean => name === "auto" || this.exact.has(name);

  constructor(private readonly table: NameTable) {
    this.byId = new Map(table.providers.map((each) => [each.id, each]));
    this.owners = ownersOf(table, this.byId);
    const aliases = Object.entries(table.aliases);
    this.exact = new Map(aliases.filter(([name]) => !name.includes("*")));
    this.wild = aliases.flatMap(([name, to]) => (name.includes("*") ? [{ name, to }] : []));
  }

  known(): string[] {
    const { providers, aliases, backendNames } = this.table;
    return [
      "auto",
      ...providers.map((each) => each.id),
      ...providers.flatMap((each) => each.models.map((model) => `${each.id}/${model}`)),
      ...Object.keys(aliases).filter((name) => !name.includes("*")),
      ...(backendNames?.known() ?? []),
    ];
  }

  configName(name: string): string {
    return this.behindClaudePrefix(name) ?? name;
  }

  resolveOrNull(name: string): ResolvedName | null {
    return this.lookUp(name, "the rule", 0, true);
  }

  resolve(name: string): ResolvedName {
    const meaning = this.lookUp(name, "the requested model", 0, false);
    if (meaning !== null) return meaning;
    if (this.table.isHint(name)) return { kind: "auto" };
    const answer = this.resolveByBackend(name, "the requested model") ?? this.defaultOf();
    if (answer !== null) return answer;
    const meant = this.aliasOf(name)?.to ?? name;
    throw unknownModel(name, meant, this.table, [...this.known(), ...this.owners.keys()]);
  }

  /** The target for unknown names. */
  private defaultOf(): ResolvedName | null {
    const { defaultModel, backendNames } = this.table;
    const fallback = defaultModel === null ? null : this.lookUp(defaultModel, "default_model", 0, true);
    if (fallback !== null) return fallback.kind === "target" ? { ...fallback, isDefault: true } : fallback;
    const target = backendNames?.fallback() ?? null;
    if (target === null) return null;
    const via = `default_model of ${target.provider}`;
    return { kind: "target", target, isListed: true, via, isDefault: true };
  }

  /** Null where another provider has the name. */
  private behindClaudePrefix(name: string): string | null {
    const { byId } = this;
    const plain = behindClaudeName(name, this.isOurs);
    if (plain === null || this.exact.has(name) || byId.has(name) || this.owners.has(name)) return null;
    const isWithin = byId.has(name.slice(0, Math.max(0, name.indexOf("/"))));
    return isWithin || this.table.backendNames?.known().includes(name) === true ? null : plain;
  }

  /** `isWhole` false: a part of the new name comes from the client. */
  private aliasOf(name: string): { readonly to: string; readonly isWhole: boolean } | null {
    const direct = this.exact.get(name);
    if (direct !== undefined) return { to: direct, isWhole: true };
    const plain = this.behindClaudePrefix(name);
    if (plain !== null) return { to: plain, isWhole: true };
    for (const { name: pattern, to } of this.wild) {
      const middle = wildcardMatch(pattern, name);
      // A function, because the client's text may contain `$&`.
      if (middle !== null) return { to: to.replace("*", () => middle), isWhole: !to.includes("*") };
    }
    return null;
  }

  /** `isOurs`: the config, not the client, named this model. */
  private lookUp(name: string, via: string, step: number, isOurs: boolean): ResolvedName | null {
    if (name === "auto" || name === "clawgate/auto") return { kind: "auto" };
    const provider = this.byId.get(name);
    if (provider !== undefined)
      return { kind: "target", target: { provider: name, model: provider.model }, isListed: true, via };
    const alias = this.aliasOf(name);
    if (alias !== null && alias.to !== name && step < maxAliasSteps) {
      const meaning = this.lookUp(alias.to, `alias ${name}`, step + 1, alias.isWhole);
      if (meaning !== null) return meaning;
    }
    const target = this.modelOfProvider(name, via, isOurs);
    if (target !== null) return target;
    const owner = this.owners.get(name);
    if (owner !== undefined)
      return { kind: "target", target: { provider: owner.id, model: name }, isListed: true, via };
    // A static rule may claim a client's name, but never a name from the config itself.
    return isOurs || step > 0 ? this.resolveByBackend(name, via) : null;
  }

  /** `provider/model`. */
  private modelOfProvider(name: string, via: string, isOurs: boolean): ResolvedName | null {
    const slash = name.indexOf("/");
    if (slash <= 0 || slash === name.length - 1) return null;
    const owner = this.byId.get(name.slice(0, slash));
    if (owner === undefined) return null;
    const model = name.slice(slash + 1);
    const isListed = isOurs || model === owner.model || owner.models.includes(model);
    return { kind: "target", target: { provider: owner.id, model }, isListed, via };
  }

  private resolveByBackend(name: string, via: string): ResolvedName | null {
    const own = this.table.backendNames?.resolve(name) ?? null;
    return own === null ? null : { kind: "target", ...own, via };
  }
}

function ownersOf(
  { providers, fallbackChain }: NameTable,
  byId: ReadonlyMap<string, RoutedProvider>,
): ReadonlyMap<string, RoutedProvider> {
  const chainFirst = [
    ...fallbackChain.flatMap((id) => byId.get(id) ?? []),
    ...providers.filter((each) => !fallbackChain.includes(each.id)),
  ];
  const owners = new Map<string, RoutedProvider>();
  for (const provider of chainFirst)
    for (const model of provider.models) if (!owners.has(model)) owners.set(model, provider);
  return owners;
}

/** `meant` is the alias's target when the name is an alias. */
function unknownModel(name: string, meant: string, table: NameTable, known: readonly string[]): Failure {
  const shown = name.length > 120 ? `${name.slice(0, 120)}…` : name;
  const id = meant.split("/")[0] ?? meant;
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

/** What the pattern's first `*` matches (the shortest match), or null when the whole name does not match. */
function wildcardMatch(pattern: string, name: string): string | null {
  const [head = "", ...parts] = pattern.split("*");
  const tail = parts.pop() ?? "";
  if (!name.startsWith(head) || !name.endsWith(tail) || name.length < head.length + tail.length) return null;
  const end = name.length - tail.length;
  let at = head.length;
  let captured: string | null = null;
  for (const part of parts) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > end) return null;
    captured ??= name.slice(head.length, found);
    at = found + part.length;
  }
  return captured ?? name.slice(head.length, end);
}
