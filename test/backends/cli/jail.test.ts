import { expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findJail, jailed, type JailSettings } from "../../../src/backends/cli/jail.ts";
import { runCommand } from "../../../src/system/process.ts";

test("the argument list: outer folders first, what is open wins over what is hidden", () => {
  const jail: JailSettings = {
    program: "/usr/bin/bwrap",
    hiddenFolders: ["/home/me/.state", "/home/me"],
    hiddenFiles: ["/home/me/config.yaml"],
    readable: ["/home/me/bin/claude"],
    writable: ["/home/me/.state/tenants/a/work", "/home/me"],
  };
  expect(jailed(jail, "/home/me/.state/tenants/a/work", ["/home/me/bin/claude", "-p", "--x"])).toEqual(
    [
      ["/usr/bin/bwrap", "--die-with-parent", "--unshare-pid", "--unshare-ipc"],
      ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"],
      ["--bind", "/home/me", "/home/me"],
      ["--tmpfs", "/home/me/.state"],
      ["--ro-bind", "/home/me/bin/claude", "/home/me/bin/claude"],
      ["--ro-bind", "/dev/null", "/home/me/config.yaml"],
      ["--bind", "/home/me/.state/tenants/a/work", "/home/me/.state/tenants/a/work"],
      ["--remount-ro", "/home/me/.state"],
      ["--setenv", "TMPDIR", "/tmp", "--chdir", "/home/me/.state/tenants/a/work", "--"],
      ["/home/me/bin/claude", "-p", "--x"],
    ].flat(),
  );
});

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
    expect(await findJail({ ...search, mode: "required", works: async () => true })).toEqual({
      program,
      warning: null,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

const real =
  process.platform === "linux"
    ? await findJail({ mode: "auto", path: process.env["PATH"], platform: process.platform })
    : { program: null };

test.if(real.program !== null)("a real jail: what is hidden, what can be written", async () => {
  const root = mkdtempSync(join(tmpdir(), "clawgate-jail-"));
  try {
    const folder = (name: string): string => join(root, "state", name);
    for (const name of ["mine", "another"]) mkdirSync(folder(name), { recursive: true });
    writeFileSync(join(folder("another"), "secret"), "secret");
    writeFileSync(join(root, "config.yaml"), "secret");
    const jail: JailSettings = {
      program: real.program ?? "",
      hiddenFolders: [join(root, "state")],
      hiddenFiles: [join(root, "config.yaml")],
      readable: [],
      writable: [folder("mine")],
    };
    const script = `
      echo kept > kept && echo gone > /tmp/gone-${process.pid} && echo both written
      ls '${folder("another")}' 2>/dev/null; cat '${root}/config.yaml' 2>/dev/null
      touch /etc/clawgate-test 2>/dev/null || touch '${root}/state/new' 2>/dev/null || echo the rest is not
      ls -d /proc/[0-9]* | wc -l`;
    const result = await runCommand(jailed(jail, folder("mine"), ["/bin/sh", "-c", script]), {
      timeoutMs: 20_000,
      cwd: folder("mine"),
    });
    expect(result.stdout).toStartWith("both written\nthe rest is not\n");
    expect(result.stdout).not.toContain("secret");
    expect(Number(result.stdout.trim().split("\n").at(-1))).toBeLessThan(6);
    expect(existsSync(join(folder("mine"), "kept"))).toBe(true);
    expect(existsSync(`/tmp/gone-${process.pid}`)).toBe(false);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
