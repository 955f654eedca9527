// The laws of the house (design.md section 3 and 5; the map is src/README.md), read from the sources themselves.
// A failure names the file, the law and where to read it. It must never be loosened to let a change through.

import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { codeOnly, importsOf } from "./support/source-text.ts";

const root = dirname(import.meta.dir);
const read = (path: string): string => readFileSync(join(root, path), "utf8");

/** What the repository holds. A file that nobody tracks is nobody's breach. */
function trackedFiles(): string[] {
  const git = Bun.spawnSync(["git", "-c", "safe.directory=*", "ls-files", "-z"], { cwd: root });
  if (!git.success) throw new Error(`git ls-files failed: ${git.stderr.toString()}`);
  const names = git.stdout.toString().split("\0");
  return names.filter((name) => name !== "" && existsSync(join(root, name)));
}

/** Files below a folder as they lie on the disk: a new one is under the law before it is committed. */
function filesBelow(folder: string): string[] {
  const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .toSorted();
}

const tracked = trackedFiles();
const isCode = (path: string): boolean => /\.(?:ts|tsx|mjs)$/.test(path);
const files = [...filesBelow("src"), ...filesBelow("scripts"), ...filesBelow("test")];
const sources = files.filter((path) => path.startsWith("src/") && isCode(path));
const scripts = files.filter((path) => path.startsWith("scripts/") && isCode(path));
const tests = files.filter((path) => path.startsWith("test/") && isCode(path));
const text = new Map([...sources, ...scripts, ...tests].map((path) => [path, read(path)]));
const code = new Map([...text].map(([path, source]) => [path, codeOnly(source)]));

/** Fails with every breach and the place where the law is written. */
function holds(law: string, breaches: readonly string[]): void {
  expect(breaches, `${law}\n  ${breaches.join("\n  ")}\n`).toEqual([]);
}

/** `path:line` of every match in code (comments and strings do not count). */
function places(paths: readonly string[], pattern: RegExp): string[] {
  const global = new RegExp(pattern.source, `${pattern.flags.replace("g", "")}g`);
  return paths.flatMap((path) => {
    const here = code.get(path) ?? "";
    return Array.from(here.matchAll(global), (found) => {
      const line = here.slice(0, found.index).split("\n").length;
      return `${path}:${line} ${found[0].trim()}`;
    });
  });
}

/** A room's name, or a room with the only files of it that may be imported. */
type Permission = string | { readonly room: string; readonly files: RegExp };
const reports: Permission = { room: "metrics", files: /^src\/metrics\/reports(?:\.ts$|\/)/ };
const everybodyBut = (...barred: string[]): string[] =>
  Object.keys(mayImport).filter((room) => !["main.ts", ...barred].includes(room));

