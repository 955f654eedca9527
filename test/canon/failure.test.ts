// Whose words a log may show. It must never need a vendor.

import { expect, test } from "bun:test";
import { mayRepeatContent } from "../../src/canon/failure.ts";

test("what is wrong with the form of an answer is told in our own words; what a vendor says of a body is no log's", () => {
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
