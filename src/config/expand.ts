// `${VAR}` and `${VAR:-default}` in the strings of a config. One pass only: a variable's value is never expanded again, so
// no value can refer to another secret. It must never read process.env itself.

import { dotted, type Path } from "./document.ts";

/** `$${` means a literal `${`. */
const reference = /\$\$\{|\$\{([^}]*)\}?/g;
const wellFormed = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/;

export type Unset = { readonly path: Path; readonly variable: string };
export type Malformed = { readonly path: Path; readonly text: string };

export type Expanded = {
  readonly value: unknown;
  /** Variables with neither value nor default. In `value` they are empty strings. */
  readonly unset: readonly Unset[];
  readonly malformed: readonly Malformed[];
  /** Dotted paths of the strings that contained a reference, with the variables in it. */
  readonly origins: ReadonlyMap<string, readonly string[]>;
};

/** Empty variables count as unset only if a default is given, as in a shell. */
export function expand(
  value: unknown,
  lookup: (variable: string, path: Path) => string | undefined,
): Expanded {
  const unset: Unset[] = [];
  const malformed: Malformed[] = [];
  const origins = new Map<string, readonly string[]>();

  function expandText(text: string, path: Path): string {
    if (!text.includes("${")) return text;
    const variables: string[] = [];
    const expanded = text.replaceAll(reference, (whole: string, inside: string | undefined) => {
      if (inside === undefined) return "${";
      const parts = whole.endsWith("}") ? wellFormed.exec(inside) : null;
      const variable = parts?.[1];
      if (variable === undefined) {
        malformed.push({ path, text: whole });
        return "";
      }
      variables.push(variable);
      const found = lookup(variable, path);
      const fallback = parts?.[2];
      if (fallback !== undefined) return found === undefined || found === "" ? fallback : found;
      if (found === undefined) unset.push({ path, variable });
      return found ?? "";
    });
    if (variables.length > 0) origins.set(dotted(path), variables);
    return expanded;
  }

  function walk(node: unknown, path: Path): unknown {
    if (typeof node === "string") return expandText(node, path);
    if (Array.isArray(node)) return node.map((item: unknown, index) => walk(item, [...path, index]));
    if (typeof node !== "object" || node === null) return node;
    return Object.fromEntries(Object.entries(node).map(([key, item]) => [key, walk(item, [...path, key])]));
  }

  return { value: walk(value, []), unset, malformed, origins };
}

/** Every variable that the strings of `value` name. */
export function variablesIn(value: unknown): ReadonlySet<string> {
  const names = new Set<string>();
  expand(value, (variable) => {
    names.add(variable);
    return undefined;
  });
  return names;
}
