// When a build is called old, and how to be left alone.

import { expect, test } from "bun:test";
import { buildAgeHint } from "../../src/system/build-age.ts";

const built = "2026-01-01T00:00:00.000Z";
const after = (days: number): number => Date.parse(built) + days * 86_400_000;

test.each([
  [after(0), {}, built, null],
  [after(90), {}, built, null],
  [after(91), {}, built, "this build is 91 days old; clawgate update --check"],
  [after(91), { NO_UPDATE_NOTIFIER: "1" }, built, null],
  [after(91), { NO_UPDATE_NOTIFIER: "" }, built, "this build is 91 days old"],
  [after(-10), {}, built, null],
  [after(400), {}, null, null],
  [after(400), {}, "no time", null],
] as const)("%p %j %p", (nowMs, environment, builtFrom, expected) => {
  const hint = buildAgeHint(nowMs, environment, builtFrom);
  if (expected === null) expect(hint).toBeNull();
  else {
    expect(hint).toStartWith(expected);
    expect(hint).not.toContain("\n");
  }
});
