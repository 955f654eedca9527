// Applies a list of edits to a text, and takes them back later, each on its own. Every step is read back: a text that does not mean
// what was intended is never returned.

import { type Hunk, hunkBetween, reversed } from "./hunk.ts";
import {
  existingDepth,
  meansTheSame,
  type Path,
  placeToRemove,
  shownPath,
  type TextFormat,
  TextProblem,
  valueAt,
  withoutValue,
  withValue,
} from "./text-format.ts";

export type Edit =
  | {
      readonly path: Path;
      readonly value: unknown;
      /** Left as it is if the user has something there. */
      readonly isOptional?: boolean;
    }
  | {
      readonly path: Path;
      /** What becomes of what the user has there; undefined: it stays as it is. */
      readonly change: (old: unknown) => unknown;
    };

export type AppliedEdit = {
  readonly path: Path;
  readonly put: unknown;
  /** Null: there was nothing. */
  readonly was: { readonly value: unknown } | null;
  /** How many steps of the path were there before. */
  readonly depth: number;
  readonly hunk: Hunk;
};

/** Throws TextProblem. `kept`: what the user has and keeps. */
export function applyEdits(format: TextFormat, original: string, edits: readonly Edit[]) {
  let text = original;
  // Of the text as it is; a large one is read once after each change.
  let before = format.read(text);
  const applied: AppliedEdit[] = [];
  const kept: string[] = [];
  for (const edit of edits) {
    const { path } = edit;
    const old = valueAt(before, path);
    const value = "change" in edit ? edit.change(old) : edit.value;
    if (value === undefined) continue;
    if (old !== undefined && "isOptional" in edit && edit.isOptional === true) {
      if (!Bun.deepEquals(old, value)) kept.push(shownPath(path));
      continue;
    }
    if (Bun.deepEquals(old, value)) continue;
    const next = format.set(text, path, value);
    const after = readBack(format, next);
    if (!meansTheSame(after, withValue(before, path, value)))
      throw new TextProblem(`\`${shownPath(path)}\` cannot be set without changing something else`);
    applied.push({
      path,
      put: value,
      was: old === undefined ? null : { value: old },
      depth: existingDepth(before, path),
      hunk: hunkBetween(text, next),
    });
    text = next;
    before = after;
  }
  return { text, applied, kept };
}

function readBack(format: TextFormat, text: string): unknown {
  try {
    return format.read(text);
  } catch (error) {
    if (error instanceof TextProblem) return undefined;
    throw error;
  }
}

export type Left = { readonly place: string; readonly why: "changed" | "removed" };

/** `left`: what the user has changed or removed since and what therefore stays. Throws TextProblem. */
export function undoEdits(format: TextFormat, current: string, edits: readonly AppliedEdit[]) {
  let read: Read = { text: current, value: format.read(current) };
  const left: Left[] = [];
  for (const edit of edits.toReversed()) {
    const now = valueAt(read.value, edit.path);
    if (Bun.deepEquals(now, edit.put)) read = undone(format, read, edit);
    else left.push({ place: shownPath(edit.path), why: now === undefined ? "removed" : "changed" });
  }
  return { text: read.text, left: left.toReversed() };
}

type Read = { readonly text: string; readonly value: unknown };

function undone(format: TextFormat, { text, value }: Read, { path, was, depth, hunk }: AppliedEdit): Read {
  const place = placeToRemove(value, path, depth);
  const wanted = was === null ? withoutValue(value, place) : withValue(value, path, was.value);
  const exact = reversed(text, hunk);
  if (exact !== null) {
    const read = readBack(format, exact.text);
    // Unless it is what was there before, nothing may take the place of an empty list.
    if (exact.isWhole ? meansTheSame(read, wanted) : Bun.deepEquals(read, wanted))
      return { text: exact.text, value: read };
  }
  // The user has edited what stood around it.
  const next = was === null ? format.remove(text, place) : format.set(text, path, was.value);
  const read = readBack(format, next);
  if (meansTheSame(read, wanted)) return { text: next, value: read };
  throw new TextProblem(`\`${shownPath(path)}\` cannot be taken back without changing something else`);
}
