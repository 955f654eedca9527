// The rules for what documents and comments say of the sources: every path in them exists, and the map's import table is the
// enforced one. How the rules are applied: architecture-rules.ts.

import { allCode, comments, mayImport, type Permission, type Rule, type Tree } from "./architecture-rules.ts";

const mapPath = "src/README.md";
const isDocument = (path: string): boolean =>
  /^(?:README\.md|src\/README\.md|\.github\/[^/]+\.md|src\/manual\/[^/]+\.md)$/.test(path);

/** A path or a file's name: letters, digits and the other characters of names; `<format>` and `*` match any name. */
const namedPath =
  /(?<![\w./@~$<>:-])(?:\.{1,2}\/)*(?:[\w.<>*-]+\/)*[\w.<>*-]+\.(?:generated\.)?(?:ts|mjs)(?![\w/-])/g;
/** A folder, or a file without its extension. */
const namedFolder = /(?<![\w./@~$<>:-])([a-z]+)\/(?:[\w<>*-]+\/)*[\w<>*-]*(?![\w/])/g;

const isPattern = (path: string): boolean => /[<>*]/.test(path);
const patternOf = (path: string): RegExp =>
  new RegExp(
    `(?:^|/)${path.replaceAll(".", String.raw`\.`).replaceAll(/<[^>]*>|\*/g, "[^/]+")}(?:/|$|\\.tsx?$)`,
  );

/** What a name can mean: every path, with and without its extension, and any run of its parts. */
function namesOf(tree: Tree): ReadonlySet<string> {
  const names = new Set<string>();
  for (const path of tree.paths) {
    const parts = path.split("/");
    for (let until = 1; until <= parts.length; until++)
      for (let from = 0; from < until; from++) {
        const name = parts.slice(from, until).join("/");
        names.add(name).add(name.replace(/\.tsx?$/, ""));
      }
  }
  return names;
}

type Known = {
  readonly tree: Tree;
  readonly names: ReadonlySet<string>;
  readonly folders: ReadonlySet<string>;
};

const knownIn = (tree: Tree): Known => {
  const folders = tree.paths.flatMap((path) => {
    const [top = "", next = "."] = path.split("/");
    return top === "src" && !next.includes(".") ? [top, next] : [top];
  });
  return { tree, names: namesOf(tree), folders: new Set(folders) };
};

/** The paths in a text that do not exist. */
function missingPaths({ tree, names, folders }: Known, text: string, knowsFolders: boolean): string[] {
  const files = text.match(namedPath) ?? [];
  const inFolders = Array.from(text.replaceAll(namedPath, " ").matchAll(namedFolder))
    .filter(([, first = ""]) => knowsFolders && folders.has(first))
    .map(([path]) => path);
  return [...files, ...inFolders]
    .map((path) => path.replace(/^(?:\.{1,2}\/)+/, "").replace(/\/$/, ""))
    .filter((path) =>
      isPattern(path) ? !tree.paths.some((each) => patternOf(path).test(each)) : !names.has(path),
    );
}

/** The row of the map's table in the words of the enforced table. */
function permissionsOf(cell: string): readonly string[] | null {
  const plain = (cell.split(";")[0] ?? "").trim();
  if (plain === "nothing") return [];
  if (plain === "everything but commands") return null;
  return plain.split(/,\s*/).map((each) => (each.includes("settings.ts") ? "*" : each.replace(/ \(.*/, "")));
}

const folderNamed = (each: Permission): string => (typeof each === "string" ? each : each.folder);
const inOrder = (names: readonly string[] | null): string =>
  names === null ? "everything but commands" : names.toSorted().join(", ");

/** Folder -> what its row permits, from the table under the heading "Who may import whom". */
function mapRows(text: string): ReadonlyMap<string, readonly string[] | null> {
  const section = text.split(/^## /m).find((each) => each.startsWith("Who may import whom")) ?? "";
  const rows = new Map<string, readonly string[] | null>();
  for (const [, folders = "", permitted = ""] of section.matchAll(/^\| ([^|]+)\| ([^|]+)\|$/gm))
    for (const folder of folders.trim().split(/,\s*/))
      if (folder !== "folder" && !/^-+$/.test(folder)) rows.set(folder, permissionsOf(permitted));
  return rows;
}

const importTable = "# Map\n\n## Who may import whom\n\n| folder | may import |\n| --- | --- |\n";
const openingLine = "// What it is for.\n";

export const documentRules: readonly Rule[] = [
  {
    name: "the map's import table is the one that is enforced",
    meaning: "src/README.md and mayImport (architecture-rules.ts) name the same folders and permissions",
    violations(tree) {
      if (!tree.paths.includes(mapPath)) return [];
      const rows = mapRows(tree.text(mapPath));
      const missing = Object.keys(mayImport).filter((folder) => !rows.has(folder));
      return [
        ...missing.map((folder) => `${folder}: no row`),
        ...[...rows].flatMap(([folder, written]) => {
          const enforced = mayImport[folder];
          if (enforced === undefined) return [`${folder}: a row, but no folder`];
          const names = inOrder(enforced?.map(folderNamed) ?? null);
          return inOrder(written) === names ? [] : [`${folder}: ${inOrder(written)}, enforced: ${names}`];
        }),
      ];
    },
    counterexamples: [
      { [mapPath]: `${importTable}| canon | nothing |\n` },
      {
        [mapPath]: `${importTable}${Object.keys(mayImport)
          .map((folder) => `| ${folder} | nothing |\n`)
          .join("")}`,
      },
    ],
  },
  {
    name: "every path that a document names exists",
    meaning: "README.md, src/README.md, the manual and .github name files and folders of the repository",
    violations(tree) {
      const known = knownIn(tree);
      return tree.paths
        .filter(isDocument)
        .flatMap((path) =>
          missingPaths(known, tree.text(path), path === mapPath).map((missing) => `${path}: ${missing}`),
        );
    },
    counterexamples: [
      { "src/README.md": "a row in canon/attic.ts", "src/canon/a.ts": openingLine },
      { "src/README.md": "canon/attic: what is left", "src/canon/a.ts": openingLine },
      { "src/README.md": "see attic.ts", "src/canon/a.ts": openingLine },
      { "src/README.md": "its row in canon/<format>/attic.ts", "src/canon/a.ts": openingLine },
      { "README.md": "see `src/attic/a.ts`", "src/canon/a.ts": openingLine },
      { "src/manual/start.md": "see scripts/attic.mjs" },
      { ".github/CONTRIBUTING.md": "run `bun scripts/attic.ts`" },
    ],
  },
  {
    name: "every source that a comment names exists",
    meaning: "a comment names a file of the repository by its present name",
    violations(tree) {
      const known = knownIn(tree);
      return allCode(tree).flatMap((path) =>
        missingPaths(known, comments(tree, path), false).map((missing) => `${path}: ${missing}`),
      );
    },
    counterexamples: [
      { "src/canon/a.ts": `${openingLine}// The other half is in attic.ts.\n` },
      { "test/a.test.ts": `const a = 1; /${"/"} as in canon/attic.ts\n` },
    ],
  },
];
