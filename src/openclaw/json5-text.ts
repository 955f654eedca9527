// JSON5 text with one key set or removed: every other byte, comments and layout included, stays where it was.
// It must never print a whole document again.

import { evaluate, parse } from "@humanwhocodes/momoa";
import { keepingLastAnswer } from "../canon/last-answer.ts";
import type { ArrayNode, ElementNode, MemberNode, ObjectNode, ValueNode } from "@humanwhocodes/momoa";

/** The element of a list whose member `where` has the value `is`. `isFirst`: a new one is put before the others (YAML only). */
export type ListStep = { readonly where: string; readonly is: string; readonly isFirst?: boolean };
export type KeyPath = readonly (string | ListStep)[];

/** The message names the place and no value. */
export class Json5Problem extends Error {
  override readonly name = "Json5Problem";
}

type Splice = { readonly from: number; readonly to: number; readonly text: string };

const valueOf = keepingLastAnswer((text): ValueNode => {
  try {
    return parse(text, { mode: "json5", ranges: true, allowTrailingCommas: true }).body;
  } catch (error) {
    const place = /\((\d+):(\d+)\)\s*$/.exec(error instanceof Error ? error.message : "");
    throw new Json5Problem(
      place === null ? "it is not JSON5" : `it is not JSON5 at line ${place[1]}, column ${place[2]}`,
    );
  }
});

function rootOf(text: string): ObjectNode {
  const value = valueOf(text);
  if (value.type !== "Object") throw new Json5Problem("it is not a map of keys");
  return value;
}

/** The author of the file decides how deep it is. */
function evaluated(node: ValueNode): unknown {
  try {
    return evaluate(node);
  } catch (error) {
    if (error instanceof RangeError) throw new Json5Problem("it is nested too deeply");
    throw error;
  }
}

/** Throws Json5Problem if the text is not a JSON5 map. */
export function readJson5(text: string): Readonly<Record<string, unknown>> {
  return evaluated(rootOf(text)) as Readonly<Record<string, unknown>>;
}

/** The parser's range of an element is not that of its value. */
const itemRange = (item: MemberNode | ElementNode): readonly [number, number] =>
  rangeOf(item.type === "Element" ? item.value : item);

function rangeOf(node: { readonly range?: readonly number[] | undefined }): readonly [number, number] {
  return [node.range?.[0] ?? 0, node.range?.[1] ?? 0];
}

const nameOf = ({ name }: MemberNode): string => (name.type === "Identifier" ? name.name : name.value);

/** Of equal keys the last one counts, as for every JSON parser. */
function memberNamed(node: ObjectNode, name: string): MemberNode | undefined {
  return node.members.findLast((member) => nameOf(member) === name);
}

type Container = ObjectNode | ArrayNode;

const itemsOf = (node: Container): readonly (MemberNode | ElementNode)[] =>
  node.type === "Object" ? node.members : node.elements;

/** Throws Json5Problem if a step asks for a list where a map is, or for a map where a list is. */
function indexOfStep(node: ValueNode, path: KeyPath, depth: number): number {
  const step = path[depth] ?? "";
  const place = path.slice(0, depth).map(shownStep).join(".");
  if (typeof step === "string") {
    if (node.type !== "Object") throw new Json5Problem(`\`${place}\` is not a map of keys`);
    return node.members.findLastIndex((member) => nameOf(member) === step);
  }
  if (node.type !== "Array") throw new Json5Problem(`\`${place}\` is not a list`);
  return node.elements.findLastIndex(({ value }) => {
    const named = value.type === "Object" ? memberNamed(value, step.where) : undefined;
    return named !== undefined && evaluated(named.value) === step.is;
  });
}

const shownStep = (step: string | ListStep): string => (typeof step === "string" ? step : step.is);

/** The same text if it already has the value. Throws Json5Problem if something on the way has another shape. Missing maps and lists on the way are created. */
export function setInJson5(text: string, path: KeyPath, value: unknown): string {
  let node: ValueNode = rootOf(text);
  for (const depth of path.keys()) {
    const at = indexOfStep(node, path, depth);
    // indexOfStep has refused everything else.
    const container = node as Container;
    const item = itemsOf(container)[at];
    if (item === undefined) {
      const nested = path
        .slice(depth + 1)
        .reduceRight<unknown>((inner, key) => (typeof key === "string" ? { [key]: inner } : [inner]), value);
      const step = path[depth];
      return spliced(text, insertions(text, container, typeof step === "string" ? step : null, nested));
    }
    if (depth === path.length - 1) {
      if (Bun.deepEquals(evaluated(item.value), value)) return text;
      const [from, to] = rangeOf(item.value);
      const indent = indentAt(text, itemRange(item)[0]);
      return spliced(text, [{ from, to, text: shown(text, value, indent) }]);
    }
    node = item.value;
  }
  return text;
}

/** The array at the path, and null where there is none. */
function arrayAt(text: string, path: KeyPath): ArrayNode | null {
  let node: ValueNode = rootOf(text);
  for (const depth of path.keys()) {
    if (node.type !== (typeof path[depth] === "string" ? "Object" : "Array")) return null;
    const item: MemberNode | ElementNode | undefined = itemsOf(node as Container)[
      indexOfStep(node, path, depth)
    ];
    if (item === undefined) return null;
    node = item.value;
  }
  return node.type === "Array" ? node : null;
}

/** The array at the path with this as its last element; the same text if there is no array, or if it has the element. */
export function addToJson5Array(text: string, path: KeyPath, element: string): string {
  const node = arrayAt(text, path);
  if (node === null || node.elements.some((each) => evaluated(each.value) === element)) return text;
  return spliced(text, insertions(text, node, null, element));
}

