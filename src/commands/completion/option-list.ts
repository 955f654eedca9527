// What a command's help says of its options and arguments, as data: completions and the man page are made of it.
// The help is the one place where options are described, so a new command needs nothing here.

import type { Command } from "../command.ts";

export type ListedOption = {
  /** Without dashes. */
  readonly name: string;
  /** One letter; null: it has only a long form. */
  readonly short: string | null;
  /** The word that stands for its value; null: it takes none. */
  readonly value: string | null;
  readonly text: string;
};

const optionLine =
  /^ {2}(?:-(\w), )?--([a-z][\w-]*)(?: ([A-Z][A-Z0-9_=|-]*|<[^>\s]+>|[a-z-]+(?:\|[a-z-]+)+))?(?: +(.*))?$/;

/** The block below `Options:`, an option with its following lines each. */
export function optionsIn(help: string): readonly ListedOption[] {
  const [, block = ""] = /^Options:\n((?: {2}.*\n?)*)/m.exec(help) ?? [];
  const options: ListedOption[] = [];
  for (const line of block.split("\n")) {
    const found = optionLine.exec(line);
    const last = options.at(-1);
    if (found !== null) {
      const [, short = null, name = "", value = null, text = ""] = found;
      options.push({ name, short, value, text });
    } else if (last !== undefined && line.trim() !== "")
      options[options.length - 1] = { ...last, text: `${last.text} ${line.trim()}` };
  }
  return options;
}

/** Where the words for a value come from. */
export type Source =
  | { readonly kind: "none" }
  | { readonly kind: "files" }
  | { readonly kind: "folders" }
  | { readonly kind: "words"; readonly words: readonly string[] }
  /** Names that the config holds: the program is asked for them. */
  | { readonly kind: "names"; readonly of: NameKind };

export const nameKinds = ["provider", "model", "tenant", "vendor", "topic"] as const;
export type NameKind = (typeof nameKinds)[number];

const isNameKind = (word: string): word is NameKind => nameKinds.some((each) => each === word);

const fileOptions: ReadonlySet<string> = new Set(["config", "file", "out"]);
const folderOptions: ReadonlySet<string> = new Set(["state-dir", "working-dir", "dir"]);

/** "csv or jsonl (default: …)", "chat, messages or gemini: …": the words that an option's text begins with, if it lists them. */
function listedWords(text: string): readonly string[] {
  const [, list] = /^((?:[a-z][\w-]*, )*[a-z][\w-]* or [a-z][\w-]*)(?=$|:| \()/.exec(text) ?? [];
  return list === undefined ? [] : list.split(/, | or /);
}

export function sourceOf({ name, value, text }: ListedOption): Source {
  if (value === null) return { kind: "none" };
  const words = value.includes("|") ? value.split("|") : listedWords(text);
  if (words.length > 1) return { kind: "words", words };
  if (fileOptions.has(name) || value === "FILE") return { kind: "files" };
  if (folderOptions.has(name)) return { kind: "folders" };
  return isNameKind(name) ? { kind: "names", of: name } : { kind: "none" };
}

/** The groups in which an argument `id` or `name` means the same. */
const argumentNames: Readonly<Record<string, NameKind>> = {
  "providers id": "provider",
  "manage name": "tenant",
};

/** What the first argument of a command may be, by its usage line. `path`: its words without the program. */
export function argumentOf(path: string, { help }: Command): Source {
  const usage = help.slice("Usage: ".length, help.indexOf("\n"));
  const rest = usage.replace(`clawgate ${path}`, "").trim();
  const [first = ""] = rest.split(" ").filter((word) => word !== "[options]");
  const bare = first.replaceAll(/[<>[\]]/g, "");
  if (/^(?:file|folder)(?:\||$)/i.test(bare)) return { kind: "files" };
  if (/^[a-z-]+(?:\|[a-z-]+)+$/.test(bare)) return { kind: "words", words: bare.split("|") };
  if (first === bare) return { kind: "none" };
  const [group = ""] = path.split(" ");
  const known = isNameKind(bare) ? bare : argumentNames[`${group} ${bare}`];
  return known === undefined ? { kind: "none" } : { kind: "names", of: known };
}
