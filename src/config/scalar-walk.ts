// Every scalar and comment of a YAML text with its place in the config and in the text, so that single values can be replaced and all
// other bytes stay. It must never know which value is a secret.

import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
} from "yaml";
import type { Path } from "./document.ts";

export type TextScalar = {
  readonly path: Path;
  /** The path, but an entry of a list is named by its `name` or `id`, else not at all: entries move when others are removed. */
  readonly place: string;
  /** The name of a member, not its value; `path` is that of the map. */
  readonly isKey: boolean;
  readonly value: unknown;
  /** In the text: from here, up to there. */
  readonly from: number;
  readonly to: number;
  readonly line: number;
  /** The paths of the aliases that lead here. */
  readonly aliasPaths: readonly Path[];
};

export type TextComment = { readonly text: string; readonly from: number; readonly line: number };

export type TextWalk = { readonly scalars: readonly TextScalar[]; readonly comments: readonly TextComment[] };

const maxVisits = 50_000;

/** How a name is written in a place. */
export type NameInPlace = (name: string) => string;

/** Null: not YAML, or so full of aliases that nobody can follow them. */
export function walkText(text: string, nameInPlace: NameInPlace = (name) => name): TextWalk | null {
  const lines = new LineCounter();
  const parsed = parseDocument(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false });
  if (parsed.errors.length > 0) return null;
  const scalars = new ScalarWalk(parsed, lines, nameInPlace).scalars();
  const comments = scalars === null ? null : commentsOf(text, lines);
  return scalars === null || comments === null ? null : { scalars, comments };
}

type Found = Pick<TextScalar, "path" | "place" | "isKey"> & { readonly node: Scalar };

class ScalarWalk {
  private readonly found = new Map<Scalar, Found>();
  private readonly aliasPaths = new Map<Scalar, Path[]>();
  /** By name, as far as the walk has come. `Alias.resolve` searches the whole document each time. */
  private readonly anchors = new Map<string, Node>();
  private readonly targets = new Map<Node, Node | undefined>();
  private visits = 0;

  constructor(
    private readonly parsed: Document,
    private readonly lines: LineCounter,
    private readonly nameInPlace: NameInPlace,
  ) {}

  scalars(): readonly TextScalar[] | null {
    if (!this.visit(this.parsed.contents, [], "", false)) return null;
    return [...this.found.values()].flatMap(({ node, path, place, isKey }) => {
      if (!Array.isArray(node.range)) return [];
      const [from, to] = node.range;
      const { line } = this.lines.linePos(from);
      const aliasPaths = this.aliasPaths.get(node) ?? [];
      return [{ path, place, isKey, value: node.value, from, to, line, aliasPaths }];
    });
  }

  /** False: too much of it. */
  private visit(node: unknown, path: Path, place: string, isBehindAlias: boolean): boolean {
    this.visits += 1;
    if (this.visits > maxVisits || path.length > 64) return false;
    if (isAlias(node)) {
      // Where it is written, not where another alias leads through it: a later anchor may have the same name.
      if (!isBehindAlias) this.targets.set(node, this.anchors.get(node.source));
      const target = this.targets.get(node);
      return target === undefined || this.visit(target, path, place, true);
    }
    if (!isBehindAlias && isNode(node) && !isAlias(node) && node.anchor !== undefined)
      this.anchors.set(node.anchor, node);
    if (isScalar(node)) {
      if (isBehindAlias) this.aliasPaths.set(node, [...(this.aliasPaths.get(node) ?? []), path]);
      else this.found.set(node, { node, path, place, isKey: false });
      return true;
    }
    if (isSeq(node))
      return node.items.every((item, at) =>
        this.visit(item, [...path, at], `${place}[${this.nameInPlace(nameOf(item))}]`, isBehindAlias),
      );
    if (!isMap(node)) return true;
    return node.items.every((item) => {
      if (!isPair(item)) return true;
      const key = isScalar(item.key) ? String(item.key.value) : "?";
      if (isScalar(item.key) && !isBehindAlias)
        this.found.set(item.key, { node: item.key, path, place: `${place}{}`, isKey: true });
      // A merged map stands for its own members.
      if (key === "<<") return this.visit(item.value, path, place, isBehindAlias);
      const name = this.nameInPlace(key);
      return this.visit(item.value, [...path, key], place === "" ? name : `${place}.${name}`, isBehindAlias);
    });
  }
}

function nameOf(item: unknown): string {
  if (!isMap(item)) return "";
  const name: unknown = item.get("name") ?? item.get("id");
  return typeof name === "string" || typeof name === "number" ? String(name) : "";
}

/** The lexer's marks between the pieces of the text: start of a document, of a plain or block scalar, end of a broken flow. */
const marks = new Set(["\u0002", "\u0018", "\u001f"]);

function commentsOf(text: string, lines: LineCounter): readonly TextComment[] | null {
  const comments: TextComment[] = [];
  let at = 0;
  let isScalarNext = false;
  for (const piece of new Lexer().lex(text)) {
    if (marks.has(piece)) {
      isScalarNext = piece === "\u001f";
      continue;
    }
    if (!text.startsWith(piece, at)) return null;
    if (!isScalarNext && piece.startsWith("#"))
      comments.push({ text: piece, from: at, line: lines.linePos(at).line });
    isScalarNext = false;
    at += piece.length;
  }
  return at === text.length ? comments : null;
}
