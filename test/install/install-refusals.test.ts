// install.sh fails closed: whatever the server, the disk or the user's Ctrl-C does, the program that was there before stays and works,
// and nothing of the attempt is left.

import { expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanupsAfterEach } from "../support/cleanups.ts";
import { newReleaseKey, releaseFiles, standIn, startLocalRelease } from "../support/local-release.ts";
import { installer, type Installer } from "./install-run.ts";

const cleanups = cleanupsAfterEach();
const target = "linux-x64";
/** Whatever machine the test runs on. */
const thisMachine = {
  uname: "#!/bin/sh\ncase ${1:-} in -m) echo x86_64 ;; *) echo Linux ;; esac\n",
  ldd: "#!/bin/sh\necho GLIBC\n",
  getconf: "#!/bin/sh\necho 64\n",
};
const archive = `clawgate-${target}.tar.gz`;
const baselineArchive = `clawgate-${target}-baseline.tar.gz`;
const programs = (text: string) => ({ [target]: text, [`${target}-baseline`]: text });

/** With version 1.0.0 installed and 2.0.0 offered. */
async function attempt(options: { version?: string; program?: string } = {}) {
  const { version = "2.0.0", program = standIn(version) } = options;
  const release = cleanups.stopAtEnd(startLocalRelease());
  await release.publish({ version, programs: programs(program) });
  const it = installer(release, cleanups);
  writeFileSync(join(it.bin, "clawgate"), standIn("1.0.0"), { mode: 0o755 });
  const path = it.programs({ own: thisMachine });
  return { release, it, path };
}

function expectUntouched(it: Installer): void {
  expect(it.files()).toEqual(["clawgate"]);
  expect(readFileSync(join(it.bin, "clawgate"), "utf8")).toBe(standIn("1.0.0"));
}

const half = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, Math.floor(bytes.length / 2));
/** Announces all and sends half, then breaks the connection. */
function cut(bytes: Uint8Array): Response {
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(half(bytes));
      setTimeout(() => controller.error(new Error("cut")), 50);
    },
  });
  return new Response(body, { headers: { "content-length": String(bytes.length) } });
}
const changed = (bytes: Uint8Array): Uint8Array => {
  const copy = Uint8Array.from(bytes);
  copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1;
  return copy;
};

type Spoiler = (bytes: Uint8Array) => Uint8Array | Response | null;
const archives = [archive, baselineArchive];
const spoiled: readonly [string, readonly string[], Spoiler, string][] = [
  ["an archive that is cut off", archives, cut, "could not be downloaded"],
  ["an archive that is too short", archives, half, "checksum of clawgate-linux"],
  ["an archive with another byte", archives, changed, "checksum of clawgate-linux"],
  ["an archive that is missing", archives, () => null, "is not there"],
  ["sums that were changed", ["SHA256SUMS"], changed, "signature of the release is WRONG"],
  ["sums that are cut off", ["SHA256SUMS"], half, "signature of the release is WRONG"],
  ["an empty list of sums", ["SHA256SUMS"], () => new Uint8Array(0), "signature of the release is WRONG"],
  ["a signature that was changed", ["SHA256SUMS.sig"], changed, "signature of the release is WRONG"],
  ["a signature that is cut off", ["SHA256SUMS.sig"], half, "signature of the release is none"],
  ["an empty signature", ["SHA256SUMS.sig"], () => new Uint8Array(0), "signature of the release is none"],
  ["no signature", ["SHA256SUMS.sig"], () => null, "SHA256SUMS.sig is not there"],
  [
    "a page instead of a release",
    ["release.json"],
    () => new TextEncoder().encode("<html>"),
    "names no version",
  ],
  [
    "a release.json with other words",
    ["release.json"],
    (bytes) => Buffer.concat([bytes, Buffer.from(" ")]),
    "checksum of release.json",
  ],
  ["a list larger than any", ["SHA256SUMS"], () => new Uint8Array(2_000_000), "larger than anything"],
  ["a server that fails", ["SHA256SUMS"], () => new Response("", { status: 500 }), "SHA256SUMS"],
  [
    "a redirect to plain http",
    archives,
    () => new Response(null, { status: 302, headers: { location: "http://127.0.0.1:9/x" } }),
    "could not be downloaded",
  ],
];

test.each(spoiled)("%s: nothing is installed", async (_what, names, spoiler, words) => {
  const { release, it, path } = await attempt();
  for (const name of names) release.spoil(name, spoiler);
  const { code, stderr } = await it.run([], { path });
  expect(stderr).toContain(words);
  expect(code).toBe(1);
  expectUntouched(it);
});

