// What the page of the config shows: a unified diff as lines, problems at their lines, and the values in force as a flat list.

import type { ConfigAnswer, ConfigTextProblem } from "./shapes.ts";

export type DiffLine = {
  readonly kind: "added" | "removed" | "same" | "gap";
  readonly text: string;
  /** Line numbers of the old and the new text; null where the line is not in it. */
  readonly oldLine: number | null;
  readonly newLine: number | null;
};

const hunkHead = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/;

/** The lines of a unified diff. A file's two head lines are left out. */
export function diffLines(diff: string): readonly DiffLine[] {
  const lines: DiffLine[] = [];
  let [oldLine, newLine] = [0, 0];
  let isInside = false;
  for (const line of diff.split("\n")) {
    const head = hunkHead.exec(line);
    if (head !== null) {
      [oldLine, newLine] = [Number(head[1]), Number(head[2])];
      if (isInside) lines.push({ kind: "gap", text: "", oldLine: null, newLine: null });
      isInside = true;
    } else if (!isInside || line.startsWith("\\")) continue;
    else if (line.startsWith("+")) {
      lines.push({ kind: "added", text: line.slice(1), oldLine: null, newLine });
      newLine += 1;
    } else if (line.startsWith("-")) {
      lines.push({ kind: "removed", text: line.slice(1), oldLine, newLine: null });
      oldLine += 1;
    } else if (line.startsWith(" ")) {
      lines.push({ kind: "same", text: line.slice(1), oldLine, newLine });
      oldLine += 1;
      newLine += 1;
    }
  }
  return lines;
}

export function diffCounts(lines: readonly DiffLine[]): { readonly added: number; readonly removed: number } {
  const count = (kind: DiffLine["kind"]): number => lines.filter((line) => line.kind === kind).length;
  return { added: count("added"), removed: count("removed") };
}

export const lineCount = (text: string): number => text.split("\n").length;

/** The offset at which a line (from 1) begins, and the one at which it ends. */
export function lineRange(text: string, line: number): readonly [start: number, end: number] {
  let start = 0;
  for (let passed = 1; passed < line; passed += 1) {
    const next = text.indexOf("\n", start);
    if (next === -1) break;
    start = next + 1;
  }
  const end = text.indexOf("\n", start);
  return [start, end === -1 ? text.length : end];
}

/** The lines that hold a problem. */
export function problemLines(problems: readonly ConfigTextProblem[]): ReadonlySet<number> {
  return new Set(problems.flatMap(({ line }) => (line === null ? [] : [line])));
}

export type ConfigValue = { readonly path: string; readonly value: string };

/** The values as paths, in the order of the config; empty lists and maps are shown as such. */
export function flatValues(values: unknown, path = ""): readonly ConfigValue[] {
  if (typeof values !== "object" || values === null) return [{ path, value: textOf(values) }];
  const entries: readonly (readonly [string, unknown])[] = Array.isArray(values)
    ? values.map((value: unknown, index) => [`${path}[${index}]`, value] as const)
    : Object.entries(values).map(([name, value]) => [path === "" ? name : `${path}.${name}`, value] as const);
  if (entries.length === 0) return [{ path, value: Array.isArray(values) ? "[]" : "{}" }];
  return entries.flatMap(([name, value]) => flatValues(value, name));
}

function textOf(value: unknown): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** How the file on disk differs from what is in force, one sentence a change. */
export function diskChanges({ disk }: Pick<ConfigAnswer, "disk">): readonly string[] {
  const { added, removed, changed } = disk.changed.providers;
  return [
    ...added.map((id) => `Provider ${id} is new.`),
    ...removed.map((id) => `Provider ${id} is gone.`),
    ...changed.map((id) => `Provider ${id} is different.`),
    ...disk.changed.sections.map((name) => `Section ${name} is different.`),
  ];
}
