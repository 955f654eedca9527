// `clawgate update` as typed: what it refuses, and what it says in a checkout, which is how the tests run it.

import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { cleanupsAfterEach } from "../support/cleanups.ts";
import { startLocalRelease } from "../support/local-release.ts";
import { ownHome } from "./command-run.ts";

const cleanups = cleanupsAfterEach();

function home() {
  const made = ownHome();
  cleanups.push(made.remove);
  return made;
}

test.each([
  [["--version", "latest"], "--version must be a version such as 1.2.3"],
  [["--version", "1.0/../2"], "--version must be a version such as 1.2.3"],
  [["--rollback", "--check"], "--rollback goes with neither"],
  [["--rollback", "--version", "1.0.0"], "--rollback goes with neither"],
  [["now"], 'unexpected argument "now"'],
  [["--yes"], "unknown option --yes"],
])("update %p is refused", async (args, words) => {
  const { code, stderr } = await home().run(["update", ...args]);
  expect(code).toBe(64);
  expect(stderr).toContain(words);
});

test.each([[[]], [["--rollback"]], [["--version", "9.9.9"]]])(
  "update %p in a checkout asks nobody and says the command",
  async (args) => {
    const release = cleanups.stopAtEnd(startLocalRelease());
    const environment = { CLAWGATE_RELEASE_URL: release.url };
    const { code, stdout } = await home().run(["update", ...args], { environment });
    expect(code).toBe(3);
    expect(stdout).toContain("git pull && npm run build");
    expect(release.asked).toEqual([]);
  },
);

test("what is missing for a look is said", async () => {
  const nowhere = await home().run(["update", "--check"]);
  expect(nowhere).toMatchObject({ code: 1, stdout: "" });
  expect(nowhere.stderr).toContain("set CLAWGATE_RELEASE_URL");
  const environment = { CLAWGATE_RELEASE_URL: "http://127.0.0.1:9" };
  const keyless = await home().run(["update", "--check", "--json"], { environment });
  expect(keyless.code).toBe(1);
  expect(JSON.parse(keyless.stdout)).toMatchObject({ ok: false, installed: "checkout" });
  expect(keyless.stdout).toContain("no release key");
});

test("doctor says how it was installed, and shows an update that was broken off", async () => {
  const it = home();
  mkdirSync(it.stateDir, { mode: 0o700 });
  const journal = {
    program: "/opt/clawgate",
    work: "/opt/.clawgate-update-abc",
    from: "1.0.0",
    to: "1.1.0",
    started_at: "2026-11-30T12:00:00.000Z",
  };
  it.put("state/update/journal.json", JSON.stringify(journal));
  const { stdout } = await it.run(["doctor", "--quick"]);
  expect(stdout).toContain("installed as a checkout of the sources");
  expect(stdout).toContain("an update from 1.0.0 to 1.1.0 has not ended");
  // A folder that no update of ours makes is nothing of ours.
  it.put("state/update/journal.json", JSON.stringify({ ...journal, work: "/home" }));
  expect((await it.run(["doctor", "--quick"])).stdout).not.toContain("has not ended");
});

test("the manual's commands to verify by hand are those that work", async () => {
  const page = await Bun.file(join(import.meta.dir, "../../src/manual/install.md")).text();
  const [, block = ""] = /## Verify by hand[\s\S]*?```sh\n([\s\S]*?)```/.exec(page) ?? [];
  const release = cleanups.stopAtEnd(startLocalRelease());
  const program = '#!/bin/sh\necho "clawgate 1.0.0 (0)"\n';
  await release.publish({ version: "1.0.0", programs: { "linux-x64": program, "linux-arm64": program } });
  const folder = cleanups.folder("clawgate-by-hand-");
  for (const name of ["clawgate-linux-x64.tar.gz", "SHA256SUMS", "SHA256SUMS.sig"])
    await Bun.write(join(folder, name), await fetch(`${release.url}/latest/download/${name}`));
  await Bun.write(join(folder, "release-key.pem"), release.key.publicPem);
  const ran = Bun.spawnSync(["sh", "-e", "-c", block], { cwd: folder });
  expect(ran.exitCode).toBe(0);
  expect(ran.stdout.toString()).toContain("Signature Verified Successfully");
  expect(ran.stdout.toString()).toContain("clawgate 1.0.0");
});
