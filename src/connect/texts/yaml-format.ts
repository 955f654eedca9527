// YAML changed by spans: the library says where a value stands, and only that span is written. Its own printer would rewrite the
// user's whole file.

import { isAlias, isCollection, isMap, isScalar, isSeq, type Node, parseDocument, stringify } from "yaml";
import type { Pair, YAMLMap, YAMLSeq } from "yaml";
import { keepingLastAnswer } from "../../canon/last-answer.ts";
import {
  lineEndAt,
  lineStartAt,
  type Path,
  shownPath,
  type TextFormat,
  TextProblem,
  withLines,
} from "./text-format.ts";

type Span = readonly [from: number, to: number];
type Item = { readonly span: Span; readonly value: Node | null; readonly keyEnd: number | null };

const documentOf = keepingLastAnswer((text) => {
  const document = parseDocument(text, { uniqueKeys: false });
  const [error] = document.errors;
  if (error === undefined) return document;
  const place = error.linePos?.[0];
  throw new TextProblem(
    place === undefined ? "it is not YAML" : `it is not YAML at line ${place.line}, column ${place.col}`,
  );
});

/** Without the line break and the blank lines that a block's range ends with. */
function spanOf(text: string, node: unknown): Span {
  const range = typeof node === "object" && node !== null && "range" in node ? node.range : null;
  const [from = 0, end = 0] = Array.isArray(range) ? (range as readonly number[]) : [];
  let to = end;
  while (to > from && /\s/.test(text[to - 1] ?? "")) to -= 1;
  return [from, to];
}

function itemsOf(text: string, node: YAMLMap | YAMLSeq): readonly Item[] {
  if (isSeq(node))
    return node.items.map((item) => ({ span: spanOf(text, item), value: item as Node, keyEnd: null }));
  return (node.items as readonly Pair[]).map(({ key, value }) => {
    const [from, keyEnd] = spanOf(text, key);
    const to = Math.max(text.indexOf(":", keyEnd) + 1, spanOf(text, value)[1]);
    return { span: [from, to], value: value as Node | null, keyEnd };
  });
}

function indexOfStep(node: YAMLMap | YAMLSeq, step: Path[number]): number {
  if (typeof step === "string")
    return isMap(node) ? node.items.findIndex(({ key }) => isScalar(key) && key.value === step) : -1;
  return isSeq(node) ? node.items.findIndex((item) => isMap(item) && item.get(step.where) === step.is) : -1;
}

const flow = (value: unknown): string =>
  typeof value === "string" || (typeof value === "object" && value !== null)
    ? JSON.stringify(value)
    : String(value);

const nestedOf = (path: Path, value: unknown): unknown =>
  path.reduceRight<unknown>((inner, step) => (typeof step === "string" ? { [step]: inner } : [inner]), value);

const block = (value: unknown, indent: string): string =>
  stringify(value, { lineWidth: 0 })
    .trimEnd()
    .split("\n")
    .map((line) => `${indent}${line}\n`)
    .join("");

/** The container behind a path, and the first step that it lacks. */
function walk(text: string, path: Path) {
  let node: unknown = documentOf(text).contents;
  // A null that is written out cannot have keys beside it.
  if (isScalar(node) && node.value === null && spanOf(text, node)[1] > spanOf(text, node)[0])
    throw new TextProblem("it is not a map of keys");
  for (const [depth, step] of path.entries()) {
    if (node === null || (isScalar(node) && node.value === null))
      return { depth, container: null, item: null };
    const shown = depth === 0 ? "it" : `\`${shownPath(path.slice(0, depth))}\``;
    if (isAlias(node)) throw new TextProblem(`${shown} is an alias: edit it by hand`);
    const isFit = typeof step === "string" ? isMap(node) : isSeq(node);
    if (!isFit || !isCollection(node))
      throw new TextProblem(`${shown} is not a ${typeof step === "string" ? "map of keys" : "list"}`);
    const container = node as YAMLMap | YAMLSeq;
    const index = indexOfStep(container, step);
    const item = itemsOf(text, container)[index] ?? null;
    if (item === null || depth === path.length - 1) return { depth, container, item, index };
    node = item.value;
  }
  throw new TextProblem("there is no place to change");
}

