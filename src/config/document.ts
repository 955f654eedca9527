// YAML text to a plain value, with the line of every key. Refuses what YAML allows and a config never needs:
// duplicate keys, cyclic or exploding aliases, endless nesting, huge files. It must never know a key's meaning.

import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Document,
  type Node,
  type Pair,
  parseDocument,
} from "yaml";

export type Path = readonly (string | number)[];

export type ConfigDocument = {
  /** Maps, lists, strings, numbers, booleans and null. An empty file is an empty map. */
  readonly value: unknown;
  /** Line of the key or entry at `path`, or of the nearest parent that is written in the file. */
  lineOf(path: Path): number | null;
};

export type DocumentProblem = {
  readonly line: number | null;
  readonly key: string;
  readonly message: string;
};
export type ReadDocument = { readonly document: ConfigDocument } | { readonly problem: DocumentProblem };

const largestText = 5_000_000;
const deepest = 64;
/** Aliases count every time they are used, so a "billion laughs" file runs into this. */
const mostNodes = 100_000;

class Refusal extends Error {
  readonly line: number | null;
  readonly key: string;

  constructor(line: number | null, key: string, message: string) {
    super(message);
    this.line = line;
    this.key = key;
  }
}

export function dotted(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    return text === "" ? part : `${text}.${part}`;
  }, "");
}

function converter(parsed: Document, lines: LineCounter) {
  const lineByPath = new Map<string, number>();
  const open = new Set<Node>();
  let nodes = 0;

  const lineOfNode = (node: unknown): number | null => {
    const offset = typeof node === "object" && node !== null && "range" in node ? node.range : null;
    return Array.isArray(offset) && typeof offset[0] === "number" ? lines.linePos(offset[0]).line : null;
  };

  function mapValue(items: readonly unknown[], path: Path): Record<string, unknown> {
    const value: Record<string, unknown> = {};
    const firstLines = new Map<string, number | null>();
    const merged: unknown[] = [];
    for (const item of items) {
      if (!isPair(item)) continue;
      const pair: Pair = item;
      const line = lineOfNode(pair.key);
      if (!isScalar(pair.key)) throw new Refusal(line, dotted(path), "a key must be a plain word");
      const key = String(pair.key.source ?? pair.key.value);
      const keyPath = [...path, key];
      if (key === "__proto__") throw new Refusal(line, dotted(path), "the key __proto__ is not allowed");
      if (key === "<<") {
        merged.push(convert(pair.value, keyPath));
        continue;
      }
      if (firstLines.has(key)) {
        const first = firstLines.get(key);
        throw new Refusal(line, dotted(keyPath), `the key is written twice, first on line ${first ?? "?"}`);
      }
      firstLines.set(key, line);
      if (line !== null) lineByPath.set(JSON.stringify(keyPath), line);
      value[key] = convert(pair.value, keyPath);
    }
    for (const source of merged.flat()) {
      if (typeof source !== "object" || source === null)
        throw new Refusal(null, dotted(path), "`<<` must name a map");
      for (const [key, inherited] of Object.entries(source)) if (!(key in value)) value[key] = inherited;
    }
    return value;
  }

  function convert(node: unknown, path: Path): unknown {
    nodes += 1;
    const line = lineOfNode(node);
    if (nodes > mostNodes)
      throw new Refusal(line, dotted(path.slice(0, 3)), "aliases make the file too large");
    if (path.length > deepest) throw new Refusal(line, dotted(path.slice(0, 3)), "nested too deeply");
    if (line !== null && !lineByPath.has(JSON.stringify(path))) lineByPath.set(JSON.stringify(path), line);
    if (isAlias(node)) {
      const target = node.resolve(parsed);
      if (target === undefined)
        throw new Refusal(line, dotted(path), `the anchor ${node.source} does not exist`);
      if (open.has(target)) throw new Refusal(line, dotted(path), `the alias ${node.source} contains itself`);
      return convert(target, path);
    }
    if (isScalar(node)) return node.value;
    if (!isMap(node) && !isSeq(node)) return null;
    open.add(node);
    const value = isMap(node)
      ? mapValue(node.items, path)
      : node.items.map((item, index) => convert(item, [...path, index]));
    open.delete(node);
    return value;
  }

  return { convert, lineByPath };
}

function read(text: string): ConfigDocument {
  const lines = new LineCounter();
  const parsed = parseDocument(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false });
  const error = parsed.errors[0] ?? parsed.warnings[0];
  if (error !== undefined) {
    const message = error.message.includes("call stack") ? "nested too deeply" : `not YAML: ${error.message}`;
    throw new Refusal(lines.linePos(error.pos[0]).line, "", message);
  }
  const { convert, lineByPath } = converter(parsed, lines);
  const value = parsed.contents === null ? {} : (convert(parsed.contents, []) ?? {});
  const lineOf = (path: Path): number | null => {
    for (let length = path.length; length >= 0; length--) {
      const line = lineByPath.get(JSON.stringify(path.slice(0, length)));
      if (line !== undefined) return line;
    }
    return null;
  };
  return { value, lineOf };
}

export function readDocument(text: string): ReadDocument {
  if (text.length > largestText)
    return { problem: { line: null, key: "", message: `larger than ${largestText / 1_000_000} MB` } };
  try {
    return { document: read(text.startsWith("\uFEFF") ? text.slice(1) : text) };
  } catch (error) {
    if (error instanceof Refusal)
      return { problem: { line: error.line, key: error.key, message: error.message } };
    throw error;
  }
}

/** The document of a value that was never a file (what discovery found). */
export function documentOf(value: unknown): ConfigDocument {
  return { value, lineOf: () => null };
}
