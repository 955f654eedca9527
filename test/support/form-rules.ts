// The rules for the form of a file and of the repository; how they are applied: architecture-rules.ts.

import { basename } from "node:path";
import { allCode, comments, isCode, type Rule, matchesIn, type Tree } from "./architecture-rules.ts";

/** Generated tables. */
const generated: readonly RegExp[] = [/\.generated\.ts$/];
const forbidden =
  /^(?:utils?|helpers?|commons?|shared|types?|core|bases?|managers?|services?|handlers?|misc)$/;
const openingLine = "// What it is for.\n";

/** Documents in the repository, and files of other programs with such a name. */
const ownDocuments = /^(?:README|CHANGELOG|LICENSE|CONTRIBUTING|SECURITY|SKILL|CLAUDE|AGENTS|MEMORY)\.md$/;
/** The target of a pointer in a comment: a document's name. */
const pointer = /\b([A-Za-z][\w-]*\.md)\b/g;

const topLevel =
  "src skills scripts test config.example.yaml bunfig.toml package.json tsconfig.json README.md LICENSE CHANGELOG.md bun.lock .ci .github .gitignore".split(
    " ",
  );

const exportedValue = /^export (?:async )?(?:const|function\*?|class) ([A-Za-z_$][\w$]*)/gm;

/** Split, so that this file does not match itself. */
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

