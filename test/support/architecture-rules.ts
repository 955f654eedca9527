// The rules for the sources (the map is src/README.md) as functions of a tree of files: each returns its violations, a line each.
// The architecture test applies them to the repository, and to trees that break them, so that every rule is known to fail when it should.
// A rule must never be loosened to let a change through.

import { dirname, join, normalize } from "node:path";
import { codeOnly, importsOf } from "./source-text.ts";

/** Text by path from the top of the repository; "" for files that are not text. */
export type Tree = {
  readonly paths: readonly string[];
  readonly sources: readonly string[];
  readonly scripts: readonly string[];
  readonly tests: readonly string[];
  text(path: string): string;
  /** Without comments and the content of strings. */
  code(path: string): string;
  /** Whether something exists at this path that is not in the tree: packages, for example. */
  exists(path: string): boolean;
};

export type Rule = {
  readonly name: string;
  /** Printed with its violations: the meaning of the rule. */
  readonly meaning: string;
  violations(tree: Tree): readonly string[];
  /** Trees that each break it. */
  readonly counterexamples: readonly Readonly<Record<string, string>>[];
};

export const isCode = (path: string): boolean => /\.(?:ts|tsx|mjs)$/.test(path);

export function treeOf(
  texts: ReadonlyMap<string, string>,
  exists: (path: string) => boolean = () => false,
): Tree {
  const paths = [...texts.keys()].toSorted();
  const below = (folder: string): string[] => paths.filter((path) => path.startsWith(folder) && isCode(path));
  const codes = new Map<string, string>();
  const text = (path: string): string => texts.get(path) ?? "";
  return {
    paths,
    sources: below("src/"),
    scripts: below("scripts/"),
    tests: below("test/"),
    text,
    code(path) {
      let code = codes.get(path);
      if (code === undefined) codes.set(path, (code = codeOnly(text(path))));
      return code;
    },
    exists: (path) => texts.has(path) || exists(path),
  };
}

export const allCode = (tree: Tree): string[] => [...tree.sources, ...tree.scripts, ...tree.tests];

/** `path:line` of every match in code (comments and strings do not count). */
export function matchesIn(tree: Tree, paths: readonly string[], pattern: RegExp): string[] {
  const global = new RegExp(pattern.source, `${pattern.flags.replace("g", "")}g`);
  return paths.flatMap((path) => {
    const here = tree.code(path);
    return Array.from(here.matchAll(global), (found) => {
      const line = here.slice(0, found.index).split("\n").length;
      return `${path}:${line} ${found[0].trim()}`;
    });
  });
}

/** Lines with a comment; good enough for words that occur nowhere else. */
export function comments(tree: Tree, path: string): string {
  return tree
    .text(path)
    .split("\n")
    .filter((line) => /^\s*(?:\/\/|\/?\*)|\s\/\/ /.test(line))
    .join("\n");
}

/** A folder's name, or a folder with its only files that may be imported. */
export type Permission = string | { readonly folder: string; readonly files: RegExp };
const metricsInterface: Permission = { folder: "metrics", files: /^src\/metrics\/metrics-store\.ts$/ };
const allFoldersExcept = (...barred: string[]): string[] =>
  Object.keys(mayImport).filter(
    (folder) => !["main.ts", "records-worker.ts", "config-worker.ts", ...barred].includes(folder),
  );

/** The whole import table. A folder may always import itself. */
export const mayImport: Readonly<Record<string, readonly Permission[] | null>> = {
  "main.ts": ["commands"],
  // The entry of a thread: bundled beside main.ts, imported by nobody.
  "records-worker.ts": ["metrics"],
  "config-worker.ts": ["operator"],
  commands: [
    "app",
    "operator",
    "updates",
    "config",
    "openclaw",
    "connect",
    "manual",
    metricsInterface,
    "system",
    "canon",
  ],
  // null: everything but main.ts and commands.
  app: null,
  // The operator's reports and tests: the app composes them, so they must not import it.
  operator: [
    "pipeline",
    "backends",
    "dialects",
    "routing",
    "metrics",
    "telemetry",
    "tenants",
    "state",
    "sqlite",
    "catalog",
    "config",
    "canon",
    "wire",
    "system",
  ],
  server: ["pipeline", "dashboard", "manual", metricsInterface, "canon", "wire", "system"],
  pipeline: ["backends", "dialects", "routing", "tenants", "canon", "wire", "system"],
  // canon: nearest.ts, which finds the nearest known name, is shared with routing.
  config: [{ folder: "*", files: /\/settings\.ts$/ }, "canon", "system"],
  backends: ["dialects", "canon", "wire", "system"],
  dialects: ["canon", "wire"],
  routing: ["canon", "system"],
  metrics: ["sqlite", "canon", "system"],
  telemetry: ["metrics", "canon", "system"],
  tenants: ["canon", "system"],
  state: ["sqlite", "canon", "system"],
  alerts: ["canon", "system"],
  "request-log": ["routing", "sqlite", "canon", "system"],
  updates: ["canon", "system"],
  sqlite: ["system"],
  catalog: ["canon", "system"],
  openclaw: ["system", "canon"],
  // How texts of JSON and .env are edited in place, and one command at a time.
  connect: [
    { folder: "openclaw", files: /^src\/openclaw\/(?:json5-text|dot-env|lock)\.ts$/ },
    "canon",
    "system",
  ],
  manual: [],
  // The shapes of /api; types only, as the browser runs it.
  dashboard: [{ folder: "metrics", files: /^src\/metrics\/(?:query-shapes|report-shapes)\.ts$/ }, "canon"],
  canon: [],
  wire: [],
  system: [],
};