test("a release with the signature of another key is refused", async () => {
  const { release, it, path } = await attempt();
  await release.publish({ version: "2.0.1", programs: programs(standIn("2.0.1")) }, newReleaseKey());
  const { code, stderr } = await it.run([], { path });
  expect(code).toBe(1);
  expect(stderr).toContain("not made by the key of ClawGate");
  expectUntouched(it);
});

test("another version's signed files under the name of this one are refused", async () => {
  const { release, it, path } = await attempt();
  const old = await releaseFiles({ version: "0.9.0", programs: programs(standIn("0.9.0")) }, release.key);
  for (const [name, bytes] of old) release.spoil(name, () => bytes);
  const { code, stderr } = await it.run(["--version", "2.0.0"], { path });
  expect(code).toBe(1);
  expect(stderr).toContain("asked for version 2.0.0, but the server has 0.9.0");
  expectUntouched(it);
});

test.each([
  ["leads to another file", "symlink", "clawgate", "/etc/passwd"],
  ["is another file by a hard link", "link", "clawgate", "/etc/passwd"],
] as const)("a signed archive whose program %s holds no program", async (_what, type, name, linkname) => {
  const { release, it, path } = await attempt();
  await release.publish({
    version: "2.0.1",
    programs: programs(standIn("2.0.1")),
    entries: [{ header: { name, size: 0, type, linkname, mtime: new Date(0) } }],
  });
  const { code } = await it.run([], { path });
  expect(code).toBe(1);
  expectUntouched(it);
});

test("what else an archive holds gets no place on the disk", async () => {
  const { release, it, path } = await attempt();
  const body = new TextEncoder().encode(standIn("2.0.1"));
  const put = (name: string) => ({
    header: { name, size: body.byteLength, type: "file" as const, mode: 0o755, mtime: new Date(0) },
    body,
  });
  await release.publish({
    version: "2.0.1",
    programs: programs(standIn("2.0.1")),
    entries: [put("../escaped"), put("/tmp/clawgate-escaped"), put("sub/clawgate"), put("clawgate")],
  });
  expect((await it.run([], { path })).code).toBe(0);
  expect(it.files()).toEqual(["clawgate", "clawgate.previous"]);
  expect(existsSync(join(it.home, "escaped"))).toBe(false);
  expect(existsSync("/tmp/clawgate-escaped")).toBe(false);
});

test("a truncated archive that was signed is refused", async () => {
  const { release, it, path } = await attempt();
  await release.publish({ version: "2.0.1", programs: programs(standIn("2.0.1")), repack: half });
  const { code, stderr } = await it.run([], { path });
  expect(code).toBe(1);
  expect(stderr).toContain("could not be unpacked");
  expectUntouched(it);
});

test.each([
  ["ends with an error", "#!/bin/sh\necho 'GLIBC_2.99 not found' >&2\nexit 1\n", "GLIBC_2.99 not found"],
  ["calls itself another version", standIn("3.0.0"), 'calls itself "clawgate 3.0.0"'],
  ["says nothing", "#!/bin/sh\n", "calls itself"],
  ["is no program", "\u007fELF nothing", "does not run here"],
  ["needs another processor everywhere", "#!/bin/sh\nkill -ILL $$\n", "this processor lacks"],
])("a program that %s is not installed", async (_what, program, words) => {
  const { it, path } = await attempt({ program });
  const { code, stderr } = await it.run([], { path });
  expect(code).toBe(1);
  expect(stderr).toContain(words);
  expectUntouched(it);
});

const withoutRawin =
  '#!/bin/sh\ncase "$1" in version) echo "LibreSSL 3.3.6" ;; *) echo "usage: pkeyutl" >&2; exit 1 ;; esac\n';

test("without an openssl that can verify it stops and says what to install, unless only sums are asked for", async () => {
  const { it } = await attempt();
  const none = it.programs({ own: thisMachine, without: ["openssl"] });
  const absent = await it.run([], { path: none });
  expect(absent.code).toBe(1);
  expect(absent.stderr).toContain('install the package "openssl"');
  const weak = await it.run([], { path: it.programs({ own: { ...thisMachine, openssl: withoutRawin } }) });
  expect(weak.code).toBe(1);
  expect(weak.stderr).toContain("LibreSSL 3.3.6");
  expectUntouched(it);
  const chosen = await it.run(["--checksum-only"], { path: none });
  expect(chosen.code).toBe(0);
  expect(chosen.stderr).toContain("the signature is not verified");
});

test("checksums alone still refuse a changed archive", async () => {
  const { release, it, path } = await attempt();
  for (const name of archives) release.spoil(name, changed);
  expect((await it.run(["--checksum-only"], { path })).stderr).toContain("WRONG");
  expectUntouched(it);
});

