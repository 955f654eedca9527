// Small operations on a config value before any schema was applied. They must never change their argument.

import type { Path } from "./document.ts";

export type Tree = Readonly<Record<string, unknown>>;

export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function valueAt(value: unknown, path: Path): unknown {
  let node = value;
  for (const part of path) {
    if (Array.isArray(node) && typeof part === "number") node = node[part];
    else if (isTree(node) && Object.hasOwn(node, part)) node = node[part];
    else return undefined;
  }
  return node;
}

/** A copy with `replacement` at `path`; missing maps on the way are created. */
export function withValueAt(value: unknown, path: Path, replacement: unknown): unknown {
  const [part, ...rest] = path;
  if (part === undefined) return replacement;
  if (Array.isArray(value) && typeof part === "number")
    return value.map((item: unknown, index) =>
      index === part ? withValueAt(item, rest, replacement) : item,
    );
  const tree = isTree(value) ? value : {};
  return { ...tree, [part]: withValueAt(tree[part], rest, replacement) };
}

/**
 * Drops keys without a value: in YAML an empty section is null, and people empty a section by commenting out its content. An
 * empty `api_key:` is kept as an empty string, because it switches its provider off.
 */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isTree(value)) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, item === null && isKey(key) ? "" : item]);
  return Object.fromEntries(
    entries.filter(([, item]) => item !== null).map(([key, item]) => [key, withoutNulls(item)]),
  );
}

function isKey(name: string): boolean {
  return name === "api_key" || name === "admin_key";
}