/** What may be imported from outside src: data, never code. */
const outside: readonly { readonly by: RegExp; readonly path: RegExp }[] = [
  { by: /^src\/system\/identity\.ts$/, path: /^package\.json$/ },
  { by: /^src\//, path: /^(?:node_modules|skills)\/|^config\.example\.yaml$/ },
];

const folderOf = (path: string): string => path.split("/")[1] ?? "";
const ownImports = (tree: Tree, path: string): string[] =>
  importsOf(tree.text(path))
    .filter((name) => name.startsWith("."))
    .map((name) => normalize(join(dirname(path), name)));

function isPermitted(from: string, to: string): boolean {
  const folder = folderOf(from);
  const target = folderOf(to);
  if (folder === target) return true;
  const listed = mayImport[folder];
  if (listed === undefined) return false;
  const permissions = listed ?? allFoldersExcept("commands");
  return permissions.some((each) =>
    typeof each === "string"
      ? each === target
      : (each.folder === "*" || each.folder === target) && each.files.test(to),
  );
}

const sourceWith = (folder: string): string => `// What it is for.\n${folder}\n`;

const importRules: readonly Rule[] = [
  {
    name: "every folder of src is in the import table, and every row of it has a folder",
    meaning: "a folder of src that is not in the import table, or a row without a folder (src/README.md)",
    violations({ sources }) {
      const folders = new Set(sources.map(folderOf));
      const isWhole = sources.includes("src/main.ts");
      return [
        ...[...folders].filter((folder) => !(folder in mayImport)),
        ...Object.keys(mayImport).filter((folder) => isWhole && !folders.has(folder)),
      ];
    },
    counterexamples: [{ "src/attic/a.ts": sourceWith("") }, { "src/main.ts": sourceWith("") }],
  },
  {
    name: "a folder imports only what its row permits",
    meaning: "an import that the table does not permit (src/README.md)",
    violations: (tree) =>
      tree.sources.flatMap((path) =>
        ownImports(tree, path).flatMap((target) => {
          if (target.startsWith("src/")) return isPermitted(path, target) ? [] : [`${path} -> ${target}`];
          const isData = outside.some((each) => each.by.test(path) && each.path.test(target));
          return isData ? [] : [`${path} -> ${target} (outside src)`];
        }),
      ),
    counterexamples: [
      { "src/canon/a.ts": sourceWith('import { b } from "../wire/b.ts";') },
      { "src/server/a.ts": sourceWith('import { b } from "../metrics/sqlite-metrics-store.ts";') },
      { "src/pipeline/a.ts": sourceWith('import type { B } from "../app/b.ts";') },
      { "src/operator/a.ts": sourceWith('import type { B } from "../app/b.ts";') },
      { "src/app/a.ts": sourceWith('import { b } from "../commands/b.ts";') },
      { "src/config/a.ts": sourceWith('export { b } from "../tenants/limits.ts";') },
      { "src/wire/a.ts": sourceWith(`const b = await import(${'"../../test/b.ts"'});`) },
      { "src/system/a.ts": sourceWith('import data from "../../tsconfig.json";') },
    ],
  },
  {
    name: "a relative import names a file that exists, with its extension",
    meaning: "imports end in the file's extension",
    violations: (tree) =>
      allCode(tree).flatMap((path) =>
        ownImports(tree, path)
          .filter((target) => !tree.exists(target) || !/\.\w+$/.test(target))
          .map((target) => `${path} -> ${target}`),
      ),
    counterexamples: [
      { "src/canon/a.ts": sourceWith('import { b } from "./b.ts";') },
      { "src/canon/a.ts": sourceWith('import { b } from "./b";'), "src/canon/b.ts": sourceWith("") },
    ],
  },
  {
    name: "a dialect folder never imports another dialect folder",
    meaning: "dialects do not know each other",
    violations: (tree) => {
      const dialectOf = (path: string): string | null => /^src\/dialects\/([^/]+)\//.exec(path)?.[1] ?? null;
      return tree.sources.flatMap((path) =>
        ownImports(tree, path).flatMap((target) => {
          const from = dialectOf(path);
          const to = dialectOf(target);
          if (from === null || to === null || from === to) return [];
          // The CLI carries Anthropic's events inside its lines.
          return from === "claude-code" && to === "anthropic-messages" ? [] : [`${path} -> ${target}`];
        }),
      );
    },
    counterexamples: [{ "src/dialects/one/a.ts": sourceWith('import { b } from "../two/b.ts";') }],
  },
  {
    name: "agent-process knows no program: it imports no program's folder or dialect, and names none",
    meaning: "anything specific to one program is passed as a parameter (src/README.md)",
    violations: (tree) =>
      tree.sources
        .filter((path) => path.startsWith("src/backends/agent-process/"))
        .flatMap((path) => [
          ...ownImports(tree, path)
            .filter((target) => /^src\/(?:backends\/claude-code|dialects\/[^/]+)\//.test(target))
            .map((target) => `${path} -> ${target}`),
          ...Array.from(tree.text(path).matchAll(/claude|anthropic/gi), ([word]) => `${path} names ${word}`),
        ]),
    counterexamples: [
      { "src/backends/agent-process/a.ts": sourceWith('import { b } from "../claude-code/b.ts";') },
      { "src/backends/agent-process/a.ts": sourceWith('import type { B } from "../../dialects/one/b.ts";') },
      { "src/backends/agent-process/a.ts": sourceWith('const home = join(folder, ".claude");') },
    ],
  },
  {
    name: "files import each other in one direction only",
    meaning: "an import cycle",
    violations(tree) {
      const state = new Map<string, "open" | "done">();
      const cycles: string[] = [];
      const known = new Set(tree.paths);
      const visit = (path: string, way: readonly string[]): void => {
        if (state.get(path) === "done") return;
        if (state.get(path) === "open") {
          cycles.push([...way.slice(way.indexOf(path)), path].join(" -> "));
          return;
        }
        state.set(path, "open");
        for (const target of ownImports(tree, path)) if (known.has(target)) visit(target, [...way, path]);
        state.set(path, "done");
      };
      for (const path of tree.sources) visit(path, []);
      return cycles;
    },
    counterexamples: [
      {
        "src/canon/a.ts": sourceWith('import { b } from "./b.ts";'),
        "src/canon/b.ts": sourceWith('import type { A } from "./a.ts";'),
      },
    ],
  },
];

/** A package that only one folder may use. */
const onlyIn = (name: string, specifier: RegExp, folder: RegExp, breach: string): Rule => ({
  name: `${name} stay in their folder`,
  meaning: `${name}: only in ${folder.source}`,
  violations: (tree) =>
    tree.sources
      .filter((path) => !folder.test(path))
      .flatMap((path) =>
        importsOf(tree.text(path))
          .filter((each) => specifier.test(each))
          .map((each) => `${path} imports ${each}`),
      ),
  counterexamples: [{ "src/commands/a.ts": sourceWith(`import { x } from "${breach}";`) }],
});

const ownershipRules: readonly Rule[] = [
  onlyIn(
    "elysia and its plugins",
    /^(?:elysia|@elysiajs\/.*)(?:\/|$)/,
    /^src\/server\//,
    "@elysiajs/swagger",
  ),
  onlyIn(
    "drizzle-orm",
    /^drizzle-orm(?:\/|$)/,
    /^src\/(?:metrics\/|state\/tables\.ts$)/,
    "drizzle-orm/bun-sqlite",
  ),
  onlyIn("bun:sqlite", /^bun:sqlite$/, /^src\/sqlite\//, "bun:sqlite"),
  onlyIn(
    "calls into the C library",
    /^bun:ffi$/,
    /^src\/system\/(?:inherited-mark|directory-lock)\.ts$/,
    "bun:ffi",
  ),
  onlyIn("child processes", /^(?:node:)?child_process$/, /^src\/system\/process\.ts$/, "node:child_process"),
  onlyIn("worker and cluster processes", /^(?:node:)?cluster$/, /^$/, "cluster"),
  {
    name: "programs are started in system/process.ts only",
    meaning:
      "Bun.spawn only in src/system/process.ts; dashboard/bundle.ts runs while the program is built, never in it",
    violations: (tree) =>
      matchesIn(
        tree,
        tree.sources.filter((path) => !/^src\/(?:system\/process|dashboard\/bundle)\.ts$/.test(path)),
        /\bBun\.(?:spawn(?:Sync)?|\$)|\bBun\s*\.\s*spawn|\bspawnSync\b/,
      ),
    counterexamples: [
      { "src/commands/a.ts": sourceWith('const child = Bun.spawn(["ls"]);') },
      { "src/commands/a.ts": sourceWith("await Bun.$`ls`;") },
    ],
  },
  {
    name: "what a browser has is used in dashboard/client only",
    meaning: "the types of both are known everywhere, but the gateway has no document, window or storage",
    violations: (tree) =>
      matchesIn(
        tree,
        tree.sources.filter((path) => !path.startsWith("src/dashboard/client/")),
        /\b(?:localStorage|sessionStorage|matchMedia|HTML\w*Element|ResizeObserver|getComputedStyle)\b|(?<![.\w])(?:new EventSource\(|navigator\.|(?:document|window)\.(?:querySelector|createElement|body|location|addEventListener)\b)/,
      ),
    counterexamples: [
      { "src/server/a.ts": sourceWith("document.body.append(1);") },
      { "src/dashboard/a.ts": sourceWith('localStorage.setItem("a", "b");') },
    ],
  },
  {
    name: "dashboard/client uses nothing that only Bun or Node has",
    meaning: "a browser runs it",
    violations: (tree) => {
      const client = tree.sources.filter((path) => path.startsWith("src/dashboard/client/"));
      const packages = client.flatMap((path) =>
        importsOf(tree.text(path))
          .filter((each) => /^(?:node|bun)(?::|$)/.test(each))
          .map((each) => `${path} imports ${each}`),
      );
      return [
        ...packages,
        ...matchesIn(tree, client, /(?<![.\w])(?:Bun|process|Buffer|require|__dirname)\b\s*[.(]/),
      ];
    },
    counterexamples: [
      { "src/dashboard/client/a.ts": sourceWith("const home = process.env;") },
      { "src/dashboard/client/a.ts": sourceWith('import { join } from "node:path";') },
    ],
  },
  {
    name: "the pure folders reach neither clock, network, process nor log",
    meaning: "canon, wire, dialects and routing are pure",
    violations: (tree) =>
      matchesIn(
        tree,
        tree.sources.filter((path) => /^src\/(?:canon|wire|dialects|routing)\//.test(path)),
        /(?<![.\w])(?:Date\.now|performance\.now|setTimeout|setInterval|fetch\(|console\.|process\.|Bun\.(?:file|write|serve|env))/,
      ),
    counterexamples: [
      { "src/routing/a.ts": sourceWith("export const now = () => Date.now();") },
      { "src/wire/a.ts": sourceWith("export const home = process.env.HOME;") },
      { "src/dialects/a.ts": sourceWith('console.log("x");') },
    ],
  },
  {
    name: "no dialect folder contains names of models: the options that a model accepts are in catalog/takes.generated.ts",
    meaning: "dialects ask TargetFacts.takes, never a name (src/README.md)",
    violations: (tree) =>
      tree.sources
        .filter((path) => path.startsWith("src/dialects/"))
        .flatMap((path) => withoutComments(tree.text(path)).map((line) => `${path}: ${line.trim()}`))
        .filter((line) => modelName.test(line.slice(line.indexOf(": ")))),
    counterexamples: [
      { "src/dialects/a.ts": sourceWith('const isOld = model.startsWith("claude-3");') },
      { "src/dialects/a.ts": sourceWith("const isNew = /^gpt-5/.test(model);") },
    ],
  },
];

const modelName =
  /claude-(?:\d|v\d|instant|opus|sonnet|haiku|fable)|gpt-?\d|gemini-?[\d(\\[]|gemma-?[\d(\\[]?|["'`/|(^]o[1-9](?![\w$])/i;

/** Lines of code with their strings: a name in a comment does not count. */
function withoutComments(source: string): string[] {
  return source
    .replaceAll(/\/\*[\s\S]*?\*\//g, "")
    .split("\n")
    .map((line) => line.replace(/(?:^|\s)\/\/.*$/, ""))
    .filter((line) => line.trim() !== "");
}

export const architectureRules: readonly Rule[] = [...importRules, ...ownershipRules];