test("an openssl that says yes to everything but in other words is not believed", async () => {
  const { it } = await attempt();
  const openssl = '#!/bin/sh\ncase "$*" in *-help*) echo " -rawin" ;; esac\nexit 0\n';
  const { code, stderr } = await it.run([], { path: it.programs({ own: { ...thisMachine, openssl } }) });
  expect(code).toBe(1);
  expect(stderr).toContain("did not verify");
  expectUntouched(it);
});

test("a folder of another user is refused before anything is asked", async () => {
  if (process.getuid?.() !== 0) return;
  const { release, it, path } = await attempt();
  for (const folder of [join(it.home, ".."), it.home, it.bin]) chmodSync(folder, 0o755);
  const { code, stderr } = await it.run([], { path, user: { uid: 65534, gid: 65534 } });
  expect(code).toBe(1);
  expect(stderr).toContain("cannot be written to");
  expect(release.asked).toEqual([]);
  expectUntouched(it);
});

test("a full disk leaves the old program", async () => {
  const { release, it, path } = await attempt();
  const mounted = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=256k", "none", it.bin]);
  // Where no file system may be mounted there is no full one.
  if (!mounted.success) return;
  cleanups.push(() => Bun.spawnSync(["umount", it.bin]));
  writeFileSync(join(it.bin, "clawgate"), standIn("1.0.0"), { mode: 0o755 });
  // Compresses to little: the download fits, and the program in it does not.
  await release.publish({
    version: "2.0.1",
    programs: programs(`${standIn("2.0.1")}${"#\n".repeat(1_000_000)}`),
  });
  const unpacked = await it.run([], { path });
  expect(unpacked.code).toBe(1);
  expect(unpacked.stderr).toContain("could not be unpacked");
  expectUntouched(it);
  for (const name of archives) release.spoil(name, () => new Uint8Array(1_000_000));
  const downloaded = await it.run([], { path });
  expect(downloaded.stderr).toContain("disk full");
  expectUntouched(it);
});

const steps = ["release.json", "SHA256SUMS", "SHA256SUMS.sig", "archive", "version"];

test.each(
  steps.flatMap((step) =>
    (["SIGINT", "SIGTERM", "SIGHUP"] as const).map((signal) => [step, signal] as const),
  ),
)("interrupted at %s by %s: nothing is left and the old one stays", async (step, signal) => {
  const isVersion = step === "version";
  const started = Promise.withResolvers<void>();
  const mark = join(cleanups.folder("clawgate-mark-"), "started");
  const program = isVersion ? `#!/bin/sh\n: >'${mark}'\nexec sleep 60\n` : standIn("2.0.0");
  const { release, it, path } = await attempt({ program });
  for (const name of step === "archive" ? archives : [step])
    if (!isVersion)
      release.spoil(name, async () => {
        started.resolve();
        await Bun.sleep(60_000);
        return null;
      });
  const child = it.start(["--dir", it.bin], { path });
  if (isVersion) while (!existsSync(mark)) await Bun.sleep(10);
  else await started.promise;
  // To the script alone: a terminal would send it to the whole group.
  process.kill(child.pid, signal);
  const code = await child.exited;
  expect(code).toBe({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[signal]);
  expectUntouched(it);
  // What waits for the program to end looks once a second.
  for (let looks = 0; looks < 200 && processesBelow(it.bin).length > 0; looks++) await Bun.sleep(100);
  expect(processesBelow(it.bin)).toEqual([]);
});

/** Programs that still run with a path below this folder in their command. */
function processesBelow(folder: string): readonly string[] {
  if (!existsSync("/proc/self/cmdline")) return [];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
        return command.includes(folder) ? [command] : [];
      } catch {
        return [];
      }
    });
}

test("folders that an interrupted or failed run made are gone again", async () => {
  const { release, it, path } = await attempt();
  release.spoil("SHA256SUMS.sig", changed);
  const { code } = await it.run(["--dir", join(it.home, "new", "deep", "bin")], { path });
  expect(code).toBe(1);
  expect(existsSync(join(it.home, "new"))).toBe(false);
});

test("a script that arrived only in part does nothing", async () => {
  const { release, it, path } = await attempt();
  const whole = readFileSync(it.script, "utf8");
  mkdirSync(join(it.home, "cut"));
  const lengths = Array.from({ length: 60 }, (_, at) => Math.floor((whole.length * at) / 60));
  // The last line ends with the brace that closes the first one.
  for (const length of [...lengths, whole.length - 2, whole.length - 3, whole.length - 12]) {
    writeFileSync(it.script, whole.slice(0, length));
    const { stdout } = await it.run([], { path });
    expect(stdout).toBe("");
  }
  expect(release.asked).toEqual([]);
  expectUntouched(it);
});