function set(text: string, path: Path, value: unknown): string {
  const { depth, container, item } = walk(text, path);
  if (container === null) {
    if (depth === 0) return withLines(text, text.length, block(nestedOf(path, value), ""));
    // `key:` without a value gets one.
    return set(text, path.slice(0, depth), nestedOf(path.slice(depth), value));
  }
  if (item !== null) return replaced(text, item, value);
  const nested = nestedOf(path.slice(depth), value);
  const step = path[depth];
  const isFirst = typeof step === "object" && step.isFirst === true && container.items.length > 0;
  if (isFirst) return beforeFirst(text, container, nested);
  return container.flow === true ? intoFlow(text, container, nested) : intoBlock(text, container, nested);
}

function replaced(text: string, { value: node, span, keyEnd }: Item, value: unknown): string {
  const from = keyEnd === null ? span[0] : text.indexOf(":", keyEnd) + 1;
  const isInline = isScalar(node) && node.type !== "BLOCK_LITERAL" && node.type !== "BLOCK_FOLDED";
  const [start, end] = isInline && spanOf(text, node)[1] > from ? spanOf(text, node) : [from, span[1]];
  const gap = start === from && keyEnd !== null ? " " : "";
  return text.slice(0, start) + gap + flow(value) + text.slice(end);
}

function intoFlow(text: string, container: YAMLMap | YAMLSeq, nested: unknown): string {
  const close = spanOf(text, container)[1] - 1;
  const last = itemsOf(text, container).at(-1);
  const shown = JSON.stringify(nested).slice(1, -1);
  if (last === undefined) return text.slice(0, close) + shown + text.slice(close);
  const at = last.span[1];
  return `${text.slice(0, at)}, ${shown}${text.slice(at)}`;
}

function beforeFirst(text: string, container: YAMLMap | YAMLSeq, nested: unknown): string {
  const first = spanOf(text, container)[0];
  if (container.flow === true)
    return `${text.slice(0, first + 1)}${JSON.stringify(nested).slice(1, -1)}, ${text.slice(first + 1)}`;
  const start = lineStartAt(text, first);
  return withLines(text, start, block(nested, " ".repeat(first - start)));
}

function intoBlock(text: string, container: YAMLMap | YAMLSeq, nested: unknown): string {
  const first = spanOf(text, container)[0];
  const indent = " ".repeat(first - lineStartAt(text, first));
  const end = itemsOf(text, container).at(-1)?.span[1] ?? first;
  return withLines(text, lineEndAt(text, end), block(nested, indent));
}

function remove(text: string, path: Path): string {
  const { container, item, index = -1 } = walk(text, path);
  if (container === null || item === null) return text;
  const items = itemsOf(text, container);
  const [from, to] = item.span;
  if (container.flow === true) {
    const next = items[index + 1];
    const before = items[index - 1];
    if (next !== undefined) return text.slice(0, from) + text.slice(next.span[0]);
    return text.slice(0, before === undefined ? from : before.span[1]) + text.slice(to);
  }
  // Nothing below a key is null, which is another value than an empty list.
  if (items.length === 1 && path.length > 1) return set(text, path.slice(0, -1), isSeq(container) ? [] : {});
  const start = lineStartAt(text, from);
  if (
    !/^[ \t]*(?:-[ \t]+)?$/.test(text.slice(start, from)) ||
    (isMap(container) && text.slice(start, from).includes("-"))
  )
    throw new TextProblem(`\`${shownPath(path)}\` shares its line with something else: remove it by hand`);
  return text.slice(0, start) + text.slice(lineEndAt(text, to));
}

export const yamlFormat: TextFormat = {
  blank: "",
  read(text) {
    try {
      return documentOf(text).toJS() ?? {};
    } catch (error) {
      if (error instanceof ReferenceError || error instanceof RangeError)
        throw new TextProblem("it has an alias that leads nowhere or too far, or is nested too deeply");
      throw error;
    }
  },
  set,
  remove: (text, path) => remove(text, path),
};
