// The table of the four pages: what it says about other tests and about the manual is true.

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promises } from "./promises.ts";
import { repository } from "./trying.ts";

const manual = readFileSync(join(repository, "src/manual/moving-over.md"), "utf8").replaceAll(/\s+/g, " ");

test("a row has a name of its own", () => {
  const names = promises.map(({ page, what }) => `${page} ${what}`);
  expect(new Set(names).size).toBe(names.length);
});

describe.each(promises.map((row) => [row.page, row.line, row.what, row.tried] as const))(
  "%s, line %d: %s",
  (page, _line, _what, tried) => {
    test(tried.by, () => {
      const file = tried.by === "test" ? tried.file : `test/seeds/${page}.test.ts`;
      if (tried.by === "refused") expect(manual).toContain(tried.instead);
      else
        expect(readFileSync(join(repository, file), "utf8")).toContain(
          tried.by === "test" ? tried.says : "tryRows",
        );
    });
  },
);