/** The array without this element. */
export function removeFromJson5Array(text: string, path: KeyPath, element: string): string {
  const node = arrayAt(text, path);
  if (node === null) return text;
  const index = node.elements.findLastIndex((each) => evaluated(each.value) === element);
  return index < 0 ? text : removeFromJson5Array(spliced(text, removals(text, node, index)), path, element);
}

/** The same text if there is no such key. */
export function removeFromJson5(text: string, path: KeyPath): string {
  let node: ValueNode = rootOf(text);
  for (const depth of path.keys()) {
    if (node.type !== (typeof path[depth] === "string" ? "Object" : "Array")) return text;
    const index = indexOfStep(node, path, depth);
    const item: MemberNode | ElementNode | undefined = itemsOf(node as Container)[index];
    if (item === undefined) return text;
    if (depth === path.length - 1)
      // Otherwise an earlier one of the same name would count again.
      return removeFromJson5(spliced(text, removals(text, node as Container, index)), path);
    node = item.value;
  }
  return text;
}

function spliced(text: string, splices: readonly Splice[]): string {
  return splices
    .toSorted((left, right) => right.from - left.from)
    .reduce((result, { from, to, text: put }) => result.slice(0, from) + put + result.slice(to), text);
}

/** `name`: null in a list. */
function insertions(text: string, node: Container, name: string | null, value: unknown): readonly Splice[] {
  const label = name === null ? "" : `${JSON.stringify(name)}: `;
  const [from, to] = rangeOf(node);
  const close = to - 1;
  const lineBreak = lineBreakOf(text);
  const outer = indentAt(text, from);
  const last = itemsOf(node).at(-1);
  if (last === undefined) {
    const inner = outer + unitOf(text);
    const member = `${lineBreak}${inner}${label}${shown(text, value, inner)}`;
    const inside = text.slice(from + 1, close);
    const closing = inside.trim() === "" ? `${lineBreak}${outer}` : " ";
    return [{ from: from + 1, to: from + 1, text: member + (inside.includes("\n") ? "" : closing) }];
  }
  const end = itemRange(last)[1];
  const comma = commaBetween(text, end, close);
  const closeLine = text.lastIndexOf("\n", close) + 1;
  const isOpen = closeLine > end && text.slice(closeLine, close).trim() === "";
  if (!isOpen) {
    const member = `${label}${JSON.stringify(value)}`;
    if (comma !== null) return [{ from: comma + 1, to: comma + 1, text: ` ${member},` }];
    return [{ from: end, to: end, text: `, ${member}` }];
  }
  const start = itemRange(last)[0];
  const isFirstOnLine = text.slice(text.lastIndexOf("\n", start - 1) + 1, start).trim() === "";
  const inner = isFirstOnLine ? indentAt(text, start) : outer + unitOf(text);
  const member = `${inner}${label}${shown(text, value, inner)}`;
  return [
    ...(comma === null ? [{ from: end, to: end, text: "," }] : []),
    { from: closeLine, to: closeLine, text: `${member}${comma === null ? "" : ","}${lineBreak}` },
  ];
}

function removals(text: string, node: Container, index: number): readonly Splice[] {
  const member = itemsOf(node)[index];
  if (member === undefined) return [];
  const [from, end] = itemRange(member);
  const close = rangeOf(node)[1] - 1;
  const next = itemsOf(node)[index + 1];
  const comma = commaBetween(text, end, next === undefined ? close : itemRange(next)[0]);
  const before = itemsOf(node)[index - 1];
  const orphan =
    comma === null && before !== undefined ? commaBetween(text, itemRange(before)[1], from) : null;
  const kept = orphan === null ? [] : [{ from: orphan, to: orphan + 1, text: "" }];

  const lineStart = text.lastIndexOf("\n", from - 1) + 1;
  const to = comma === null ? end : comma + 1;
  // A comment between the value and its comma belongs to the user.
  const cut: Splice[] =
    comma !== null && text.slice(end, comma).trim() !== ""
      ? [
          { from, to: end, text: "" },
          { from: comma, to: comma + 1, text: "" },
        ]
      : [{ from, to, text: "" }];
  const lineEnd = text.indexOf("\n", to);
  const isAlone =
    cut.length === 1 &&
    lineStart > rangeOf(node)[0] &&
    text.slice(lineStart, from).trim() === "" &&
    lineEnd >= 0 &&
    text.slice(to, lineEnd).trim() === "";
  if (isAlone) return [...kept, { from: lineStart, to: lineEnd + 1, text: "" }];
  return [...kept, ...cut];
}

/** The position of the comma, comments skipped. */
function commaBetween(text: string, from: number, to: number): number | null {
  let at = from;
  while (at < to) {
    if (text.startsWith("//", at)) {
      const end = text.slice(at).search(/[\n\r\u2028\u2029]/);
      if (end < 0) return null;
      at += end;
    } else if (text.startsWith("/*", at)) at = text.indexOf("*/", at + 2) + 2;
    else if (text[at] === ",") return at;
    else at += 1;
  }
  return null;
}

function indentAt(text: string, at: number): string {
  const line = text.slice(text.lastIndexOf("\n", at - 1) + 1, at);
  return /^[ \t]*/.exec(line)?.[0] ?? "";
}

/** One step of this file's indentation. */
function unitOf(text: string): string {
  const first = /\n([ \t]+)\S/.exec(text)?.[1] ?? "  ";
  return first.startsWith("\t") ? "\t" : first.slice(0, 8);
}

const lineBreakOf = (text: string): string => (text.includes("\r\n") ? "\r\n" : "\n");

function shown(text: string, value: unknown, indent: string): string {
  const lines = JSON.stringify(value, null, unitOf(text)).split("\n");
  return lines.join(`${lineBreakOf(text)}${indent}`);
}
