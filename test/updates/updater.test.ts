// An update ends with the new program serving, or with the old one serving and nothing left: whatever the server, the disk, the new
// version or the user's Ctrl-C does.

import { expect, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "../../src/system/process.ts";
import { readProxyVariables } from "../../src/system/proxy.ts";
import { UpdateProblem } from "../../src/updates/update-problem.ts";
import { installVersion, rollBack, undoUnfinished, type UpdatePorts } from "../../src/updates/updater.ts";
import { readManifest } from "../../src/updates/release-source.ts";
import { cleanupsAfterEach } from "../support/cleanups.ts";
import { newReleaseKey } from "../support/local-release.ts";
import { type Behaviour, installedProgram, type InstalledProgram, scriptOf } from "./installed-program.ts";

const cleanups = cleanupsAfterEach();

function expectUntouched(it: InstalledProgram): void {
  expect(it.lies()).toBe("1.0.0");
  expect(it.running).toBe("1.0.0");
  expect(it.files()).toEqual(["clawgate"]);
}

test("a newer version is put in place, watched, and the old one kept", async () => {
  const it = installedProgram(cleanups);
  await it.offer("2.0.0");
  expect(await it.update()).toEqual({ from: "1.0.0", to: "2.0.0", gateway: "restarted", notes: [] });
  expect(it.lies()).toBe("2.0.0");
  expect(it.running).toBe("2.0.0");
  expect(it.files()).toEqual(["clawgate", "clawgate.previous"]);
});

test("rolling back twice leads forward again", async () => {
  const it = installedProgram(cleanups);
  expect(await it.rollBack()).toContain("no previous version is kept");
  await it.offer("2.0.0");
  await it.update();
  expect(await it.rollBack()).toMatchObject({ from: "2.0.0", to: "1.0.0" });
  expect([it.lies(), it.running]).toEqual(["1.0.0", "1.0.0"]);
  expect(await it.rollBack()).toMatchObject({ from: "1.0.0", to: "2.0.0" });
  expect([it.lies(), it.running]).toEqual(["2.0.0", "2.0.0"]);
  expect(it.files()).toEqual(["clawgate", "clawgate.previous"]);
});

test("without a running gateway only the file changes", async () => {
  const it = installedProgram(cleanups);
  it.running = null;
  await it.offer("2.0.0");
  expect(await it.update()).toMatchObject({ gateway: "none" });
  expect(it.lies()).toBe("2.0.0");
  expect(it.running).toBe(null);
});

test("a gateway that nothing here may restart goes on, and that is said", async () => {
  const it = installedProgram(cleanups);
  await it.offer("2.0.0", { restart: { kind: "by-hand", why: "stop it and start it again" } });
  const updated = await it.update();
  expect(updated).toMatchObject({
    gateway: "by-hand",
    notes: ["the running gateway is still 1.0.0: stop it and start it again"],
  });
  expect(it.lies()).toBe("2.0.0");
});

const bad: readonly [string, Behaviour, string][] = [
  ["does not answer", { healthy: null }, "no gateway answers"],
  ["loses a provider", { healthy: ["a"] }, "not healthy, but healthy before: b"],
  ["ends again and again", { endsAtOnce: true }, "does not stay up"],
  ["does not start", { restart: { kind: "failed", why: "it ended with 1" } }, "it ended with 1"],
];

test.each(bad)("a version that %s is undone", async (_what, behaviour, words) => {
  const it = installedProgram(cleanups);
  await it.offer("2.0.0", behaviour);
  const problem = await it.update();
  expect(problem).toContain(words);
  expect(problem).toContain("1.0.0 is back");
  expectUntouched(it);
});

test("a kept version that fails is undone too, and stays kept", async () => {
  const it = installedProgram(cleanups);
  await it.offer("2.0.0");
  await it.update();
  writeFileSync(`${it.program}.previous`, scriptOf("1.0.0", { healthy: [] }), { mode: 0o755 });
  expect(await it.rollBack()).toContain("2.0.0 is back");
  expect([it.lies(), it.running]).toEqual(["2.0.0", "2.0.0"]);
  expect(readFileSync(`${it.program}.previous`, "utf8")).toContain("clawgate 1.0.0");
});

test("a provider that was unhealthy before is no reason to go back", async () => {
  const it = installedProgram(cleanups);
  writeFileSync(it.program, scriptOf("1.0.0", { healthy: ["a"] }), { mode: 0o755 });
  const ports = await it.ports();
  await ports.gateway.restart(it.program);
  ports.journal.close();
  await it.offer("2.0.0", { healthy: ["a"] });
  expect(await it.update()).toMatchObject({ to: "2.0.0", gateway: "restarted" });
});

test.each([
  ["exits with an error", "#!/bin/sh\necho 'no such symbol' >&2\nexit 1\n", "no such symbol"],
  ["hangs", "#!/bin/sh\nexec sleep 30\n", "it does not answer"],
  ["calls itself otherwise", scriptOf("3.0.0"), "calls itself 3.0.0"],
  ["is no program", "\u0000\u0001", "not run on this machine|cannot be started"],
  [
    "cannot examine a config",
    "#!/bin/sh\n[ $1 = version ] && echo 'clawgate 2.0.0 (0)'\n",
    "clawgate doctor",
  ],
])(
  "a program that %s never gets in place",
  async (_what, script, words) => {
    const it = installedProgram(cleanups);
    await it.offer("2.0.0", { script });
    const isHanging = script.includes("sleep");
    const run: UpdatePorts["run"] = (path, args) => runCommand([path, ...args], { timeoutMs: 1_000 });
    expect(await it.update(null, isHanging ? { run } : {})).toMatch(new RegExp(words));
    expectUntouched(it);
  },
  15_000,
);

test("a version that refuses the config is not put in place; one that the old one refuses too is no obstacle", async () => {
  const it = installedProgram(cleanups);
  await it.offer("2.0.0", { configProblem: "routing.rules is gone" });
  expect(await it.update()).toContain("the new version refuses the config: routing.rules is gone");
  expectUntouched(it);
  writeFileSync(it.program, scriptOf("1.0.0", { configProblem: "wrong" }), { mode: 0o755 });
  expect(await it.update()).toMatchObject({ to: "2.0.0" });
});

test("a processor without AVX2 gets the baseline build, also where the first one is killed", async () => {
  const it = installedProgram(cleanups);
  const illegal = "#!/bin/sh\nkill -ILL $$\n";
  await it.release.publish({
    version: "2.0.0",
    programs: { "linux-x64": illegal, "linux-x64-baseline": scriptOf("2.0.0") },
  });
  expect(await it.update()).toMatchObject({ to: "2.0.0" });
  expect(it.said.join()).toContain("trying linux-x64-baseline");
});

test("a release without a build for this target changes nothing", async () => {
  const it = installedProgram(cleanups);
  await it.offer("2.0.0", {}, "darwin-arm64");
  expect(await it.update()).toContain("no build for this machine");
  expectUntouched(it);
});

const changed = (bytes: Uint8Array): Uint8Array =>
  Uint8Array.from(bytes, (byte, at) => (at === 40 ? byte ^ 1 : byte));
const half = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, bytes.length / 2);
const archive = "clawgate-linux-x64.tar.gz";

