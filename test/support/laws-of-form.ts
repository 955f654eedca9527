// The laws about the form of a file and of the repository; how they are asked: laws.ts.

import { basename } from "node:path";
import { allCode, comments, isCode, type Law, places, type Tree } from "./laws.ts";

/** Tables that a program writes. */
const generated: readonly RegExp[] = [/\.generated\.ts$/];
const forbidden =
  /^(?:utils?|helpers?|commons?|shared|types?|core|bases?|managers?|services?|handlers?|misc)$/;
const opened = "// What it is for.\n";

/** Documents that are in the repository, and files of other programs that bear such a name. */
const ownDocuments = /^(?:README|CHANGELOG|LICENSE|CONTRIBUTING|SECURITY|SKILL|CLAUDE|AGENTS|MEMORY)\.md$/;
/** What a comment points to: a document by its name. */
const pointer = /\b([A-Za-z][\w-]*\.md)\b/g;

const topLevel =
  "src skills scripts test config.example.yaml bunfig.toml package.json tsconfig.json README.md LICENSE CHANGELOG.md bun.lock .ci .github .gitignore".split(
    " ",
  );

/** Split, so that this file does not find itself. */
const leftOver = new RegExp(
  [
    ["TO", "DO"],
    ["FIX", "ME"],
    ["X", "XX"],
  ]
    .map((each) => String.raw`\b${each.join("")}\b`)
    .join("|"),
);
const address = new RegExp(
  ["registry", String.raw`\.[a-z0-9-]+\.(?:org|com|io|net|dev|local)|npm`, String.raw`js\.(?:org|com)`].join(
    "",
  ),
);
const place = new RegExp(["/wo", "rk/(?:main|steering|shared|\\.library|\\.mirror)|/fa", "rm/"].join(""));

const lines = (tree: Tree, path: string): number => tree.text(path).trimEnd().split("\n").length;

