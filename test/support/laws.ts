// The laws of the house (the map is src/README.md) as functions of a tree of files: each gives its breaches, a line each. The
// architecture test asks them of the repository, and of trees with a breach, so that none can be one that never fails. It must
// never be loosened to let a change through.

import { dirname, join, normalize } from "node:path";
import { codeOnly, importsOf } from "./source-text.ts";

/** Text by path from the top of the repository; "" for what is no text. */
export type Tree = {
  readonly paths: readonly string[];
  readonly sources: readonly string[];
  readonly scripts: readonly string[];
  readonly tests: readonly string[];
  text(path: string): string;
  /** Without comments and what stands in strings. */
  code(path: string): string;
  /** Whether something lies there that is not in the tree: packages, for example. */
  exists(path: string): boolean;
};

export type Law = {
  readonly name: string;
  /** Told with its breaches: what is meant. */
  readonly words: string;
  breaches(tree: Tree): readonly string[];
  /** Trees that break it, each by itself. */
  readonly broken: readonly Readonly<Record<string, string>>[];
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
export function places(tree: Tree, paths: readonly string[], pattern: RegExp): string[] {
  const global = new RegExp(pattern.source, `${pattern.flags.replace("g", "")}g`);
  return paths.flatMap((path) => {
    const here = tree.code(path);
    return Array.from(here.matchAll(global), (found) => {
      const line = here.slice(0, found.index).split("\n").length;
      return `${path}:${line} ${found[0].trim()}`;
    });
  });
}

/** Lines that hold a comment; good enough for words that stand nowhere else. */
export function comments(tree: Tree, path: string): string {
  return tree
    .text(path)
    .split("\n")
    .filter((line) => /^\s*(?:\/\/|\/?\*)|\s\/\/ /.test(line))
    .join("\n");
}

/** A room's name, or a room with the only files of it that may be imported. */
type Permission = string | { readonly room: string; readonly files: RegExp };
const reports: Permission = { room: "metrics", files: /^src\/metrics\/reports(?:\.ts$|\/)/ };
const everybodyBut = (...barred: string[]): string[] =>
  Object.keys(mayImport).filter((room) => !["main.ts", ...barred].includes(room));

/** The whole import law. A room may always import itself. */
const mayImport: Readonly<Record<string, readonly Permission[] | null>> = {
  "main.ts": ["commands"],
  commands: ["assemble", "config", "openclaw", "manual", reports, "system", "canon"],
  // null: everything but commands.
  assemble: null,
  server: ["pipeline", "manual", reports, "canon", "wire", "system"],
  pipeline: ["backends", "dialects", "routing", "tenants", "canon", "wire", "system"],
  // canon: nearest.ts, which finds the name that was meant, is shared with routing.
  config: [{ room: "*", files: /\/settings\.ts$/ }, "canon", "system"],
  backends: ["dialects", "canon", "wire", "system"],
  dialects: ["canon", "wire"],
  routing: ["canon", "system"],
  metrics: ["canon", "system"],
  tenants: ["canon", "system"],
  state: ["canon", "system"],
  catalog: ["canon", "system"],
  openclaw: ["system", "canon"],
  manual: [],
  canon: [],
  wire: [],
  system: [],
};

/** What lies outside src and may be taken in: data, never code. */
const outside: readonly { readonly by: RegExp; readonly path: RegExp }[] = [
  { by: /^src\/system\/identity\.ts$/, path: /^package\.json$/ },
  { by: /^src\//, path: /^(?:node_modules|skills)\/|^config\.example\.yaml$/ },
];

const roomOf = (path: string): string => path.split("/")[1] ?? "";
const ownImports = (tree: Tree, path: string): string[] =>
  importsOf(tree.text(path))
    .filter((name) => name.startsWith("."))
    .map((name) => normalize(join(dirname(path), name)));

function isPermitted(from: string, to: string): boolean {
  const room = roomOf(from);
  const target = roomOf(to);
  if (room === target) return true;
  const listed = mayImport[room];
  if (listed === undefined) return false;
  const permissions = listed ?? everybodyBut("commands");
  return permissions.some((each) =>
    typeof each === "string"
      ? each === target
      : (each.room === "*" || each.room === target) && each.files.test(to),
  );
}

const kept = (room: string): string => `// What it is for.\n${room}\n`;

const importLaws: readonly Law[] = [
  {
    name: "every room of src stands in the import table, and every row of it has a room",
    words: "a folder of src that is not in the import table, or a row without a folder (src/README.md)",
    breaches({ sources }) {
      const rooms = new Set(sources.map(roomOf));
      const isWhole = sources.includes("src/main.ts");
      return [
        ...[...rooms].filter((room) => !(room in mayImport)),
        ...Object.keys(mayImport).filter((room) => isWhole && !rooms.has(room)),
      ];
    },
    broken: [{ "src/attic/a.ts": kept("") }, { "src/main.ts": kept("") }],
  },
  {
    name: "a room imports only what its row permits",
    words: "an import that the table does not permit (src/README.md)",
    breaches: (tree) =>
      tree.sources.flatMap((path) =>
        ownImports(tree, path).flatMap((target) => {
          if (target.startsWith("src/")) return isPermitted(path, target) ? [] : [`${path} -> ${target}`];
          const isData = outside.some((each) => each.by.test(path) && each.path.test(target));
          return isData ? [] : [`${path} -> ${target} (outside src)`];
        }),
      ),
    broken: [
      { "src/canon/a.ts": kept('import { b } from "../wire/b.ts";') },
      { "src/server/a.ts": kept('import { b } from "../metrics/store.ts";') },
      { "src/pipeline/a.ts": kept('import type { B } from "../assemble/b.ts";') },
      { "src/config/a.ts": kept('export { b } from "../tenants/limits.ts";') },
      { "src/wire/a.ts": kept(`const b = await import(${'"../../test/b.ts"'});`) },
      { "src/system/a.ts": kept('import data from "../../tsconfig.json";') },
    ],
  },
  {
    name: "a relative import names a file that exists, with its extension",
    words: "imports end in the file's extension",
    breaches: (tree) =>
      allCode(tree).flatMap((path) =>
        ownImports(tree, path)
          .filter((target) => !tree.exists(target) || !/\.\w+$/.test(target))
          .map((target) => `${path} -> ${target}`),
      ),
    broken: [
      { "src/canon/a.ts": kept('import { b } from "./b.ts";') },
      { "src/canon/a.ts": kept('import { b } from "./b";'), "src/canon/b.ts": kept("") },
    ],
  },
  {
    name: "a dialect folder never imports another dialect folder",
    words: "dialects do not know each other",
    breaches: (tree) => {
      const dialectOf = (path: string): string | null => /^src\/dialects\/([^/]+)\//.exec(path)?.[1] ?? null;
      return tree.sources.flatMap((path) =>
        ownImports(tree, path).flatMap((target) => {
          const from = dialectOf(path);
          const to = dialectOf(target);
          if (from === null || to === null || from === to) return [];
          // The CLI carries Anthropic's events inside its lines.
          return from === "claude-cli" && to === "anthropic-messages" ? [] : [`${path} -> ${target}`];
        }),
      );
    },
    broken: [{ "src/dialects/one/a.ts": kept('import { b } from "../two/b.ts";') }],
  },
  {
    name: "files import each other in one direction only",
    words: "an import cycle: nothing flows back up",
    breaches(tree) {
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
    broken: [
      {
        "src/canon/a.ts": kept('import { b } from "./b.ts";'),
        "src/canon/b.ts": kept('import type { A } from "./a.ts";'),
      },
    ],
  },
];

/** A package that only one room may use. */
const home = (name: string, specifier: RegExp, room: RegExp, breach: string): Law => ({
  name: `${name} stay in their room`,
  words: `${name}: only in ${room.source}`,
  breaches: (tree) =>
    tree.sources
      .filter((path) => !room.test(path))
      .flatMap((path) =>
        importsOf(tree.text(path))
          .filter((each) => specifier.test(each))
          .map((each) => `${path} imports ${each}`),
      ),
  broken: [{ "src/commands/a.ts": kept(`import { x } from "${breach}";`) }],
});

const homeLaws: readonly Law[] = [
  home("elysia and its plugins", /^(?:elysia|@elysiajs\/.*)(?:\/|$)/, /^src\/server\//, "@elysiajs/swagger"),
  home("drizzle-orm", /^drizzle-orm(?:\/|$)/, /^src\/metrics\//, "drizzle-orm/bun-sqlite"),
  home("bun:sqlite", /^bun:sqlite$/, /^src\/(?:metrics|state)\//, "bun:sqlite"),
  home(
    "calls into the C library",
    /^bun:ffi$/,
    /^src\/system\/(?:inherited-mark|directory-lock)\.ts$/,
    "bun:ffi",
  ),
  home("child processes", /^(?:node:)?child_process$/, /^src\/system\/process\.ts$/, "node:child_process"),
  home("worker and cluster processes", /^(?:node:)?cluster$/, /^$/, "cluster"),
  {
    name: "programs are started in system/process.ts only",
    words: "Bun.spawn only in src/system/process.ts",
    breaches: (tree) =>
      places(
        tree,
        tree.sources.filter((path) => path !== "src/system/process.ts"),
        /\bBun\.(?:spawn(?:Sync)?|\$)|\bBun\s*\.\s*spawn|\bspawnSync\b/,
      ),
    broken: [
      { "src/commands/a.ts": kept('const child = Bun.spawn(["ls"]);') },
      { "src/commands/a.ts": kept("await Bun.$`ls`;") },
    ],
  },
  {
    name: "the pure rooms reach neither clock, network, process nor log",
    words: "canon, wire, dialects and routing are pure",
    breaches: (tree) =>
      places(
        tree,
        tree.sources.filter((path) => /^src\/(?:canon|wire|dialects|routing)\//.test(path)),
        /(?<![.\w])(?:Date\.now|performance\.now|setTimeout|setInterval|fetch\(|console\.|process\.|Bun\.(?:file|write|serve|env))/,
      ),
    broken: [
      { "src/routing/a.ts": kept("export const now = () => Date.now();") },
      { "src/wire/a.ts": kept("export const home = process.env.HOME;") },
      { "src/dialects/a.ts": kept('console.log("x");') },
    ],
  },
  {
    name: "no dialect folder holds names of models: what a model takes stands in catalog/takes.generated.ts",
    words: "dialects ask TargetFacts.takes, never a name (src/README.md)",
    breaches: (tree) =>
      tree.sources
        .filter((path) => path.startsWith("src/dialects/"))
        .flatMap((path) => withoutComments(tree.text(path)).map((line) => `${path}: ${line.trim()}`))
        .filter((line) => modelName.test(line.slice(line.indexOf(": ")))),
    broken: [
      { "src/dialects/a.ts": kept('const isOld = model.startsWith("claude-3");') },
      { "src/dialects/a.ts": kept("const isNew = /^gpt-5/.test(model);") },
    ],
  },
];

const modelName =
  /claude-(?:\d|v\d|instant|opus|sonnet|haiku|fable)|gpt-?\d|gemini-?[\d(\\[]|gemma-?[\d(\\[]?|["'`/|(^]o[1-9](?![\w$])/i;

/** Lines of code with their strings: a name in a comment decides nothing. */
function withoutComments(source: string): string[] {
  return source
    .replaceAll(/\/\*[\s\S]*?\*\//g, "")
    .split("\n")
    .map((line) => line.replace(/(?:^|\s)\/\/.*$/, ""))
    .filter((line) => line.trim() !== "");
}

export const laws: readonly Law[] = [...importLaws, ...homeLaws];
