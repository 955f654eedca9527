// Whose a file is, and who else reaches it: real files, real modes.

import { describe, expect, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { untrustedReason, maxFoundBytes } from "../../src/system/trusted-file.ts";
import { cleanupsAfterEach } from "../support/cleanups.ts";

const cleanups = cleanupsAfterEach();
function folder(): string {
  return cleanups.folder("clawgate-own-");
}
function file(mode = 0o644): string {
  const path = join(folder(), "file");
  writeFileSync(path, "A=1\n");
  chmodSync(path, mode);
  return path;
}
const isRoot = process.getuid?.() === 0;
const isUnix = process.getuid !== undefined;

test("none is there, and a folder in its place: no trap, others say so", () => {
  expect(untrustedReason(join(folder(), "none"))).toBeNull();
  expect(untrustedReason(join(file(), "below"))).toBeNull();
  expect(untrustedReason(folder())).toBeNull();
});

test.each([0o400, 0o600, 0o640, 0o644, 0o755])("mode %o: nobody else writes there", (mode) => {
  expect(untrustedReason(file(mode))).toBeNull();
});

test.if(isUnix).each([0o602, 0o646, 0o666, 0o777])("mode %o: others may write there", (mode) => {
  const path = file(mode);
  expect(untrustedReason(path)).toContain(`others may write to ${path}`);
  expect(untrustedReason(path)).toContain("chmod go-w");
});

test.if(isUnix).each([0o757, 0o777, 0o1777])("its folder has mode %o: others may rename there", (mode) => {
  const path = file();
  chmodSync(join(path, ".."), mode);
  expect(untrustedReason(path)).toContain("others may write to");
});

describe.if(isUnix)("links", () => {
  test("one to an own file is judged by that", () => {
    const [own, open] = [file(), file(0o666)];
    const place = folder();
    symlinkSync(own, join(place, "own"));
    symlinkSync(open, join(place, "open"));
    symlinkSync("/nowhere/at/all", join(place, "dangling"));
    expect(untrustedReason(join(place, "own"))).toBeNull();
    expect(untrustedReason(join(place, "open"))).toContain(`others may write to ${open}`);
    expect(untrustedReason(join(place, "dangling"))).toBe("it is a broken link");
    chmodSync(join(own, ".."), 0o777);
    expect(untrustedReason(join(place, "own"))).toContain("others may write to");
    symlinkSync("/dev/zero", join(place, "zero"));
    expect(untrustedReason(join(place, "zero"))).toBe("it is not a regular file");
  });
});

test("what is no file, or too large for one", () => {
  const path = file();
  writeFileSync(path, "x".repeat(maxFoundBytes + 1));
  expect(untrustedReason(path)).toContain("larger than");
  const pipe = join(folder(), "pipe");
  Bun.spawnSync(["mkfifo", pipe]);
  expect(untrustedReason(pipe)).toBe("it is not a regular file");
});

describe.if(isRoot)("of others", () => {
  test("another user's file, and another user's folder", () => {
    const path = file();
    chownSync(path, 65_534, 0);
    expect(untrustedReason(path)).toContain("belongs to user 65534");
    chownSync(path, 0, 0);
    chownSync(join(path, ".."), 65_534, 0);
    expect(untrustedReason(path)).toContain("belongs to user 65534");
  });

  test("a group that others are in may not write, the user's own alone may", () => {
    const path = file(0o664);
    chownSync(path, 0, 65_534);
    expect(untrustedReason(path)).toContain("others may write to");
    const shared = join(folder(), "shared");
    mkdirSync(shared);
    writeFileSync(join(shared, "file"), "");
    chownSync(shared, 0, 65_534);
    chmodSync(shared, 0o775);
    expect(untrustedReason(join(shared, "file"))).toContain("others may write to");
  });

  test("an ordinary user believes what belongs to root and to itself, and nothing else", () => {
    const [own, ofRoot, ofOther] = [file(), file(), file()];
    for (const path of [own, ofRoot, ofOther]) chmodSync(join(path, ".."), 0o755);
    chownSync(own, 65_534, 65_534);
    chownSync(join(own, ".."), 65_534, 65_534);
    chownSync(ofOther, 1, 1);
    const source = join(import.meta.dir, "..", "..", "src", "system", "trusted-file.ts");
    const paths = JSON.stringify([own, ofRoot, ofOther]);
    const script = `
      const { untrustedReason } = await import(${JSON.stringify(source)});
      process.setgid(65534); process.setuid(65534);
      console.log(JSON.stringify(${paths}.map(untrustedReason)));`;
    const ran = Bun.spawnSync([process.execPath, "-e", script], { cwd: "/" });
    const answers = JSON.parse(ran.stdout.toString()) as (string | null)[];
    expect(answers).toEqual([null, null, expect.stringContaining("belongs to user 1")]);
  });
});