export const formLaws: readonly Law[] = [
  {
    name: "no source is longer than 400 lines",
    words: "at most 400 lines; stop and think at 250",
    breaches: (tree) =>
      [...tree.sources, ...tree.scripts]
        .filter((path) => !generated.some((each) => each.test(path)) && lines(tree, path) > 400)
        .map((path) => `${path}: ${lines(tree, path)} lines`),
    broken: [{ "src/canon/a.ts": opened + "const a = 1;\n".repeat(401) }],
  },
  {
    name: "every file opens with what its room is for",
    words: "one to three opening comment lines",
    breaches(tree) {
      const opens = /^(?:#!.*\n)?(?:\/\/ \S|\/\*)/;
      // A test is explained by the file whose name it bears.
      const support = tree.tests.filter((path) => !path.endsWith(".test.ts"));
      return [...tree.sources, ...tree.scripts, ...support].filter((path) => !opens.test(tree.text(path)));
    },
    broken: [{ "src/canon/a.ts": "export const a = 1;\n" }, { "scripts/a.mjs": "#!/usr/bin/env node\n" }],
  },
  {
    name: "no name that says nothing, and names in kebab-case",
    words: "file names: kebab-case nouns, none of the empty words",
    breaches: (tree) =>
      tree.paths.filter((path) => {
        const parts = path.split("/");
        if (!["src", "scripts", "test"].includes(parts[0] ?? "")) return false;
        const stem = basename(path).replace(/\.(?:test|heavy)\.tsx?$|\.\w+$/, "");
        const isEmptyWord = [...parts.slice(0, -1), stem].some((part) => forbidden.test(part));
        return (
          isEmptyWord || (isCode(path) && parts.some((part) => !/^[a-z0-9]+(?:[.-][a-z0-9]+)*$/.test(part)))
        );
      }),
    broken: [
      { "src/canon/utils.ts": opened },
      { "src/helpers/a.ts": opened },
      { "src/canon/bigName.ts": opened },
    ],
  },
  {
    name: "named exports only, no barrels",
    words: "no `export default`, no `export *`",
    breaches: (tree) => places(tree, allCode(tree), /^export\s+(?:default\b|\*)/m),
    broken: [
      { "src/canon/a.ts": `${opened}export default 1;\n` },
      { "src/canon/a.ts": `${opened}export * from "./b.ts";\n` },
    ],
  },
  {
    name: "no module-level variable that can change",
    words: "no module-level let or var, no module-level empty collection",
    breaches: (tree) =>
      places(
        tree,
        tree.sources,
        /^(?:export\s+)?(?:(?:let|var)\s+\w+|const\s+\w+(?::[^=\n]+)?\s*=\s*new\s+(?:Map|Set|WeakMap|WeakSet|Array)(?:<[^\n]*>)?\(\))/m,
      ),
    broken: [
      { "src/canon/a.ts": `${opened}let count = 0;\n` },
      { "src/canon/a.ts": `${opened}const seen = new Map<string, number>();\n` },
    ],
  },
  {
    name: "no any, no cast through unknown, no checker silenced wholesale",
    words: "strict types, nothing silenced",
    breaches(tree) {
      const casts = places(
        tree,
        allCode(tree),
        /(?:[:<|]\s*|\bas\s+)any\b(?!\s*(?:[:(]|=>))|\bany\s*(?:\[\]|>)|\bas\s+unknown\s+as\b/,
      );
      const silenced = allCode(tree).filter((path) =>
        /@ts-(?:ignore|nocheck|expect-error)|oxlint-disable(?!-next-line \S)|eslint-disable/.test(
          comments(tree, path),
        ),
      );
      return [...casts, ...silenced];
    },
    broken: [
      { "src/canon/a.ts": `${opened}const a: any = 1;\n` },
      { "src/canon/a.ts": `${opened}const a = b as unknown as string;\n` },
      { "test/a.test.ts": `// @ts-${"ignore"}\n` },
    ],
  },
  {
    name: "no test is skipped, singled out or left to do",
    words: "no .skip, .only or .todo",
    breaches: (tree) => places(tree, tree.tests, /\b(?:test|it|describe)\.(?:\w+\.)?(?:skip|only|todo)\b/),
    broken: [{ "test/a.test.ts": 'test.skip("a", () => {});\n' }, { "test/a.test.ts": "describe.only();\n" }],
  },
  {
    name: "no work is left as a remark",
    words: "nothing is left to do in a comment",
    breaches: (tree) => allCode(tree).filter((path) => leftOver.test(comments(tree, path))),
    broken: [
      { "src/canon/a.ts": `${opened}// ${"TO"}DO: later\n` },
      { "scripts/a.ts": `/* ${"FIX"}ME */\n` },
      { "test/a.test.ts": `const a = 1; // ${"X"}XX\n` },
    ],
  },
  {
    name: "no comment points to a document that is not in the repository",
    words: "say it where it counts, or point to what the reader has",
    breaches: (tree) =>
      allCode(tree).flatMap((path) =>
        Array.from(comments(tree, path).matchAll(pointer), ([, name = ""]) => name)
          .filter((name) => !ownDocuments.test(name))
          .map((name) => `${path}: ${name}`),
      ),
    broken: [{ "src/canon/a.ts": `${opened}// As facts/stack.md has it.\n` }],
  },
];

export const repositoryLaws: readonly Law[] = [
  {
    name: "the top level holds the fixed entries only",
    words: "top-level entries are fixed",
    breaches: ({ paths }) =>
      [...new Set(paths.map((path) => path.split("/")[0] ?? ""))].filter(
        (entry) => !topLevel.includes(entry),
      ),
    broken: [{ "docs/a.md": "" }, { Makefile: "" }],
  },
  {
    name: "the README is short enough for a first reading",
    words: "at most 250 lines; the rest stands in the manual (src/manual)",
    breaches: (tree) => {
      const count = lines(tree, "README.md");
      return count > 250 ? [`README.md: ${count} lines`] : [];
    },
    broken: [{ "README.md": "a\n".repeat(251) }],
  },
  {
    name: "no registry address and no build machine's path",
    words: "addresses of registries and paths of build machines stay out of the repository",
    breaches: (tree) =>
      tree.paths
        .filter((path) => !path.endsWith(".md") || path.startsWith("src/"))
        .filter((path) => {
          const content = tree.text(path);
          return (address.test(content) && !content.includes("json.schemastore")) || place.test(content);
        }),
    broken: [
      { "bun.lock": ["https://registry", ".example.org/a"].join("") },
      { "scripts/a.ts": ["/wo", "rk/main/a"].join("") },
    ],
  },
  {
    name: "no database, log, key or environment file",
    words: "local files stay local (.gitignore)",
    breaches: ({ paths }) =>
      paths.filter((path) =>
        /(?:^|\/)(?:\.ssh(?:\/|$)|\.env(?:\.[^/]*)?$)|\.(?:db|db-wal|db-shm|sqlite[^/]*|log|pem|p12)$/.test(
          path,
        ),
      ),
    broken: [{ ".env": "" }, { "test/a.db-wal": "" }, { "scripts/.env.local": "" }, { "test/key.pem": "" }],
  },
];