function cut(bytes: Uint8Array): Response {
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(half(bytes));
      setTimeout(() => controller.error(new Error("cut")), 20);
    },
  });
  return new Response(body, { headers: { "content-length": String(bytes.length) } });
}

test.each([
  ["changed sums", "SHA256SUMS", changed, "signature of the release is WRONG"],
  ["a changed signature", "SHA256SUMS.sig", changed, "signature of the release is WRONG"],
  ["a short signature", "SHA256SUMS.sig", half, "signature of the release is WRONG"],
  ["no signature", "SHA256SUMS.sig", () => null, "is not there"],
  [
    "a changed release.json",
    "release.json",
    (bytes: Uint8Array) => Buffer.concat([bytes, Buffer.from("\n")]),
    "checksum of release.json",
  ],
  ["a page of a proxy", "release.json", () => new TextEncoder().encode("<html>"), "no release of ClawGate"],
  ["a changed archive", archive, changed, "checksum of clawgate-linux-x64"],
  ["a short archive", archive, half, "ended after"],
  [
    "a long archive",
    archive,
    (bytes: Uint8Array) => Buffer.concat([bytes, Buffer.from("x")]),
    "larger than it may be",
  ],
  ["a cut archive", archive, cut, "the connection failed|ended after"],
  ["a missing archive", archive, () => null, "is there a version 2.0.0?"],
  ["a failing server", archive, () => new Response("", { status: 503 }), "status 503"],
  ["endless sums", "SHA256SUMS", () => new Uint8Array(3_000_000), "larger than it may be"],
  [
    "a redirect to http",
    archive,
    () => Response.redirect("http://127.0.0.1:9/x"),
    "releases come over https",
  ],
  [
    "a redirect to a file",
    archive,
    () => new Response(null, { status: 302, headers: { location: "file:///etc/passwd" } }),
    "releases come over https",
  ],
])("%s: the old one serves", async (_what, name, spoiler, words) => {
  const it = installedProgram(cleanups);
  await it.offer("2.0.0");
  it.release.spoil(name, spoiler);
  expect(await it.update()).toMatch(new RegExp(words));
  expectUntouched(it);
});

