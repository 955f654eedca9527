// TOML changed by spans: the parser says where a value stands, and only that span is written; comments and layout stay.

import { type AST, getStaticTOMLValue, ParseError, parseTOML } from "toml-eslint-parser";
import { keepingLastAnswer } from "../../canon/last-answer.ts";
import {
  lineBreakOf,
  lineEndAt,
  lineStartAt,
  type Path,
  shownPath,
  type TextFormat,
  TextProblem,
  withLines,
} from "./text-format.ts";

type Names = readonly string[];

const parsed = keepingLastAnswer((text): AST.TOMLProgram => {
  try {
    return parseTOML(text);
  } catch (error) {
    if (error instanceof ParseError)
      throw new TextProblem(`it is not TOML at line ${error.lineNumber}, column ${error.column + 1}`);
    throw error;
  }
});

const namesOf = (key: AST.TOMLKey): Names =>
  key.keys.map((each) => (each.type === "TOMLBare" ? each.name : each.value));

const isSame = (left: Names, right: Names): boolean =>
  left.length === right.length && left.every((name, at) => name === right[at]);
const isBelow = (names: Names, top: Names): boolean =>
  names.length >= top.length && top.every((name, at) => name === names[at]);

function namesIn(path: Path): Names {
  return path.map((step) => {
    if (typeof step !== "string") throw new TextProblem("a list of tables is not edited here");
    return step;
  });
}

type Entry = { readonly names: Names; readonly node: AST.TOMLKeyValue };

const entriesIn = (body: readonly AST.TOMLKeyValue[], above: Names): readonly Entry[] =>
  body.map((node) => ({ names: [...above, ...namesOf(node.key)], node }));

function partsOf(text: string) {
  const [top] = parsed(text).body;
  const tables = top.body.filter((each) => each.type === "TOMLTable");
  const loose = entriesIn(
    top.body.filter((each) => each.type === "TOMLKeyValue"),
    [],
  );
  const standard = tables.filter(({ kind }) => kind === "standard");
  const inTables = standard.flatMap((table) => entriesIn(table.body, namesOf(table.key)));
  return { tables, standard, loose, entries: [...loose, ...inTables] };
}

const keyText = (name: string): string => (/^[A-Za-z0-9_-]+$/.test(name) ? name : JSON.stringify(name));

function valueText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(valueText).join(", ")}]`;
  if (typeof value === "object" && value !== null && !(value instanceof Date)) {
    const inner = Object.entries(value).map(([name, each]) => `${keyText(name)} = ${valueText(each)}`);
    return inner.length === 0 ? "{}" : `{ ${inner.join(", ")} }`;
  }
  if (value instanceof Date) return value.toISOString();
  return typeof value === "string" ? JSON.stringify(value).replaceAll("\u007f", "\\u007f") : String(value);
}

const isTable = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);

function tableText(names: Names, value: object): string {
  const lines = Object.entries(value).map(([name, each]) => `${keyText(name)} = ${valueText(each)}\n`);
  return `[${names.map(keyText).join(".")}]\n${lines.join("")}`;
}

/** From its header to the end of its last line, its own tables included. */
function tableSpan(text: string, names: Names): readonly [number, number] | null {
  const own = partsOf(text).tables.filter((table) => isBelow(namesOf(table.key), names));
  const [first] = own;
  const last = own.at(-1);
  if (first === undefined || last === undefined) return null;
  return [lineStartAt(text, first.range[0]), lineEndAt(text, last.range[1])];
}

function set(text: string, path: Path, value: unknown): string {
  const names = namesIn(path);
  const { entries } = partsOf(text);
  const found = entries.findLast((entry) => isSame(entry.names, names));
  if (found !== undefined) {
    const [from, to] = found.node.value.range;
    return text.slice(0, from) + valueText(value) + text.slice(to);
  }
  const span = tableSpan(text, names);
  if (span !== null) {
    if (!isTable(value)) throw new TextProblem(`\`${shownPath(path)}\` is a table`);
    const put = tableText(names, value).replaceAll("\n", lineBreakOf(text));
    return text.slice(0, span[0]) + put + text.slice(span[1]);
  }
  return added(text, names, value);
}

function added(text: string, names: Names, value: unknown): string {
  const { tables, standard, loose, entries } = partsOf(text);
  const above = names.slice(0, -1);
  const inline = entries.findLast(
    ({ names: each, node }) => isSame(each, above) && node.value.type === "TOMLInlineTable",
  );
  const line = `${keyText(names.at(-1) ?? "")} = ${valueText(value)}`;
  if (inline !== undefined) return intoInline(text, inline.node.value as AST.TOMLInlineTable, line);
  const owner = standard.findLast((table) => isSame(namesOf(table.key), above));
  if (owner !== undefined && !isTable(value))
    return withLines(text, lineEndAt(text, owner.body.at(-1)?.range[1] ?? owner.range[1]), `${line}\n`);
  const isDotted = loose.some(({ names: each }) => each.length > 1 && each[0] === names[0]);
  if (isTable(value) && !isDotted) return appended(text, tableText(names, value));
  if (above.length > 0 && !isDotted) return appended(text, `[${above.map(keyText).join(".")}]\n${line}\n`);
  const last = loose.at(-1)?.node;
  const whole = `${names.map(keyText).join(".")} = ${valueText(value)}\n`;
  // Above the first table: a key below its header would belong to it.
  if (last !== undefined) return withLines(text, lineEndAt(text, last.range[1]), whole);
  return tables.length === 0
    ? withLines(text, text.length, whole)
    : `${whole.replaceAll("\n", lineBreakOf(text))}${lineBreakOf(text)}${text}`;
}

function intoInline(text: string, { body, range }: AST.TOMLInlineTable, line: string): string {
  const last = body.at(-1);
  if (last === undefined) return `${text.slice(0, range[0])}{ ${line} }${text.slice(range[1])}`;
  return `${text.slice(0, last.range[1])}, ${line}${text.slice(last.range[1])}`;
}

function appended(text: string, lines: string): string {
  return withLines(text, text.length, text.trim() === "" ? lines : `\n${lines}`);
}

function remove(text: string, path: Path): string {
  const names = namesIn(path);
  const found = partsOf(text).entries.findLast((entry) => isSame(entry.names, names));
  if (found !== undefined) return withoutEntry(text, found, path);
  const span = tableSpan(text, names);
  return span === null ? text : text.slice(0, span[0]) + text.slice(span[1]);
}

function withoutEntry(text: string, { node }: Entry, path: Path): string {
  const [from, to] = node.range;
  const start = lineStartAt(text, from);
  if (text.slice(start, from).trim() !== "")
    throw new TextProblem(`\`${shownPath(path)}\` shares its line with something else: remove it by hand`);
  return text.slice(0, start) + text.slice(lineEndAt(text, to));
}

export const tomlFormat: TextFormat = {
  blank: "",
  read: (text) => getStaticTOMLValue(parsed(text)),
  set,
  remove,
};
