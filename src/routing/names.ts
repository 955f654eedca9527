// Which provider and model a name in a request means (contract section 1). Pure: it looks at the config only, never at health.

import { Failure } from "../canon/failure.ts";
import type { Target } from "../canon/decision.ts";
import { nearest } from "../canon/nearest.ts";
import { behindClaudeName } from "./claude-names.ts";

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
  /** Whether a static rule's `model_requested` knows the name: such a name is `auto` with a hint. */
  readonly isHint: (name: string) => boolean;
  /** Names that a backend knows by itself (the CLI's aliases and prefixes). Absent: there is no such backend. */
  readonly backendNames?: BackendNames;
};

export type BackendNames = {
  resolve(name: string): { readonly target: Target; readonly isListed: boolean } | null;
  /** What answers a name that nothing knows, where the provider says so itself. */
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
      /** Nothing knows the name: what answers all such names. */
      readonly isDefault?: true;
    };

const maxAliasSteps = 8;

export type Names = {
  /** Throws Failure `unknown-model`. */
  resolve(name: string): ResolvedName;
  /** The same for a name that the config wrote; null when what it names is not loaded. */
  resolveOrNull(name: string): ResolvedName | null;
  /** The config's own name behind one that is made for Claude Code (claude-names.ts); any other name as it is. */
  configName(name: string): string;
  known(): string[];
};

export function createNames(table: NameTable): Names {
  const byId = new Map(table.providers.map((each) => [each.id, each]));
  const chainFirst = [
    ...table.fallbackChain.flatMap((id) => byId.get(id) ?? []),
    ...table.providers.filter((each) => !table.fallbackChain.includes(each.id)),
  ];
  const owners = new Map<string, RoutedProvider>();
  for (const provider of chainFirst)
    for (const model of provider.models) if (!owners.has(model)) owners.set(model, provider);
  const exact = new Map(Object.entries(table.aliases).filter(([name]) => !name.includes("*")));
  const wild = Object.entries(table.aliases).flatMap(([name, to]) =>
    name.includes("*") ? [{ name, to }] : [],
  );

  const isOurs = (name: string): boolean => name === "auto" || exact.has(name);
  /** Null where somebody else has the name. */
  const behindClaudePrefix = (name: string): string | null => {
    const plain = behindClaudeName(name, isOurs);
    if (plain === null || exact.has(name) || byId.has(name) || owners.has(name)) return null;
    const isWithin = byId.has(name.slice(0, Math.max(0, name.indexOf("/"))));
    return isWithin || table.backendNames?.known().includes(name) === true ? null : plain;
  };

  /** `isRecursive` false: a part of the new name is what the client wrote. */
  const aliasOf = (name: string): { readonly to: string; readonly isWhole: boolean } | null => {
    const direct = exact.get(name);
    if (direct !== undefined) return { to: direct, isWhole: true };
    const plain = behindClaudePrefix(name);
    if (plain !== null) return { to: plain, isWhole: true };
    for (const { name: pattern, to } of wild) {
      const middle = wildcardMatch(pattern, name);
      // A function, because the client's text may hold `$&`.
      if (middle !== null) return { to: to.replace("*", () => middle), isWhole: !to.includes("*") };
    }
    return null;
  };

  /** `isOurs`: the config, not the client, named this model. */
  const lookUp = (name: string, via: string, step: number, isOurs: boolean): ResolvedName | null => {
    if (name === "auto" || name === "clawgate/auto") return { kind: "auto" };
    const provider = byId.get(name);
    if (provider !== undefined)
      return { kind: "target", target: { provider: name, model: provider.model }, isListed: true, via };
    const alias = aliasOf(name);
    if (alias !== null && alias.to !== name && step < maxAliasSteps) {
      const meaning = lookUp(alias.to, `alias ${name}`, step + 1, alias.isWhole);
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
          isListed: isOurs || model === owner.model || owner.models.includes(model),
          via,
        };
    }
    const owner = owners.get(name);
    if (owner !== undefined)
      return { kind: "target", target: { provider: owner.id, model: name }, isListed: true, via };
    // A static rule may claim what a client wrote; it never claims what the config itself names.
    return isOurs || step > 0 ? resolveByBackend(name, via) : null;
  };

  const resolveByBackend = (name: string, via: string): ResolvedName | null => {
    const own = table.backendNames?.resolve(name) ?? null;
    return own === null ? null : { kind: "target", ...own, via };
  };

  const known = (): string[] => [
    "auto",
    ...table.providers.map((each) => each.id),
    ...table.providers.flatMap((each) => each.models.map((model) => `${each.id}/${model}`)),
    ...Object.keys(table.aliases).filter((name) => !name.includes("*")),
    ...(table.backendNames?.known() ?? []),
  ];

  return {
    known,
    configName: (name) => behindClaudePrefix(name) ?? name,
    resolveOrNull: (name) => lookUp(name, "the rule", 0, true),
    resolve(name) {
      const meaning = lookUp(name, "the requested model", 0, false);
      if (meaning !== null) return meaning;
      if (table.isHint(name)) return { kind: "auto" };
      const own = resolveByBackend(name, "the requested model");
      if (own !== null) return own;
      if (table.defaultModel !== null) {
        const fallback = lookUp(table.defaultModel, "default_model", 0, true);
        if (fallback !== null)
          return fallback.kind === "target" ? { ...fallback, isDefault: true } : fallback;
      }
      const last = table.backendNames?.fallback() ?? null;
      if (last !== null)
        return {
          kind: "target",
          target: last,
          isListed: true,
          via: `default_model of ${last.provider}`,
          isDefault: true,
        };
      throw unknownModel(name, aliasOf(name)?.to ?? name, table, [...known(), ...owners.keys()]);
    },
  };
}

/** `meant` is what stands behind the name when it is an alias. */
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

/** What stands where the pattern's first `*` is (as little as fits), or null when the whole name does not fit. */
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
