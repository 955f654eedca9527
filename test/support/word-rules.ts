// The rule about words: names and comments use the standard term. Each row is a word that was once used instead, its replacement, and
// the names that may keep it because users or other programs see them, or because it is ordinary English there.

import { allCode, type Rule, type Tree } from "./architecture-rules.ts";

type Word = {
  /** Whole words, lower case. */
  readonly words: string;
  readonly instead: string;
  /** Ordinary English often enough, so comments may contain it. */
  readonly isPlain?: true;
  /** Identifiers that keep it: keys that users, clients or vendors see. */
  readonly names?: RegExp;
  /** Sentences in comments that may contain it, and folders where it has its ordinary meaning. */
  readonly comments?: RegExp;
};

const keyOnly = (word: string): RegExp => new RegExp(`^${word}$`);

const words: readonly Word[] = [
  { words: "house houses", instead: "app", comments: /in-house/i },
  { words: "estate estates", instead: "services" },
  { words: "succession", instead: "snapshots" },
  {
    words: "generation generations",
    isPlain: true,
    instead: "config snapshot, version",
    // Gemini's section of that name, its list of methods, and images.
    names: /generation_?config|GenerationMethods|_generation_/i,
  },
  { words: "road roads", instead: "pipeline, path" },
  {
    words: "door doors",
    instead: "endpoint",
    names: keyOnly("door"),
    comments: /`door`|\?door=|--door|"door"/,
  },
  { words: "enrol enrols enrolled", instead: "read the envelope, register" },
  {
    words: "hub hubs",
    instead: "translate, translation",
    names: keyOnly("hub"),
    comments: /`hub`|"hub"|GitHub/,
  },
  {
    words: "relay relays relayed relaying",
    instead: "passthrough, pass through",
    names: keyOnly("relay"),
    comments: /`relay`|"relay"|clawgate\/relay/,
  },
  { words: "lane lanes", instead: "answer source", names: keyOnly("lane"), comments: /`lane`|"lane"/ },
  { words: "wish wishes", instead: "request options, what a client asks for" },
  { words: "face faces", isPlain: true, instead: "port, interface", names: /hugging_?face/i },
  { words: "paper ink", isPlain: true, instead: "terminal style" },
  { words: "contract contracts", instead: "the rule itself: that document is not in the repository" },
  { words: "kin", instead: "related dialect, native dialect" },
  { words: "suit suits suited", isPlain: true, instead: "fit, adapt" },
  { words: "mend mends mended mending", instead: "repair" },
  { words: "unheard heed heeds heeded", isPlain: true, instead: "ignore, follow", names: /^unheard_of$/ },
  { words: "patience", isPlain: true, instead: "timeouts" },
  { words: "shelf shelves", isPlain: true, instead: "registry, store" },
  { words: "manner manners", isPlain: true, instead: "kind, mode" },
  { words: "yard", instead: "directory, registry" },
  { words: "premises tenure", instead: "machine checks, state-directory claim" },
  { words: "warmth", instead: "warm pool" },
  { words: "furnish furnishes furnished", isPlain: true, instead: "prepare, provide" },
  { words: "trail trails", isPlain: true, instead: "request log" },
  { words: "blame blames blamed", isPlain: true, instead: "source of a failure, responsible" },
  {
    words: "glance glances",
    instead: "summary",
    names: keyOnly("glance"),
    comments: /`glance`|`Access\.glance`/,
  },
  { words: "stance", instead: "state, policy" },
  { words: "pocket pockets", instead: "extras" },
  { words: "attic attics", instead: "folder" },
  { words: "aloud", instead: "print" },
];

const plainWord = /[a-z]+/g;
const meaningOf = new Map(words.flatMap((row) => row.words.split(" ").map((word) => [word, row] as const)));

/** `pipelineRoad` -> pipeline, road. */
const humps = (name: string): readonly string[] =>
  name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, "$1 $2")
    .toLowerCase()
    .match(plainWord) ?? [];

function namesIn(tree: Tree, path: string): string[] {
  const names = new Set(tree.code(path).match(/[A-Za-z_$][\w$]*/g));
  return [...names].flatMap((name) =>
    humps(name).flatMap((word) => {
      const row = meaningOf.get(word);
      return row === undefined || row.names?.test(name) === true ? [] : [`${path}: ${name} (${row.instead})`];
    }),
  );
}

