// What an edit of a client's config is, whatever its format: a path and a value. A format changes one place of a text and keeps every
// other byte; the values here say what a text must mean afterwards, so that no edit is trusted unread.

import type { KeyPath } from "../../openclaw/json5-text.ts";

/** Names of maps; in a list the element whose member `where` has the value `is`. */
export type Path = KeyPath;

export type TextFormat = {
  /** What a missing or empty file is taken for. */
  readonly blank: string;
  /** Throws TextProblem with line and column. An empty text is an empty map. */
  read(text: string): unknown;
  /** Missing maps and lists on the way are created. Throws TextProblem. */
  set(text: string, path: Path, value: unknown): string;
  /** The same text if there is no such place. Throws TextProblem. */
  remove(text: string, path: Path): string;
};

/** The message names a place and no value of the file. */
export class TextProblem extends Error {
  override readonly name = "TextProblem";
}

type Container = Readonly<Record<string, unknown>> | readonly unknown[];

const isContainer = (value: unknown): value is Container => typeof value === "object" && value !== null;

function keyOf(container: Container, step: Path[number]): string | number | null {
  if (typeof step === "string")
    return !Array.isArray(container) && Object.hasOwn(container, step) ? step : null;
  if (!Array.isArray(container)) return null;
  const at = container.findLastIndex(
    (each: unknown) =>
      isContainer(each) && (each as Readonly<Record<string, unknown>>)[step.where] === step.is,
  );
  return at < 0 ? null : at;
}

function entryAt(root: unknown, path: Path): { readonly value: unknown } | null {
  let value = root;
  for (const step of path) {
    const key = isContainer(value) ? keyOf(value, step) : null;
    if (key === null) return null;
    value = (value as Readonly<Record<string | number, unknown>>)[key];
  }
  return { value };
}

/** Undefined: there is no such place. */
export const valueAt = (root: unknown, path: Path): unknown => entryAt(root, path)?.value;

/** How many steps of the path exist. */
export function existingDepth(root: unknown, path: Path): number {
  const missing = path.findIndex((_, at) => entryAt(root, path.slice(0, at + 1)) === null);
  return missing < 0 ? path.length : missing;
}

export function withValue(root: unknown, path: Path, value: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  const own: Container = isContainer(root) ? root : typeof step === "string" ? {} : [];
  const key = keyOf(own, step);
  const inner = withValue(
    key === null ? null : (own as Readonly<Record<string | number, unknown>>)[key],
    rest,
    value,
  );
  if (typeof step === "string") return { ...own, [step]: inner };
  const list: readonly unknown[] = Array.isArray(own) ? own : [];
  if (key !== null) return list.with(Number(key), inner);
  return step.isFirst === true ? [inner, ...list] : [...list, inner];
}

export function withoutValue(root: unknown, path: Path): unknown {
  const [step, ...rest] = path;
  if (step === undefined || !isContainer(root)) return root;
  const key = keyOf(root, step);
  if (key === null) return root;
  if (rest.length > 0)
    return withValue(
      root,
      [step],
      withoutValue((root as Readonly<Record<string | number, unknown>>)[key], rest),
    );
  if (Array.isArray(root)) return root.toSpliced(Number(key), 1) as unknown;
  return Object.fromEntries(Object.entries(root).filter(([name]) => name !== key));
}

/**
 * The place to remove so that no container is left behind that an edit made: `depth` steps of the path were there before it.
 */
export function placeToRemove(root: unknown, path: Path, depth: number): Path {
  let place = path;
  while (place.length > depth + 1) {
    const parent = valueAt(root, place.slice(0, -1));
    if (!isContainer(parent) || Object.keys(parent).length > 1) break;
    place = place.slice(0, -1);
  }
  return place;
}

/** The same for every program that reads it: an empty map, an empty list and nothing at all are alike. */
export function meansTheSame(left: unknown, right: unknown): boolean {
  return Bun.deepEquals(left, right) || Bun.deepEquals(normal(left), normal(right));
}

function normal(value: unknown): unknown {
  if (!isContainer(value) || value instanceof Date) return value;
  if (Array.isArray(value)) return value.length === 0 ? null : value.map(normal);
  const entries = Object.entries(value);
  return entries.length === 0 && Object.getPrototypeOf(value) === Object.prototype
    ? null
    : Object.fromEntries(entries.map(([name, each]) => [name, normal(each)]));
}

export const shownPath = (path: Path): string =>
  path.map((step) => (typeof step === "string" ? step : `[${step.is}]`)).join(".");

export const lineBreakOf = (text: string): string => (text.includes("\r\n") ? "\r\n" : "\n");

/** Where the line with this position ends; after its line break, if it has one. */
export function lineEndAt(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  return end < 0 ? text.length : end + 1;
}

export const lineStartAt = (text: string, at: number): number =>
  at === 0 ? 0 : text.lastIndexOf("\n", at - 1) + 1;

/** Puts whole lines at a line's start; a text without a last line break gets one before them. */
export function withLines(text: string, at: number, lines: string): string {
  const lineBreak = lineBreakOf(text);
  const put = lines.replaceAll("\n", lineBreak);
  const gap = at > 0 && text[at - 1] !== "\n" ? lineBreak : "";
  return text.slice(0, at) + gap + put + text.slice(at);
}
