// The config that is being made from another program's files: values set and taken out at their places, with what is said about each.
// Comments of a file that is taken over stay. It must never write anything to disk.

import { Document, isAlias, parseDocument, visit } from "yaml";
import { dotted, type Path, readDocument } from "../config/document.ts";
import { isTree, type Tree, valueAt } from "../config/values.ts";
import { type Finding, MigrationProblem, type Verdict } from "./finding.ts";

export class ConfigDraft {
  readonly findings: Finding[] = [];

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
    // A value behind an anchor has no place of its own that could be set.
    return new ConfigDraft(hasAliases || text.includes("<<") ? new Document(value) : document);
  }

  get value(): Tree {
    const read = readDocument(this.text());
    const value: unknown = "problem" in read ? null : read.document.value;
    return isTree(value) ? value : {};
  }

  at(path: Path): unknown {
    return valueAt(this.value, path);
  }

  set(path: Path, value: unknown): void {
    // A section that is written as nothing is no map that could take a key.
    for (let depth = 1; depth < path.length; depth++) {
      const above = path.slice(0, depth);
      if (this.document.getIn(above) === null) this.document.deleteIn(above);
    }
    this.document.setIn(path, this.document.createNode(value));
  }

  delete(path: Path): void {
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
