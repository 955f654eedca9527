import { describe, expect, test } from "bun:test";
import { functionLengths } from "./function-lengths.ts";
import { codeOnly } from "./source-text.ts";

const found = (source: string): string[] =>
  functionLengths(codeOnly(source), 3).map(({ name, line, lines }) => `${name} ${line} ${lines}`);

describe("the lengths of functions", () => {
  test.each<[string, string, string[]]>([
    ["a declaration", "export async function a<T>(b: T): Promise<T> {\n  b();\n}\n", ["a 1 3"]],
    ["an arrow function", "const a = async (b: string): Promise<void> => {\n  b();\n};\n", ["a 1 3"]],
    ["an expression as the body", "const a = (b: string): string[] => [\n  b,\n  b,\n];\n", ["a 1 4"]],
    ["a method", "class A {\n  private a(): B {\n    b();\n  }\n}\n", ["a 2 3"]],
    ["a member", "const a = {\n  b: () => {\n    c();\n  },\n};\n", ["b 2 3"]],
    ["an argument", "a(() => {\n  b();\n  c();\n});\n", ["(anonymous) 1 4"]],
    ["what is returned", "return (a) => {\n  b();\n};\n", ["(anonymous) 1 3"]],
    ["a function that returns one", "function a(): (b: B) => C {\n  d();\n}\n", ["a 1 3"]],
    ["an object as the return type", "function a(): { b: B } {\n  d();\n}\n", ["a 1 3"]],
    ["one inside another", "function a() {\n  const b = () => {\n    c();\n  };\n}\n", ["a 1 5", "b 2 3"]],
    ["braces in strings and patterns", 'function a() {\n  b("}", /}/);\n}\n', ["a 1 3"]],
  ])("%s", (_name, source, expected) => expect(found(source)).toEqual(expected));

  test.each([
    ["a condition", "if (a) {\n  b();\n}\n"],
    ["a loop", "for (const a of b) {\n  c();\n}\n"],
    ["a choice among objects", "const a = b ? c(d) : {\n  e,\n  f,\n};\n"],
    ["a case", "switch (a) {\n  case b(c): {\n    d();\n  }\n}\n"],
    ["a type", "type A = {\n  b(c: D): {\n    e: F;\n  };\n};\n"],
    ["a short one", "const a = () => 1;\nfunction b() {}\n"],
  ])("%s is none", (_name, source) => expect(found(source)).toEqual([]));
});
