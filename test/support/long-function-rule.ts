// The rule that a function of more than 80 lines needs a reason in long-functions.json: path -> function -> reason.
// `bun scripts/long-functions.ts` updates that list; how the rules are applied: architecture-rules.ts.

import { functionLengths } from "./function-lengths.ts";
import type { Rule, Tree } from "./architecture-rules.ts";

export const listPath = "test/support/long-functions.json";
const mostLines = 80;

export type LongFunctions = Readonly<Record<string, Readonly<Record<string, string>>>>;
export type LongFunction = {
  readonly path: string;
  readonly name: string;
  readonly line: number;
  readonly lines: number;
};

export function longFunctionsIn(tree: Tree): readonly LongFunction[] {
  return [...tree.sources, ...tree.scripts]
    .filter((path) => !path.endsWith(".generated.ts"))
    .flatMap((path) =>
      functionLengths(tree.code(path), mostLines + 1).map((found) => Object.assign({ path }, found)),
    );
}

export function listedFunctions(tree: Tree): LongFunctions {
  const text = tree.text(listPath);
  return text === "" ? {} : (JSON.parse(text) as LongFunctions);
}

const line = "  step();\n";
const longFunction = `// What it is for.\nexport function long(): void {\n${line.repeat(mostLines)}}\n`;

export const longFunctionRule: Rule = {
  name: "a function of more than 80 lines has a listed reason, and the list names no other",
  meaning: `split it, or give the reason in ${listPath} (\`bun scripts/long-functions.ts\` adds the row)`,
  violations(tree) {
    const listed = listedFunctions(tree);
    const found = longFunctionsIn(tree);
    const unlisted = found
      .filter(({ path, name }) => (listed[path]?.[name] ?? "").trim() === "")
      .map((each) => `${each.path}:${each.line} ${each.name}: ${each.lines} lines, no reason`);
    const gone = Object.entries(listed).flatMap(([path, names]) =>
      Object.keys(names)
        .filter((name) => !found.some((each) => each.path === path && each.name === name))
        .map((name) => `${path} ${name}: listed, but it is gone or short`),
    );
    return [...unlisted, ...gone];
  },
  counterexamples: [
    { "src/canon/a.ts": longFunction },
    { "src/canon/a.ts": longFunction, [listPath]: '{"src/canon/a.ts":{"long":""}}' },
    { "src/canon/a.ts": longFunction, [listPath]: '{"src/canon/a.ts":{"other":"It is a table."}}' },
    { "src/canon/a.ts": "// Short.\n", [listPath]: '{"src/canon/a.ts":{"long":"It is a table."}}' },
    { "scripts/a.ts": `// What it is for.\nconst long = (): void => {\n${line.repeat(mostLines)}};\n` },
    { "src/canon/a.ts": `// What it is for.\nclass A {\n  long(): A {\n${line.repeat(mostLines)}  }\n}\n` },
  ],
};