const commentOf = /(?:^\s*(?:\/\/|\/?\*)|\s\/\/ )(.*)$/;

function wordsInComments(tree: Tree, path: string): string[] {
  return tree
    .text(path)
    .split("\n")
    .flatMap((line, index) => {
      const comment = commentOf.exec(line)?.[1];
      if (comment === undefined) return [];
      const found = new Set(comment.toLowerCase().match(plainWord));
      return [...found].flatMap((word) => {
        const row = meaningOf.get(word);
        if (row === undefined || row.isPlain === true || row.comments?.test(comment) === true) return [];
        return [`${path}:${index + 1} "${word}" (${row.instead})`];
      });
    });
}

/** The titles of tests, including tables of them in which a row begins with its title. */
const titleOf = /^\s*(?:(?:test|describe)\S*\(|\[)?\s*(["`])((?:(?!\1).)* (?:(?!\1).)*)\1\s*[,+]/;

function wordsInTitles(tree: Tree, path: string): string[] {
  return tree
    .text(path)
    .split("\n")
    .flatMap((line, index) => {
      const title = titleOf.exec(line)?.[2]?.replaceAll(/\$\w+/g, "") ?? "";
      return (title.toLowerCase().match(plainWord) ?? []).flatMap((word) => {
        const row = meaningOf.get(word);
        if (row === undefined || row.isPlain === true || row.comments?.test(title) === true) return [];
        return [`${path}:${index + 1} "${word}" (${row.instead})`];
      });
    });
}

/** The list of the words itself. */
const isGlossary = (path: string): boolean => path === "test/support/word-rules.ts";
const heldFiles = (tree: Tree): string[] => allCode(tree).filter((path) => !isGlossary(path));
const openingLine = "// What it is for.\n";

export const wordRules: readonly Rule[] = [
  {
    name: "identifiers and file names are the standard terms",
    meaning: "no name contains an old private word; the replacement is in brackets (word-rules.ts)",
    violations: (tree) =>
      heldFiles(tree).flatMap((path) => [
        ...path
          // A folder that the command line names.
          .replace(/^scripts\/trials\//, "")
          .split(/[/.-]/)
          .filter((word) => meaningOf.has(word) && meaningOf.get(word)?.names?.test(word) !== true)
          .map((word) => `${path}: ${word} (${meaningOf.get(word)?.instead})`),
        ...namesIn(tree, path),
      ]),
    counterexamples: [
      { "scripts/estate.ts": openingLine },
      { "scripts/a.ts": `${openingLine}const openHouse = 1;\n` },
      { "scripts/a.ts": `${openingLine}type Door = string;\n` },
      { "test/a.test.ts": "const road_of = 1;\n" },
      { "scripts/a.ts": `${openingLine}hubLane();\n` },
    ],
  },
  {
    name: "comments are written in the standard terms",
    meaning: "no comment contains an old private word; the replacement is in brackets (word-rules.ts)",
    violations: (tree) => heldFiles(tree).flatMap((path) => wordsInComments(tree, path)),
    counterexamples: [
      { "scripts/a.ts": `${openingLine}// The house is open.\n` },
      { "scripts/a.ts": `/**\n * Asked at the door.\n */\n` },
      { "test/a.test.ts": `const a = 1; /${"/"} an express lane\n` },
    ],
  },
  {
    name: "titles of tests are written in the standard terms",
    meaning: "no title contains an old private word; the replacement is in brackets (word-rules.ts)",
    violations: (tree) =>
      heldFiles(tree)
        .filter((path) => path.startsWith("test/") && !path.startsWith("test/support/"))
        .flatMap((path) => wordsInTitles(tree, path)),
    counterexamples: [
      { "test/a.test.ts": 'describe("at the door", () => {});\n' },
      { "test/a.test.ts": 'test.each(all)("the house of %s", () => {});\n' },
      { "test/a.test.ts": "test(\n  `over the hub of ${name}`,\n  () => {},\n);\n" },
    ],
  },
];