export const formRules: readonly Rule[] = [
  {
    name: "no source is longer than 400 lines",
    meaning: "at most 400 lines; stop and think at 250",
    violations: (tree) =>
      [...tree.sources, ...tree.scripts]
        .filter((path) => !generated.some((each) => each.test(path)) && lines(tree, path) > 400)
        .map((path) => `${path}: ${lines(tree, path)} lines`),
    counterexamples: [{ "src/canon/a.ts": openingLine + "const a = 1;\n".repeat(401) }],
  },
  {
    name: "every file opens with its purpose",
    meaning: "one to three opening comment lines",
    violations(tree) {
      const opens = /^(?:#!.*\n)?(?:\/\/ \S|\/\*)/;
      // A test is explained by the file whose name it has.
      const support = tree.tests.filter((path) => !path.endsWith(".test.ts"));
      return [...tree.sources, ...tree.scripts, ...support].filter((path) => !opens.test(tree.text(path)));
    },
    counterexamples: [
      { "src/canon/a.ts": "export const a = 1;\n" },
      { "scripts/a.mjs": "#!/usr/bin/env node\n" },
    ],
  },
  {
    name: "no meaningless file names, and all in kebab-case",
    meaning: "file names: kebab-case nouns, none of the empty words",
    violations: (tree) =>
      tree.paths.filter((path) => {
        const parts = path.split("/");
        if (!["src", "scripts", "test"].includes(parts[0] ?? "")) return false;
        const stem = basename(path).replace(/\.(?:test|heavy)\.tsx?$|\.\w+$/, "");
        // A page of the manual is named by its subject, in the user's word for it.
        const named = /^src\/manual\/[^/]+\.md$/.test(path)
          ? parts.slice(0, -1)
          : [...parts.slice(0, -1), stem];
        const isEmptyWord = named.some((part) => forbidden.test(part));
        return (
          isEmptyWord || (isCode(path) && parts.some((part) => !/^[a-z0-9]+(?:[.-][a-z0-9]+)*$/.test(part)))
        );
      }),
    counterexamples: [
      { "src/canon/utils.ts": openingLine },
      { "src/helpers/a.ts": openingLine },
      { "src/canon/bigName.ts": openingLine },
      { "src/manual/services.ts": openingLine },
    ],
  },
  {
    name: "named exports only, no barrels",
    meaning: "no `export default`, no `export *`",
    violations: (tree) => matchesIn(tree, allCode(tree), /^export\s+(?:default\b|\*)/m),
    counterexamples: [
      { "src/canon/a.ts": `${openingLine}export default 1;\n` },
      { "src/canon/a.ts": `${openingLine}export * from "./b.ts";\n` },
    ],
  },
  {
    name: "every export is imported, and no code exists only for a test",
    meaning: "export values only for other files; move code that only tests use to test/",
    violations(tree) {
      const namedIn = new Map<string, string[]>();
      for (const path of allCode(tree))
        for (const word of new Set(tree.code(path).match(/[A-Za-z_$][\w$]*/g) ?? []))
          namedIn.set(word, [...(namedIn.get(word) ?? []), path]);
      const written = tree.sources.filter((path) => !generated.some((each) => each.test(path)));
      return written.flatMap((path) =>
        Array.from(tree.code(path).matchAll(exportedValue), ([, name = ""]) => name)
          .filter((name) => {
            const others = (namedIn.get(name) ?? []).filter((each) => each !== path);
            const isForTests = others.every((each) => each.startsWith("test/"));
            const isUsedHere = tree.code(path).split(new RegExp(`\\b${name}\\b`)).length > 2;
            return isForTests && !(isUsedHere && others.length > 0);
          })
          .map((name) => `${path}: ${name}`),
      );
    },
    counterexamples: [
      { "src/canon/a.ts": `${openingLine}export const a = 1;\n` },
      { "src/canon/a.ts": `${openingLine}export function b() {}\n`, "test/a.test.ts": "b();\n" },
      { "src/canon/a.ts": `${openingLine}export const c = 1;\nconst d = c;\n` },
    ],
  },
  {
    name: "no mutable module-level variable",
    meaning: "no module-level let or var, no module-level empty collection",
    violations: (tree) =>
      matchesIn(
        tree,
        tree.sources,
        /^(?:export\s+)?(?:(?:let|var)\s+\w+|const\s+\w+(?::[^=\n]+)?\s*=\s*new\s+(?:Map|Set|WeakMap|WeakSet|Array)(?:<[^\n]*>)?\(\))/m,
      ),
    counterexamples: [
      { "src/canon/a.ts": `${openingLine}let count = 0;\n` },
      { "src/canon/a.ts": `${openingLine}const seen = new Map<string, number>();\n` },
    ],
  },
  {
    name: "no any, no cast through unknown, no checker disabled for a whole file",
    meaning: "strict types, no disabled checks",
    violations(tree) {
      const casts = matchesIn(
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
    counterexamples: [
      { "src/canon/a.ts": `${openingLine}const a: any = 1;\n` },
      { "src/canon/a.ts": `${openingLine}const a = b as unknown as string;\n` },
      { "test/a.test.ts": `/${"/"} @ts-${"ignore"}\n` },
    ],
  },
  {
    name: "no test is skipped, run exclusively or left unwritten",
    meaning: "no .skip, .only or .todo",
    violations: (tree) =>
      matchesIn(tree, tree.tests, /\b(?:test|it|describe)\.(?:\w+\.)?(?:skip|only|todo)\b/),
    counterexamples: [
      { "test/a.test.ts": 'test.skip("a", () => {});\n' },
      { "test/a.test.ts": "describe.only();\n" },
    ],
  },
  {
    name: "no unfinished work in comments",
    meaning: "finish it or remove the comment",
    violations: (tree) => allCode(tree).filter((path) => leftOver.test(comments(tree, path))),
    counterexamples: [
      { "src/canon/a.ts": `${openingLine}// ${"TO"}DO: later\n` },
      { "scripts/a.ts": `/* ${"FIX"}ME */\n` },
      { "test/a.test.ts": `const a = 1; /${"/"} ${"X"}XX\n` },
    ],
  },
  {
    name: "no comment points to a document that is not in the repository",
    meaning: "state it in place, or point to a document of the repository",
    violations: (tree) =>
      allCode(tree).flatMap((path) =>
        Array.from(comments(tree, path).matchAll(pointer), ([, name = ""]) => name)
          .filter((name) => !ownDocuments.test(name))
          .map((name) => `${path}: ${name}`),
      ),
    counterexamples: [{ "src/canon/a.ts": `${openingLine}// As facts/stack.md has it.\n` }],
  },
];

export const repositoryRules: readonly Rule[] = [
  {
    name: "the top level contains only the fixed entries",
    meaning: "top-level entries are fixed",
    violations: ({ paths }) =>
      [...new Set(paths.map((path) => path.split("/")[0] ?? ""))].filter(
        (entry) => !topLevel.includes(entry),
      ),
    counterexamples: [{ "docs/a.md": "" }, { Makefile: "" }],
  },
  {
    name: "the README is short enough for a first reading",
    meaning: "at most 250 lines; the rest is in the manual (src/manual)",
    violations: (tree) => {
      const count = lines(tree, "README.md");
      return count > 250 ? [`README.md: ${count} lines`] : [];
    },
    counterexamples: [{ "README.md": "a\n".repeat(251) }],
  },
  {
    name: "no registry address and no build machine's path",
    meaning: "addresses of registries and paths of build machines stay out of the repository",
    violations: (tree) =>
      tree.paths
        .filter((path) => !path.endsWith(".md") || path.startsWith("src/"))
        .filter((path) => {
          const content = tree.text(path);
          return (address.test(content) && !content.includes("json.schemastore")) || place.test(content);
        }),
    counterexamples: [
      { "bun.lock": ["https://registry", ".example.org/a"].join("") },
      { "scripts/a.ts": ["/wo", "rk/main/a"].join("") },
    ],
  },
  {
    name: "no database, log, key or environment file",
    meaning: "local files stay local (.gitignore)",
    violations: ({ paths }) =>
      paths.filter(
        (path) =>
          // The public half of the releases' key belongs into the tree.
          path !== "scripts/packaging/release-key.pem" &&
          /(?:^|\/)(?:\.ssh(?:\/|$)|\.env(?:\.[^/]*)?$)|\.(?:db|db-wal|db-shm|sqlite[^/]*|log|pem|p12)$/.test(
            path,
          ),
      ),
    counterexamples: [
      { ".env": "" },
      { "test/a.db-wal": "" },
      { "scripts/.env.local": "" },
      { "test/key.pem": "" },
    ],
  },
];