test("another key's release, and another version's under this address, are refused", async () => {
  const it = installedProgram(cleanups);
  await it.release.publish(
    { version: "2.0.0", programs: { "linux-x64": scriptOf("2.0.0") } },
    newReleaseKey(),
  );
  expect(await it.update()).toContain("WRONG");
  await it.offer("0.9.0");
  const address = it.release.url;
  const moved = {
    ...it.source,
    fetch: (url: string) => fetch(url.replace("v2.0.0", "v0.9.0")),
    base: address,
  };
  const asked = readManifest(moved, "2.0.0").catch((thrown: unknown) => thrown);
  expect(await asked).toBeInstanceOf(UpdateProblem);
  expectUntouched(it);
});

test("signed archives that do not hold the program are refused", async () => {
  const body = new TextEncoder().encode(scriptOf("2.0.0"));
  const file = (name: string) => ({
    header: { name, size: body.byteLength, type: "file" as const, mode: 0o755 },
    body,
  });
  const link = { header: { name: "clawgate", size: 0, type: "symlink" as const, linkname: "/etc/passwd" } };
  for (const entries of [[], [link], [file("../clawgate")], [file("clawgate"), file("clawgate")]]) {
    const it = installedProgram(cleanups);
    await it.release.publish({ version: "2.0.0", programs: { "linux-x64": scriptOf("2.0.0") }, entries });
    expect(await it.update()).toContain("does not hold the program");
    expectUntouched(it);
  }
  const it = installedProgram(cleanups);
  await it.release.publish({ version: "2.0.0", programs: { "linux-x64": scriptOf("2.0.0") }, repack: half });
  expect(await it.update()).toContain("cannot be unpacked");
  expectUntouched(it);
});

test("interrupted at each look at the gateway, the old one serves", async () => {
  for (let at = 1; at <= 4; at++) {
    const it = installedProgram(cleanups);
    await it.offer("2.0.0");
    let looks = 0;
    it.onLook = () => void (++looks === at && it.stopper.abort());
    expect(await it.update()).toContain("interrupted");
    expectUntouched(it);
  }
});

test("interrupted while it downloads, the old one serves", async () => {
  const it = installedProgram(cleanups);
  await it.offer("2.0.0");
  it.release.spoil(archive, async () => {
    it.stopper.abort();
    await Bun.sleep(2_000);
    return null;
  });
  expect(await it.update()).toContain("interrupted");
  expectUntouched(it);
});

test("killed at each step, the next update puts the old one back", async () => {
  for (const step of ["run", "look", "restart", "watch"]) {
    const it = installedProgram(cleanups);
    await it.offer("2.0.0");
    const ports = await it.ports();
    // As if the process ended there: nothing after it runs.
    const reached = Promise.withResolvers<void>();
    const end = <T>(): Promise<T> => {
      reached.resolve();
      return new Promise<T>(() => undefined);
    };
    let looks = 0;
    const { gateway } = ports;
    const dying = {
      ...ports,
      run: step === "run" ? () => end<never>() : ports.run,
      gateway: {
        ...gateway,
        look: () =>
          ++looks > (step === "look" ? 0 : 1) && step !== "restart" ? end<never>() : gateway.look(),
        restart: (program: string) => (step === "restart" ? end<never>() : gateway.restart(program)),
      },
    };
    const manifest = await readManifest(it.source, null);
    void installVersion(dying, it.source, { manifest, archives: manifest.files });
    await reached.promise;
    ports.journal.close();
    const line = await it.undo();
    expect(line).toContain("an update to 2.0.0 had been broken off");
    expectUntouched(it);
    expect(await it.undo()).toBe(null);
    expect(await it.update()).toMatchObject({ to: "2.0.0" });
  }
});

/** An update to 2.0.0 whose process ended after the new program was in its place. */
async function brokenOff() {
  const it = installedProgram(cleanups);
  await it.offer("2.0.0");
  const ports = await it.ports();
  const reached = Promise.withResolvers<void>();
  const restart = (): Promise<never> => {
    reached.resolve();
    return new Promise(() => undefined);
  };
  const manifest = await readManifest(it.source, null);
  const dying = { ...ports, gateway: { ...ports.gateway, restart } };
  void installVersion(dying, it.source, { manifest, archives: manifest.files });
  await reached.promise;
  ports.journal.close();
  return it;
}

test("what somebody else has put in place since is not undone", async () => {
  const it = await brokenOff();
  // As install.sh does it: another file under the name.
  rmSync(it.program);
  writeFileSync(it.program, scriptOf("3.0.0"), { mode: 0o755 });
  expect(await it.undo()).toContain("what it left is removed");
  expect(it.lies()).toBe("3.0.0");
});

