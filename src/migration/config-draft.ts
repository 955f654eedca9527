// The config that is being made from another program's files: values set and taken out at their places, with what is said about each.
// Comments of a file that is taken over stay. It must never write anything to disk.

import { Document, isAlias, isCollection, isNode, isScalar, parseDocument, visit } from "yaml";
import { dotted, type Path, readDocument } from "../config/document.ts";
import { isTree, type Tree } from "../config/values.ts";
import { type Finding, MigrationProblem, type Verdict } from "./finding.ts";

export class ConfigDraft {
  readonly findings: Finding[] = [];
  /** Until the next change: a config may have thousands of tenants. */
  private known: Tree | null = null;

  private constructor(private readonly document: Document) {}

  static empty(): ConfigDraft {
    return new ConfigDraft(new Document({}));
  }

  /** Throws MigrationProblem if the text is not a map in YAML. */
  static of(path: string, text: string): ConfigDraft {
    const value = readYamlMap(path, text);
    const document = parseDocument(text, { uniqueKeys: false });
    let hasAliases = document.contents === null;
    visit(document, (_key, node) => {
      if (isAlias(node)) hasAliases = true;
    });
    // A path names every key by its text, as the gateway does.
    visit(document, {
      Pair(_key, { key }) {
        if (isScalar(key) && typeof key.value !== "string") key.value = String(key.source ?? key.value);
      },
    });
    // A value behind an anchor has no place of its own that could be set.
    return new ConfigDraft(hasAliases || text.includes("<<") ? new Document(value) : document);
  }

  get value(): Tree {
    const value: unknown = this.known ?? this.document.toJS();
    this.known = isTree(value) ? value : {};
    return this.known;
  }

  at(path: Path): unknown {
    const node: unknown = this.document.getIn(path, true);
    return isNode(node) ? node.toJS(this.document) : node;
  }

  /** A scalar as it is written: digits alone are a number to YAML, and a long one would lose some of them. */
  textAt(path: Path): string {
    const node: unknown = this.document.getIn(path, true);
    return isScalar(node) ? (node.source ?? String(node.value)) : "";
  }

  set(path: Path, value: unknown): void {
    this.known = null;
    // A section that is written as nothing is no map that could take a key.
    for (let depth = 1; depth < path.length; depth++) {
      const above = path.slice(0, depth);
      const there = this.document.getIn(above);
      if (there === null) this.document.deleteIn(above);
      else if (there !== undefined && !isCollection(there))
        throw new MigrationProblem(`${dotted(above)} must be a map of settings`);
    }
    this.document.setIn(path, this.document.createNode(value));
  }

  delete(path: Path): void {
    this.known = null;
    this.document.deleteIn(path);
  }

  say(verdict: Verdict, what: string | Path, why: string): void {
    this.findings.push({ verdict, what: typeof what === "string" ? what : dotted(what), why });
  }

  text(): string {
    return this.document.toString({ lineWidth: 0 });
  }
}

/** Throws MigrationProblem. */
function readYamlMap(path: string, text: string): Tree {
  const read = readDocument(text);
  if ("problem" in read) {
    const { line, key, message } = read.problem;
    throw new MigrationProblem(
      `${[path, line].filter((each) => each !== null).join(":")} ${key}: ${message}`,
    );
  }
  if (!isTree(read.document.value)) throw new MigrationProblem(`${path} is not a map of settings`);
  return read.document.value;
}
