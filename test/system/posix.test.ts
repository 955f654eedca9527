// What needs POSIX is refused on Windows with words, and nowhere else.

import { expect, test } from "bun:test";
import { missingPosix } from "../../src/system/posix.ts";

test("only Windows lacks it, and the words say what and what else works", () => {
  for (const platform of ["linux", "darwin", "freebsd"] as const)
    expect(missingPosix("A jail", platform)).toBeNull();
  expect(missingPosix("A jail", "win32")).toBe(
    "A jail needs Linux or macOS; on Windows it works inside WSL, with the Linux build of ClawGate",
  );
});