test("an undone update brings the service's unit back, also where no gateway answers", async () => {
  const it = await brokenOff();
  const written: string[] = [];
  const ports = await it.ports();
  const gateway = {
    ...ports.gateway,
    look: () => Promise.resolve(null),
    refreshUnits: (program: string) => {
      written.push(program);
      return Promise.resolve([]);
    },
  };
  expect(await undoUnfinished({ ...ports, gateway })).toContain("1.0.0 is back");
  expect(written).toEqual([it.program]);
  ports.journal.close();
});

test("another program's broken-off update is not forgotten", async () => {
  const it = await brokenOff();
  const ports = await it.ports();
  const other = { ...ports, program: `${it.program}-other` };
  expect(await undoUnfinished(other).catch(String)).toContain('run its own "update" first');
  expect(await undoUnfinished(ports)).toContain("1.0.0 is back");
  ports.journal.close();
});

test("an https server is asked through the proxy of the variables, this machine never", async () => {
  const it = installedProgram(cleanups);
  await it.offer("2.0.0");
  const seen: (string | undefined)[] = [];
  const proxies = readProxyVariables({
    https_proxy: "http://proxy.example:3128",
    http_proxy: "http://wrong.example",
  });
  const answering = (url: string, options: { proxy?: string }): Promise<Response> => {
    seen.push(options.proxy);
    return fetch(it.release.url + new URL(url).pathname);
  };
  const outside = { ...it.source, proxies, fetch: answering, base: "https://releases.example" };
  expect((await readManifest(outside, null)).version).toBe("2.0.0");
  expect(new Set(seen)).toEqual(new Set(["http://proxy.example:3128"]));
  seen.length = 0;
  await readManifest({ ...it.source, proxies, fetch: answering }, null);
  expect(new Set(seen)).toEqual(new Set([undefined]));
});

test.each([
  "http://releases.example",
  "ftp://releases.example",
  "file:///tmp",
  "https://user:key@releases.example",
  "nowhere",
])("%s is not asked", async (base) => {
  const it = installedProgram(cleanups);
  const source = { ...it.source, base, fetch: () => Promise.reject(new Error("asked")) };
  expect(await readManifest(source, null).catch(String)).toContain("releases come over https");
});

test("root leaves a program to the user who owns it", async () => {
  if (process.getuid?.() !== 0) return;
  const it = installedProgram(cleanups);
  chownSync(it.program, 65_534, 65_534);
  await it.offer("2.0.0");
  await it.update();
  expect([statSync(it.program).uid, statSync(it.program).gid]).toEqual([65_534, 65_534]);
});

test("one update at a time", async () => {
  const it = installedProgram(cleanups);
  const first = await it.ports();
  expect(await it.ports().catch((thrown: unknown) => String(thrown))).toContain("another update is running");
  first.journal.close();
  (await it.ports()).journal.close();
});

test("a folder that may not be written to, and a full disk: words, and the old one serves", async () => {
  const it = installedProgram(cleanups);
  const folder = join(it.program, "..");
  // More than there is: nothing is even asked for.
  await it.release.publish({ version: "2.0.0", programs: { "linux-x64": scriptOf("2.0.0") } });
  const manifest = await readManifest(it.source, null);
  const huge = manifest.files.map((each) => ({ ...each, program_size: 1e15 }));
  const ports = await it.ports();
  const full = await installVersion(ports, it.source, { manifest, archives: huge }).catch(String);
  expect(full).toContain("is full");
  expectUntouched(it);
  const mounted = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "ro,size=64k", "none", folder]);
  if (!mounted.success) return;
  cleanups.push(() => Bun.spawnSync(["umount", folder]));
  expect(await rollBack({ ...ports, program: it.program }).catch(String)).toContain("no previous version");
  const refused = await installVersion(ports, it.source, { manifest, archives: manifest.files }).catch(
    String,
  );
  expect(refused).toContain("cannot be written to (EROFS)");
});

test("a disk that fills up while the program is unpacked", async () => {
  const it = installedProgram(cleanups);
  const folder = join(it.program, "..", "small");
  mkdirSync(folder);
  const mounted = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder]);
  if (!mounted.success) return;
  cleanups.push(() => Bun.spawnSync(["umount", folder]));
  const program = join(folder, "clawgate");
  writeFileSync(program, scriptOf("1.0.0"), { mode: 0o755 });
  chmodSync(program, 0o755);
  await it.offer("2.0.0");
  const manifest = await readManifest(it.source, null);
  const ports = await it.ports({ program });
  // The room goes between the check and the writing.
  it.release.spoil(archive, (bytes) => {
    Bun.spawnSync(["sh", "-c", 'cat /dev/zero >"$0/fill" 2>/dev/null', folder]);
    return bytes;
  });
  const problem = await installVersion(ports, it.source, { manifest, archives: manifest.files }).catch(
    String,
  );
  expect(problem).toContain("is full");
  expect(readFileSync(program, "utf8")).toBe(scriptOf("1.0.0"));
});
