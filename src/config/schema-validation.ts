// A value against the schema: the config, or all errors and a config of the valid rest, so that checks that need one can still
// run. What was left out must never cause a finding of its own.

import { dotted, type Path } from "./document.ts";
import type { Expanded } from "./expand.ts";
import { type Finding, findingsOf } from "./findings.ts";
import { configSchema } from "./schema.ts";
import { isTree, type Tree, valueAt, withValueAt } from "./values.ts";

type Parsed = ReturnType<typeof configSchema.parse>;

export type Validated = {
  /** Complete if there are no findings; otherwise what is left. Null: nothing is. */
  readonly config: Parsed | null;
  readonly findings: readonly Finding[];
  /** Whether the config has this place, and everything below it, as written. */
  isWhole(path: Path): boolean;
  /** The place in the value for a place in `config`. */
  placeOf(path: Path): Path;
};

const maxRounds = 100;

export function validate(value: unknown, origins: Expanded["origins"]): Validated {
  const first = configSchema.safeParse(value);
  if (first.success)
    return { config: first.data, findings: [], isWhole: () => true, placeOf: (path) => path };
  const withNumbers = withReadNumbers(value, findingsOf(first.error.issues, value), origins);
  const findings: Finding[] = [];
  const excluded = new Map<string, Excluded>();
  for (let round = 0; round < maxRounds; round++) {
    const { rest, placeOf } = withoutExcluded(withNumbers, excluded);
    const parsed = configSchema.safeParse(rest);
    const common = { findings, isWhole: isWholeWithout(excluded), placeOf };
    if (parsed.success) return { ...common, config: parsed.data };
    const found = findingsOf(parsed.error.issues, rest).map((each) => ({
      ...each,
      path: placeOf(each.path),
    }));
    findings.push(...found.filter((each) => !isConsequence(each, excluded)));
    if (!found.every((each) => exclude(each, rest, excluded))) return { ...common, config: null };
  }
  return { config: null, findings, isWhole: isWholeWithout(excluded), placeOf: (path) => path };
}

/** Variables are text; where the schema requires a number or a boolean, text from a variable is converted. */
function withReadNumbers(
  value: unknown,
  findings: readonly Finding[],
  origins: Expanded["origins"],
): unknown {
  return findings.reduce((current, { path, expected }) => {
    const text = valueAt(current, path);
    if (typeof text !== "string" || !origins.has(dotted(path))) return current;
    if ((expected === "number" || expected === "int") && /^-?\d+(\.\d+)?$/.test(text))
      return withValueAt(current, path, Number(text));
    if (expected === "boolean" && /^(true|false)$/i.test(text))
      return withValueAt(current, path, text.toLowerCase() === "true");
    return current;
  }, value);
}

type Excluded = { readonly path: Path; readonly isUnknownKey: boolean };

const keyOf = (path: Path): string => JSON.stringify(path);

const isAtOrBelow = (path: Path, above: Path): boolean => above.every((part, index) => path[index] === part);

function isWholeWithout(bad: ReadonlyMap<string, Excluded>): Validated["isWhole"] {
  return (path) => {
    for (const each of bad.values())
      if (!each.isUnknownKey && (isAtOrBelow(each.path, path) || isAtOrBelow(path, each.path))) return false;
    return true;
  };
}

/** The keys that decide how a provider's other keys are checked; elsewhere any key may be one of these. */
const decidingKeys: ReadonlySet<unknown> = new Set([
  "backend",
  "base_url",
  "model",
  "models",
  "default_model",
  "auth",
]);

/** Something in it or next to it was left out, and its absence may be what this finding reports. */
function isConsequence({ path }: Finding, bad: ReadonlyMap<string, Excluded>): boolean {
  const owner = path.slice(0, -1);
  const isProviders = owner.length === 2 && owner[0] === "providers";
  for (const each of bad.values()) {
    if (each.isUnknownKey) continue;
    if (isAtOrBelow(each.path, path) || isAtOrBelow(path, each.path)) return true;
    if (owner.length === 0 || !isAtOrBelow(each.path, owner)) continue;
    if (!isProviders || decidingKeys.has(each.path[owner.length])) return true;
  }
  return false;
}

/** If nothing is there, or it was left out already, its owner is removed. False: the whole value would be. */
function exclude({ path, message }: Finding, rest: unknown, bad: Map<string, Excluded>): boolean {
  const isUnknownKey = message === "unknown key";
  let at = path;
  while (at.length > 0 && (bad.has(keyOf(at)) || (!isUnknownKey && isAbsentAt(rest, at, bad))))
    at = at.slice(0, -1);
  if (at.length === 0) return false;
  bad.set(keyOf(at), { path: at, isUnknownKey });
  return true;
}

/** A list keeps its places in `path`, not in `rest`; of its entries only those left out are missing. */
function isAbsentAt(rest: unknown, path: Path, bad: ReadonlyMap<string, Excluded>): boolean {
  const within = shifted(path, bad);
  return within === null || valueAt(rest, within) === undefined;
}

/** The same place in a value without the entries in `bad`; null: it was removed. */
function shifted(path: Path, bad: ReadonlyMap<string, Excluded>): Path | null {
  const within: (string | number)[] = [];
  for (const [depth, part] of path.entries()) {
    const owner = path.slice(0, depth);
    if (bad.has(keyOf([...owner, part]))) return null;
    if (typeof part === "number") {
      let gone = 0;
      for (let index = 0; index < part; index++) if (bad.has(keyOf([...owner, index]))) gone += 1;
      within.push(part - gone);
    } else within.push(part);
  }
  return within;
}

function withoutExcluded(value: unknown, bad: ReadonlyMap<string, Excluded>) {
  const kept = new Map<string, readonly number[]>();
  const strip = (node: unknown, path: Path, place: Path): unknown => {
    const isBad = (part: string | number): boolean => bad.has(keyOf([...path, part]));
    if (Array.isArray(node)) {
      const items = node
        .map((item: unknown, index) => ({ item, index }))
        .filter(({ index }) => !isBad(index));
      kept.set(
        keyOf(place),
        items.map(({ index }) => index),
      );
      return items.map(({ item, index }, at) => strip(item, [...path, index], [...place, at]));
    }
    if (!isTree(node)) return node;
    const entries = Object.entries(node).filter(([key]) => !isBad(key));
    return Object.fromEntries(
      entries.map(([key, item]) => [key, strip(item, [...path, key], [...place, key])]),
    ) satisfies Tree;
  };
  // For most configs nothing was left out.
  if (bad.size === 0) return { rest: value, placeOf: (path: Path): Path => path };
  const rest = strip(value, [], []);
  const placeOf = (path: Path): Path =>
    path.map((part, depth) =>
      typeof part === "number" ? (kept.get(keyOf(path.slice(0, depth)))?.[part] ?? part) : part,
    );
  return { rest, placeOf };
}