/** The whole import law, design.md section 3. A room may always import itself. */
const mayImport: Readonly<Record<string, readonly Permission[] | null>> = {
  "main.ts": ["commands"],
  commands: ["assemble", "config", "openclaw", reports, "system", "canon"],
  // null: everything but commands.
  assemble: null,
  server: ["pipeline", reports, "dashboard", "canon", "wire", "system"],
  dashboard: [],
  pipeline: ["backends", "dialects", "routing", "tenants", "canon", "wire", "system"],
  // canon: nearest.ts, which finds the name that was meant, is shared with routing (design.md's table has it).
  config: [{ room: "*", files: /\/settings\.ts$/ }, "canon", "system"],
  backends: ["dialects", "canon", "wire", "system"],
  dialects: ["canon", "wire"],
  routing: ["canon", "system"],
  metrics: ["canon", "system"],
  tenants: ["canon", "system"],
  state: ["canon", "system"],
  catalog: ["canon", "system"],
  openclaw: ["system", "canon"],
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
const ownImports = (path: string): string[] =>
  importsOf(text.get(path) ?? "")
    .filter((name) => name.startsWith("."))
    .map((name) => relative(root, resolve(root, dirname(path), name)));

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

describe("the import law", () => {
  test("every room of src stands in the table", () => {
    const rooms = new Set(sources.map(roomOf));
    holds(
      "a folder of src is not in the import table (design.md section 3)",
      [...rooms].filter((room) => !(room in mayImport)),
    );
  });

  test("a room imports only what its row permits", () => {
    const breaches = sources.flatMap((path) =>
      ownImports(path).flatMap((target) => {
        if (target.startsWith("src/")) return isPermitted(path, target) ? [] : [`${path} -> ${target}`];
        const isData = outside.some((each) => each.by.test(path) && each.path.test(target));
        return isData ? [] : [`${path} -> ${target} (outside src)`];
      }),
    );
    holds("an import that the table does not permit (design.md section 3, src/README.md)", breaches);
  });

  test("a relative import names a file that exists, with its extension", () => {
    const breaches = [...sources, ...scripts, ...tests].flatMap((path) =>
      ownImports(path)
        .filter((target) => !existsSync(join(root, target)) || !/\.\w+$/.test(target))
        .map((target) => `${path} -> ${target}`),
    );
    holds("imports end in the file's extension", breaches);
  });

  test("a dialect folder never imports another dialect folder", () => {
    const dialectOf = (path: string): string | null => /^src\/dialects\/([^/]+)\//.exec(path)?.[1] ?? null;
    const breaches = sources.flatMap((path) =>
      ownImports(path).flatMap((target) => {
        const from = dialectOf(path);
        const to = dialectOf(target);
        if (from === null || to === null || from === to) return [];
        // The CLI carries Anthropic's events inside its lines.
        return from === "claude-cli" && to === "anthropic-messages" ? [] : [`${path} -> ${target}`];
      }),
    );
    holds("dialects do not know each other (design.md section 3)", breaches);
  });

  test("files import each other in one direction only", () => {
    const state = new Map<string, "open" | "done">();
    const cycles: string[] = [];
    const visit = (path: string, way: readonly string[]): void => {
      if (state.get(path) === "done") return;
      if (state.get(path) === "open") {
        cycles.push([...way.slice(way.indexOf(path)), path].join(" -> "));
        return;
      }
      state.set(path, "open");
      for (const target of ownImports(path)) if (text.has(target)) visit(target, [...way, path]);
      state.set(path, "done");
    };
    for (const path of sources) visit(path, []);
    holds("an import cycle (design.md section 1: nothing flows back up)", cycles);
  });

  test.each([
    ["elysia and its plugins", /^(?:elysia|@elysiajs\/.*)(?:\/|$)/, /^src\/server\//],
    ["drizzle-orm", /^drizzle-orm(?:\/|$)/, /^src\/metrics\//],
    ["bun:sqlite", /^bun:sqlite$/, /^src\/(?:metrics|state)\//],
    ["calls into the C library", /^bun:ffi$/, /^src\/system\/(?:inherited-mark|directory-lock)\.ts$/],
    ["child processes", /^(?:node:)?child_process$/, /^src\/system\/process\.ts$/],
    ["worker and cluster processes", /^(?:node:)?cluster$/, /^$/],
  ])("%s stay in their room", (name, specifier, home) => {
    const breaches = sources
      .filter((path) => !home.test(path))
      .flatMap((path) =>
        importsOf(text.get(path) ?? "")
          .filter((each) => specifier.test(each))
          .map((each) => `${path} imports ${each}`),
      );
    holds(`${name}: only in ${home.source} (design.md section 3, special laws)`, breaches);
  });

  test("programs are started in system/process.ts only", () => {
    const others = sources.filter((path) => path !== "src/system/process.ts");
    holds(
      "Bun.spawn only in src/system/process.ts (design.md section 3, special laws)",
      places(others, /\bBun\.(?:spawn(?:Sync)?|\$)|\bBun\s*\.\s*spawn|\bspawnSync\b/),
    );
  });

  test("the pure rooms reach neither clock, network, process nor log", () => {
    const pure = sources.filter((path) => /^src\/(?:canon|wire|dialects|routing)\//.test(path));
    holds(
      "canon, wire, dialects and routing are pure (design.md sections 1 and 2)",
      places(
        pure,
        /(?<![.\w])(?:Date\.now|performance\.now|setTimeout|setInterval|fetch\(|console\.|process\.|Bun\.(?:file|write|serve|env))/,
      ),
    );
  });
});

describe("the names of models", () => {
  test("no dialect folder holds any: what a model takes stands in catalog/takes.generated.ts", () => {
    const name =
      /claude-(?:\d|v\d|instant|opus|sonnet|haiku|fable)|gpt-?\d|gemini-?[\d(\\[]|gemma-?[\d(\\[]?|["'`/|(^]o[1-9](?![\w$])/i;
    const breaches = sources
      .filter((path) => path.startsWith("src/dialects/"))
      .flatMap((path) => withoutComments(text.get(path) ?? "").map((line) => `${path}: ${line.trim()}`))
      .filter((line) => name.test(line.slice(line.indexOf(": "))));
    holds("dialects ask TargetFacts.takes, never a name (src/README.md)", breaches);
  });

  /** Lines of code with their strings: a name in a comment decides nothing. */
  function withoutComments(source: string): string[] {
    return source
      .replaceAll(/\/\*[\s\S]*?\*\//g, "")
      .split("\n")
      .map((line) => line.replace(/(?:^|\s)\/\/.*$/, ""))
      .filter((line) => line.trim() !== "");
  }
});

describe("the form of a file", () => {
  /** Tables that a program writes. */
  const generated: readonly RegExp[] = [/\.generated\.ts$/];
  const forbidden =
    /^(?:utils?|helpers?|commons?|shared|types?|core|bases?|managers?|services?|handlers?|misc)$/;

  test("no source is longer than 400 lines", () => {
    const breaches = [...sources, ...scripts]
      .filter((path) => !generated.some((each) => each.test(path)))
      .map((path) => ({ path, lines: (text.get(path) ?? "").trimEnd().split("\n").length }))
      .filter(({ lines }) => lines > 400)
      .map(({ path, lines }) => `${path}: ${lines} lines`);
    holds("at most 400 lines; stop and think at 250 (design.md section 5)", breaches);
  });

  test("every file opens with what its room is for", () => {
    const opens = /^(?:#!.*\n)?(?:\/\/ \S|\/\*)/;
    // A test is explained by the file whose name it bears.
    const support = tests.filter((path) => !path.endsWith(".test.ts"));
    const breaches = [...sources, ...scripts, ...support].filter((path) => !opens.test(text.get(path) ?? ""));
    holds("one to three opening comment lines (design.md section 5)", breaches);
  });

  test("no name that says nothing, and names in kebab-case", () => {
    const breaches = files.filter((path) => {
      const parts = path.split("/");
      const stem = basename(path).replace(/\.(?:test|heavy)\.tsx?$|\.\w+$/, "");
      const isEmptyWord = [...parts.slice(0, -1), stem].some((part) => forbidden.test(part));
      return (
        isEmptyWord || (isCode(path) && parts.some((part) => !/^[a-z0-9]+(?:[.-][a-z0-9]+)*$/.test(part)))
      );
    });
    holds("file names: kebab-case nouns, none of the empty words (design.md section 5)", breaches);
  });

  test("named exports only, no barrels", () => {
    holds(
      "no `export default`, no `export *` (design.md section 5)",
      places([...sources, ...scripts, ...tests], /^export\s+(?:default\b|\*)/m),
    );
  });

  test("no module-level variable that can change", () => {
    holds(
      "no module-level let or var, no module-level empty collection (design.md section 5)",
      places(
        sources,
        /^(?:export\s+)?(?:(?:let|var)\s+\w+|const\s+\w+(?::[^=\n]+)?\s*=\s*new\s+(?:Map|Set|WeakMap|WeakSet|Array)(?:<[^\n]*>)?\(\))/m,
      ),
    );
  });

  test("no any, no cast through unknown, no checker silenced wholesale", () => {
    const typed = [...sources, ...scripts, ...tests];
    const casts = places(
      typed,
      /(?:[:<|]\s*|\bas\s+)any\b(?!\s*[:(=])|\bany\s*(?:\[\]|>)|\bas\s+unknown\s+as\b/,
    );
    const silenced = typed.filter((path) =>
      /@ts-(?:ignore|nocheck|expect-error)|oxlint-disable(?!-next-line \S)|eslint-disable/.test(
        comments(path),
      ),
    );
    holds("strict types, nothing silenced (design.md section 5)", [...casts, ...silenced]);
  });

  test("no test is skipped, singled out or left to do", () => {
    holds(
      "no .skip, .only or .todo (design.md section 7)",
      places(tests, /\b(?:test|it|describe)\.(?:\w+\.)?(?:skip|only|todo)\b/),
    );
  });

  test("no work is left as a remark", () => {
    // Split, so that this file does not find itself.
    const pieces = [
      ["TO", "DO"],
      ["FIX", "ME"],
      ["X", "XX"],
    ];
    const words = new RegExp(pieces.map((each) => `\b${each.join("")}\b`).join("|"));
    holds(
      "nothing is left to do in a comment",
      [...sources, ...scripts, ...tests].filter((path) => words.test(comments(path))),
    );
  });
});

/** Lines that hold a comment; good enough for words that stand nowhere else. */
function comments(path: string): string {
  const lines = (text.get(path) ?? "").split("\n");
  return lines.filter((line) => /^\s*(?:\/\/|\/?\*)|\s\/\/ /.test(line)).join("\n");
}

describe("the repository", () => {
  const entries =
    "src skills scripts test config.example.yaml bunfig.toml package.json tsconfig.json README.md LICENSE CHANGELOG.md bun.lock .ci .github .gitignore".split(
      " ",
    );

  test("the top level holds the fixed entries only", () => {
    const found = new Set(tracked.map((path) => path.split("/")[0] ?? ""));
    holds(
      "top-level entries are fixed (design.md section 3, the tree)",
      [...found].filter((entry) => !entries.includes(entry)),
    );
  });

  test("no registry address and no build machine's path", () => {
    // Written in pieces, so that this file does not find itself.
    const address = new RegExp(
      [
        "registry",
        String.raw`\.[a-z0-9-]+\.(?:org|com|io|net|dev|local)|npm`,
        String.raw`js\.(?:org|com)`,
      ].join(""),
    );
    const place = new RegExp(["/wo", "rk/(?:main|steering|shared|\\.library|\\.mirror)|/fa", "rm/"].join(""));
    const breaches = tracked
      .filter((path) => !path.endsWith(".md") || path.startsWith("src/"))
      .filter((path) => {
        const content = read(path);
        return (address.test(content) && !content.includes("json.schemastore")) || place.test(content);
      });
    holds("addresses of registries and paths of build machines stay out of the repository", breaches);
  });

  test("no database, log, key or environment file", () => {
    const kept =
      /(?:^|\/)(?:\.ssh(?:\/|$)|\.env(?:\.[^/]*)?$)|\.(?:db|db-wal|db-shm|sqlite[^/]*|log|pem|p12)$/;
    holds(
      "local files stay local (.gitignore)",
      tracked.filter((path) => kept.test(path)),
    );
  });
});
