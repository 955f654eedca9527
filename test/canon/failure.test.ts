// Which messages a log may show.

import { expect, test } from "bun:test";
import { mayRepeatContent } from "../../src/canon/failure.ts";

test("what is wrong with the form of an answer is said in our own words; a vendor's message about a body is not logged", () => {
  for (const [kind, status, mayRepeat] of [
    ["bad-output", 200, false],
    ["bad-output", null, false],
    ["bad-output", 302, true],
    ["upstream-error", 200, true],
    ["upstream-error", 500, true],
    ["invalid-request", 400, true],
    ["unreachable", null, false],
    ["credentials-rejected", 401, false],
  ] as const)
    expect({ kind, status, mayRepeat: mayRepeatContent(kind, status) }).toEqual({ kind, status, mayRepeat });
});
