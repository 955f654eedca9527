// YAML text to a plain value, with the line of every key. Refuses what YAML allows and a config never needs:
// duplicate keys, cyclic or exploding aliases, endless nesting, huge files. It must never know what a key means.

import { isDeepStrictEqual } from "node:util";
import {
  type Alias,
  isAlias,
  isMap,
  isNode,
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
  /** False: the section is invalid YAML and was left out. Absent: all sections are valid. */
  readonly isSound?: (path: Path) => boolean;
  /** What the functions answer from: a thread can hand over nothing but data. Absent: the value came from no text. */
  readonly parts?: DocumentParts;
};

export type DocumentParts = {
  readonly value: unknown;
  /** By path, as JSON. */
  lines(): ReadonlyMap<string, number>;
  /** Null: all sections are valid. */
  readonly broken: ReadonlySet<string> | null;
};

export type DocumentProblem = {
  readonly line: number | null;
  readonly key: string;
  readonly message: string;
};
export type ReadDocument =
  | { readonly document: ConfigDocument }
  | {
      /** The first problem. */
      readonly problem: DocumentProblem;
      readonly problems: readonly DocumentProblem[];
      /** The parts that could still be read; null: none. */
      readonly rest: ConfigDocument | null;
    };

const largestText = 5_000_000;
const deepest = 64;
/** Aliases count on every use, so a "billion laughs" file reaches this limit. */
const maxNodes = 100_000;

const maxProblems = 50;
/** In larger files, and in those with more, sections are not read separately. */
const maxCharacters = 500_000;
const maxSections = 100;

/** Stops reading: the file cannot be used. */
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

type Refuse = (line: number | null, key: string, message: string) => void;

/** By name, as far as a walk through the text has come. `Alias.resolve` searches the whole text each time. */
class Anchors {
  private readonly byName = new Map<string, Node>();
  private readonly noted = new Set<Node>();
  private readonly targets = new Map<Alias, Node | undefined>();

  note(node: unknown): void {
    // An alias leads through its target again, when a later anchor may have the same name.
    if (!isNode(node) || isAlias(node) || node.anchor === undefined || this.noted.has(node)) return;
    this.noted.add(node);
    this.byName.set(node.anchor, node);
  }

  /** What the alias means where it is written. */
  targetOf(alias: Alias): Node | undefined {
    if (!this.targets.has(alias)) this.targets.set(alias, this.byName.get(alias.source));
    return this.targets.get(alias);
  }
}

/** `refuse` is called for anything that a config may not contain; it is skipped. */
function converter(lines: LineCounter, refuse: Refuse) {
  const lineByPath = new Map<string, number>();
  const open = new Set<Node>();
  const anchors = new Anchors();
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
      anchors.note(pair.key);
      const line = lineOfNode(pair.key);
      if (!isScalar(pair.key)) {
        refuse(line, dotted(path), "a key must be a scalar");
        continue;
      }
      const key = String(pair.key.source ?? pair.key.value);
      const keyPath = [...path, key];
      if (key === "__proto__") {
        refuse(line, dotted(path), "the key __proto__ is not allowed");
        continue;
      }
      if (key === "<<") {
        merged.push(convert(pair.value, keyPath));
        continue;
      }
      if (firstLines.has(key)) {
        const first = firstLines.get(key);
        refuse(line, dotted(keyPath), `duplicate key, first defined on line ${first ?? "?"}`);
        continue;
      }
      firstLines.set(key, line);
      if (line !== null) lineByPath.set(JSON.stringify(keyPath), line);
      value[key] = convert(pair.value, keyPath);
    }
    for (const source of merged.flat()) {
      if (typeof source !== "object" || source === null) {
        refuse(null, dotted(path), "`<<` must refer to a map");
        continue;
      }
      for (const [key, inherited] of Object.entries(source)) if (!(key in value)) value[key] = inherited;
    }
    return value;
  }

  function convert(node: unknown, path: Path): unknown {
    nodes += 1;
    const line = lineOfNode(node);
    if (nodes > maxNodes)
      throw new Refusal(line, dotted(path.slice(0, 3)), "aliases make the file too large");
    if (path.length > deepest) throw new Refusal(line, dotted(path.slice(0, 3)), "nested too deeply");
    if (line !== null && !lineByPath.has(JSON.stringify(path))) lineByPath.set(JSON.stringify(path), line);
    if (isAlias(node)) {
      const target = anchors.targetOf(node);
      if (target === undefined) refuse(line, dotted(path), `the anchor ${node.source} does not exist`);
      else if (open.has(target)) refuse(line, dotted(path), `the alias ${node.source} contains itself`);
      if (target === undefined || open.has(target)) return null;
      return convert(target, path);
    }
    anchors.note(node);
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

type YamlMessage = { readonly line: number; readonly message: string };

function parse(text: string): {
  readonly parsed: Document;
  readonly lines: LineCounter;
  readonly messages: readonly YamlMessage[];
} {
  const lines = new LineCounter();
  const parsed = parseDocument(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false });
  const messages = [...parsed.errors, ...parsed.warnings].map(({ pos, message }) => {
    const { line } = lines.linePos(pos[0]);
    if (message.includes("call stack")) throw new Refusal(line, "", "nested too deeply");
    return { line, message: `not YAML: ${message}` };
  });
  return { parsed, lines, messages };
}

