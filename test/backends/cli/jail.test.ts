import { expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findJail, jailed, type JailSettings } from "../../../src/backends/cli/jail.ts";
import { runCommand } from "../../../src/system/process.ts";

const nowhere = { path: "/no/such/folder", platform: "linux" };

test("off: it is not even looked for", async () => {
  expect(await findJail({ ...nowhere, mode: "off" })).toEqual({ program: null, warning: null });
});

test("auto without bubblewrap: a warning that says so", async () => {
  const { program, warning } = await findJail({ ...nowhere, mode: "auto" });
  expect(program).toBeNull();
  expect(warning).toContain("bwrap");
  expect((await findJail({ ...nowhere, mode: "auto", platform: "darwin" })).warning).toContain("Linux");
});

test("required without bubblewrap: an error that says what to do", async () => {
  await expect(findJail({ ...nowhere, mode: "required" })).rejects.toThrow(/cli\.jail.*Install bubblewrap/);
  await expect(findJail({ ...nowhere, mode: "required", platform: "darwin" })).rejects.toThrow("Linux");
});

test("found but not permitted counts as missing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "clawgate-jail-"));
  try {
    const program = join(folder, "bwrap");
    writeFileSync(program, "#!/bin/sh\nexit 1\n", { mode: 0o755 });
    const search = { path: folder, platform: "linux" };
    expect((await findJail({ ...search, mode: "auto" })).warning).toContain("may not make a jail");
    await expect(findJail({ ...search, mode: "required" })).rejects.toThrow("may not make a jail");
    expect(await findJail({ ...search, mode: "required", trouble: async () => null })).toEqual({
      program,
      warning: null,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