function read(text: string, refuse: Refuse): ConfigDocument | null {
  const { parsed, lines, messages } = parse(text);
  if (messages.length > 0) return readValidSections(text, messages, refuse);
  const { convert, lineByPath } = converter(lines, refuse);
  const value = parsed.contents === null ? {} : (convert(parsed.contents, []) ?? {});
  return documentFrom({ value, lines: () => lineByPath, broken: null });
}

function documentFrom(parts: DocumentParts): ConfigDocument {
  const { value, lines, broken } = parts;
  const lineOf = (path: Path): number | null => {
    for (let length = path.length; length >= 0; length--) {
      const line = lines().get(JSON.stringify(path.slice(0, length)));
      if (line !== undefined) return line;
    }
    return null;
  };
  if (broken === null) return { value, lineOf, parts };
  return {
    value,
    lineOf,
    parts,
    isSound: ([section]) => typeof section === "string" && !broken.has(section),
  };
}

const sectionName = /^(["']?)([\w.-]+)\1[ \t]*:(?:\s|$)/;

/**
 * Top-level sections start in the first column, and a broken one may swallow all that follow: each is read separately, and the
 * valid ones can be relied on.
 */
function readValidSections(
  text: string,
  whole: readonly YamlMessage[],
  refuse: Refuse,
): ConfigDocument | null {
  const rows = text.split("\n");
  const starts = rows.flatMap((row, index) => (sectionName.test(row) ? [index] : []));
  const isTooMuch = text.length > maxCharacters || starts.length > maxSections;
  const broken = new Set<string>();
  const messages: YamlMessage[] = [];
  const kept = [...rows];
  for (const [at, start] of (isTooMuch ? [] : starts).entries()) {
    const end = starts[at + 1] ?? rows.length;
    const alone = [...Array<string>(start).fill(""), ...rows.slice(start, end)].join("\n");
    const own = parse(alone).messages;
    if (own.length === 0) continue;
    messages.push(...own);
    broken.add(sectionName.exec(rows[start] ?? "")?.[2] ?? "");
    kept.fill("", start, end);
  }
  const rest = parse(kept.join("\n"));
  const isHopeless = messages.length === 0 || rest.messages.length > 0;
  for (const { line, message } of isHopeless ? whole : messages) refuse(line, "", message);
  if (isHopeless) return null;
  const document = read(kept.join("\n"), (line, key, message) => {
    // The anchor may be in the broken part.
    if (!message.startsWith("the anchor ")) refuse(line, key, message);
  });
  return document?.parts === undefined ? null : documentFrom({ ...document.parts, broken });
}

export function readDocument(text: string): ReadDocument {
  const hopeless = (problem: DocumentProblem): ReadDocument => ({ problem, problems: [problem], rest: null });
  if (text.length > largestText)
    return hopeless({ line: null, key: "", message: `larger than ${largestText / 1_000_000} MB` });
  const problems: DocumentProblem[] = [];
  const reported = new Set<string>();
  const refuse: Refuse = (line, key, message) => {
    const words = `${line} ${key} ${message}`;
    if (problems.length < maxProblems && !reported.has(words)) problems.push({ line, key, message });
    reported.add(words);
  };
  try {
    const document = read(text.startsWith("\uFEFF") ? text.slice(1) : text, refuse);
    const [problem] = problems;
    if (problem !== undefined) return { problem, problems, rest: document };
    return { document: document ?? documentOf({}) };
  } catch (error) {
    // Other findings may be consequences of the same error.
    if (error instanceof Refusal)
      return hopeless({ line: error.line, key: error.key, message: error.message });
    throw error;
  }
}

type SentParts = {
  readonly value: unknown;
  /** As JSON: only problems need them. */
  readonly lines: string;
  readonly broken: readonly string[] | null;
};

/** A read document as JSON can hold it. */
export type SentDocument =
  | { readonly parts: SentParts }
  | { readonly problems: readonly DocumentProblem[]; readonly rest: SentParts | null };

/** Null: a value would become another one in JSON, such as `.inf`. */
export function sentDocument(read: ReadDocument): SentDocument | null {
  const document = "problem" in read ? read.rest : read.document;
  const rest = document === null ? null : sentParts(document);
  if (document !== null && rest === null) return null;
  if ("problem" in read) return { problems: read.problems, rest };
  return rest === null ? null : { parts: rest };
}

function sentParts({ value, parts }: ConfigDocument): SentParts | null {
  if (!isDeepStrictEqual(JSON.parse(JSON.stringify(value)), value)) return null;
  const lines = JSON.stringify([...(parts?.lines() ?? [])]);
  return { value, lines, broken: parts?.broken == null ? null : [...parts.broken] };
}

export function receivedDocument(sent: SentDocument): ReadDocument {
  if ("parts" in sent) return { document: receivedParts(sent.parts) };
  const { problems, rest } = sent;
  const [problem = { line: null, key: "", message: "not YAML" }] = problems;
  return { problem, problems, rest: rest === null ? null : receivedParts(rest) };
}

function receivedParts({ value, lines, broken }: SentParts): ConfigDocument {
  let known: ReadonlyMap<string, number> | null = null;
  return documentFrom({
    value,
    lines: () => (known ??= new Map(JSON.parse(lines) as readonly [string, number][])),
    broken: broken === null ? null : new Set(broken),
  });
}

/** The document of a value that never came from a file (the result of discovery). */
export function documentOf(value: unknown): ConfigDocument {
  return { value, lineOf: () => null };
}
