// install.sh: what it puts where, for which machine, and what it says. What a hostile or broken server gets is in install-refusals.test.ts.

import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findOnPath } from "../../src/system/process.ts";
import { cleanupsAfterEach } from "../support/cleanups.ts";
import { standIn, startLocalRelease } from "../support/local-release.ts";
import { installer, shellsHere } from "./install-run.ts";

const cleanups = cleanupsAfterEach();

const everyTarget = [
  "linux-x64",
  "linux-x64-baseline",
  "linux-x64-musl",
  "linux-x64-musl-baseline",
  "linux-arm64",
  "linux-arm64-musl",
  "darwin-x64",
  "darwin-arm64",
];

/** Each one says which it is. */
const programsOf = (version: string): Record<string, string> =>
  Object.fromEntries(everyTarget.map((target) => [target, `${standIn(version)}# ${target}\n`]));

async function releaseOf(...versions: readonly string[]) {
  const release = cleanups.stopAtEnd(startLocalRelease());
  for (const version of versions) await release.publish({ version, programs: programsOf(version) });
  return release;
}

test.each(shellsHere)("%s installs the latest, one file and nothing beside it", async (_name, shell) => {
  const release = await releaseOf("1.0.0", "1.2.3");
  const it = installer(release, cleanups);
  const { code, stdout, stderr } = await it.run([], { shell });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(it.files()).toEqual(["clawgate"]);
  expect(stdout).toContain("ClawGate 1.2.3 is installed");
  expect(stdout).toContain(`echo 'export PATH="${it.bin}:$PATH"' >>~/.bashrc`);
  expect(stdout).toContain(`"${join(it.bin, "clawgate")}" init`);
  expect(stdout).toContain("service install");
});

test("the latest is pinned: what is asked for after release.json is of the version that it named", async () => {
  const release = await releaseOf("1.0.0");
  const it = installer(release, cleanups);
  expect((await it.run([])).code).toBe(0);
  expect(release.asked[0]).toBe("/latest/download/release.json");
  expect(release.asked.slice(1).every((path) => path.startsWith("/download/v1.0.0/"))).toBe(true);
});

test("a version that is named is installed, also an older one; one that does not exist is said", async () => {
  const release = await releaseOf("1.0.0", "1.2.3");
  const it = installer(release, cleanups);
  expect((await it.run([])).code).toBe(0);
  const older = await it.run(["--version", "v1.0.0"]);
  expect(older.code).toBe(0);
  expect(older.stdout).toContain("before: 1.2.3, kept as clawgate.previous");
  expect(readFileSync(join(it.bin, "clawgate"), "utf8")).toContain("clawgate 1.0.0");
  expect(readFileSync(join(it.bin, "clawgate.previous"), "utf8")).toContain("clawgate 1.2.3");
  const unknown = await it.run(["--version=9.9.9"]);
  expect(unknown.code).toBe(1);
  expect(unknown.stderr).toContain("Is there a version 9.9.9?");
  expect(it.files()).toEqual(["clawgate", "clawgate.previous"]);
});

test("an older latest does not replace a newer program unasked", async () => {
  const release = await releaseOf("1.10.0");
  const it = installer(release, cleanups);
  expect((await it.run([])).code).toBe(0);
  await release.publish({ version: "1.9.9", programs: programsOf("1.9.9") });
  const { code, stderr } = await it.run([]);
  expect(code).toBe(1);
  expect(stderr).toContain("is version 1.10.0 already");
  expect(readFileSync(join(it.bin, "clawgate"), "utf8")).toContain("1.10.0");
});

test("wrong options are refused before anything is asked", async () => {
  const release = await releaseOf("1.0.0");
  const it = installer(release, cleanups);
  for (const args of [
    ["--nonsense"],
    ["--version"],
    ["--version", "1.0/../.."],
    ["--version", "$(id)"],
    ["x"],
  ])
    expect((await it.run(args)).code).toBe(64);
  expect((await it.run(["--help"])).stdout).toContain("--checksum-only");
  expect(release.asked).toEqual([]);
  expect(it.files()).toEqual([]);
});

test("without an address of the releases it says so; http is for this machine only", async () => {
  const it = installer(await releaseOf("1.0.0"), cleanups);
  const none = await it.run([], { env: { CLAWGATE_RELEASE_URL: undefined } });
  expect(none.code).toBe(1);
  expect(none.stderr).toContain("CLAWGATE_RELEASE_URL");
  for (const url of [
    "http://example.com/r",
    "ftp://x",
    "http://127.0.0.1.example.com",
    "http://localhost@evil",
  ])
    expect((await it.run([], { env: { CLAWGATE_RELEASE_URL: url } })).stderr).toContain("https://");
});

const machine = (name: string, kind: string): string =>
  `#!/bin/sh\ncase \${1:-} in -m) echo ${kind} ;; *) echo ${name} ;; esac\n`;
const glibc = "#!/bin/sh\necho 'ldd (Debian GLIBC 2.36) 2.36'\n";
const musl = "#!/bin/sh\necho 'musl libc (x86_64)' >&2\nexit 1\n";
const realGrep = findOnPath("grep", process.env["PATH"]) ?? "grep";
/** A processor with these flags; every other use of grep is a real one. */
const processor = (flags: string): string =>
  `#!/bin/sh\ncase "$*" in *avx2*) echo "flags : ${flags}" | ${realGrep} -q -w avx2 ;; *) exec ${realGrep} "$@" ;; esac\n`;

const targets: readonly [string, Readonly<Record<string, string>>][] = [
  ["linux-x64", { uname: machine("Linux", "x86_64"), ldd: glibc, grep: processor("sse4_2 avx avx2") }],
  [
    "linux-x64-baseline",
    { uname: machine("Linux", "x86_64"), ldd: glibc, grep: processor("sse4_2 avx avx2x") },
  ],
  ["linux-x64-musl", { uname: machine("Linux", "x86_64"), ldd: musl, grep: processor("avx2") }],
  ["linux-x64-musl-baseline", { uname: machine("Linux", "amd64"), ldd: musl, grep: processor("sse4_2") }],
  ["linux-arm64", { uname: machine("Linux", "aarch64"), ldd: glibc }],
  ["linux-arm64-musl", { uname: machine("Linux", "aarch64"), ldd: musl }],
  ["darwin-arm64", { uname: machine("Darwin", "arm64"), sysctl: "#!/bin/sh\nexit 1\n" }],
  ["darwin-arm64", { uname: machine("Darwin", "x86_64"), sysctl: "#!/bin/sh\necho 1\n" }],
  ["darwin-x64", { uname: machine("Darwin", "x86_64"), sysctl: "#!/bin/sh\necho 0\n" }],
];

test.each(targets)("%s is picked for its machine", async (target, own) => {
  const it = installer(await releaseOf("1.0.0"), cleanups);
  const { code, stdout } = await it.run([], { path: it.programs({ own }) });
  expect(code).toBe(0);
  expect(stdout).toContain(`for ${target} ...`);
  expect(readFileSync(join(it.bin, "clawgate"), "utf8")).toContain(`# ${target}\n`);
});

test.each([
  ["Linux", "riscv64", "no build for a riscv64"],
  ["FreeBSD", "amd64", "no build for FreeBSD"],
  ["MINGW64_NT-10.0", "x86_64", "windows-x64.zip"],
])("%s %s: there is no build, and it says so", async (name, kind, words) => {
  const it = installer(await releaseOf("1.0.0"), cleanups);
  const { code, stderr } = await it.run([], { path: it.programs({ own: { uname: machine(name, kind) } }) });
  expect(code).toBe(1);
  expect(stderr).toContain(words);
  expect(it.files()).toEqual([]);
});

test("a program that ends with SIGILL is replaced by the baseline one before anything is installed", async () => {
  const release = cleanups.stopAtEnd(startLocalRelease());
  const illegal = "#!/bin/sh\nkill -ILL $$\n";
  await release.publish({
    version: "1.0.0",
    programs: { "linux-x64": illegal, "linux-x64-baseline": `${standIn("1.0.0")}# baseline\n` },
  });
  const it = installer(release, cleanups);
  const path = it.programs({
    own: { uname: machine("Linux", "x86_64"), ldd: glibc, grep: processor("avx2") },
  });
  const { code, stdout } = await it.run([], { path });
  expect(stdout).toContain("taking the baseline build");
  expect(code).toBe(0);
  expect(readFileSync(join(it.bin, "clawgate"), "utf8")).toContain("# baseline");
});

test.each([
  [true, "apk add libstdc++ (as root)"],
  [false, "install the package libstdc++ (as root)"],
])(
  "a musl machine without the C++ library is told which package it needs (apk: %s)",
  async (hasApk, words) => {
    const release = cleanups.stopAtEnd(startLocalRelease());
    // The words of musl's loader, the last of which says nothing to anybody.
    const loader = [
      "#!/bin/sh",
      'echo "Error loading shared library libstdc++.so.6: No such file or directory (needed by $0)" >&2',
      'echo "Error loading shared library libgcc_s.so.1: No such file or directory (needed by $0)" >&2',
      'echo "Error relocating $0: _ZNSt15__exception_ptr13exception_ptrD1Ev: symbol not found" >&2',
      "exit 127",
    ].join("\n");
    const programs = { "linux-x64-musl": loader, "linux-x64-musl-baseline": loader };
    await release.publish({ version: "1.0.0", programs });
    const it = installer(release, cleanups);
    const apk: Readonly<Record<string, string>> = hasApk ? { apk: "#!/bin/sh\n" } : {};
    const path = it.programs({ own: { uname: machine("Linux", "x86_64"), ldd: musl, ...apk } });
    const { code, stderr } = await it.run([], { path });
    expect(code).toBe(1);
    expect(stderr).toContain(words);
    expect(it.files()).toEqual([]);
  },
);

test("wget alone is enough", async () => {
  if (findOnPath("wget", process.env["PATH"]) === null) return;
  const it = installer(await releaseOf("1.0.0"), cleanups);
  const path = it.programs({ without: ["curl"], more: ["wget"] });
  expect(await it.run([], { path })).toMatchObject({ code: 0, stderr: "" });
  expect((await it.run(["--version", "3.3.3"], { path })).stderr).toContain("Is there a version 3.3.3?");
  const neither = await it.run([], { path: it.programs({ without: ["curl"] }) });
  expect(neither.stderr).toContain("neither curl nor wget");
});

test("busybox is enough, with openssl, as on a small Alpine", async () => {
  const busybox = findOnPath("busybox", process.env["PATH"]);
  if (busybox === null) return;
  const release = await releaseOf("1.0.0", "1.1.0");
  const it = installer(release, cleanups);
  const applets =
    "sh uname id sed head tail tr wc grep mktemp mkdir rmdir rm mv ln cp chmod dirname basename tar gzip sha256sum sleep cat wget kill".split(
      " ",
    );
  const own = Object.fromEntries(
    applets.map((name) => [name, `#!${busybox} sh\nexec ${busybox} ${name} "$@"\n`]),
  );
  const path = it.programs({ own, without: ["curl", "getconf", "ldd"] });
  const shell = [busybox, "ash"];
  expect(await it.run(["--version", "1.0.0"], { path, shell })).toMatchObject({ code: 0, stderr: "" });
  expect(await it.run([], { path, shell })).toMatchObject({ code: 0, stderr: "" });
  expect(it.files()).toEqual(["clawgate", "clawgate.previous"]);
  release.spoil("SHA256SUMS.sig", () => new Uint8Array(64));
  expect((await it.run([], { path, shell })).stderr).toContain("WRONG");
  release.spoil("SHA256SUMS.sig", () => null);
  expect((await it.run([], { path, shell })).stderr).toContain("SHA256SUMS.sig");
  expect((await it.run(["--uninstall"], { path, shell })).code).toBe(0);
  expect(it.files()).toEqual([]);
});

test("proxy variables are honoured", async () => {
  const release = await releaseOf("1.0.0");
  const seen: string[] = [];
  const proxy = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      seen.push(request.url);
      const { pathname } = new URL(request.url);
      return fetch(release.url + pathname, { proxy: "" });
    },
  });
  cleanups.push(() => proxy.stop(true));
  const it = installer(release, cleanups);
  const { code } = await it.run([], { env: { http_proxy: `http://127.0.0.1:${proxy.port}` } });
  expect(code).toBe(0);
  expect(seen.length).toBeGreaterThan(3);
});

test("an upgrade replaces the file of a running program, which goes on", async () => {
  const release = cleanups.stopAtEnd(startLocalRelease());
  const serving = (version: string): string =>
    `#!/bin/sh\nif [ "$1" = version ]; then echo "clawgate ${version} (0)"; exit; fi\nwhile :; do sleep 0.05; echo ${version}; done\n`;
  const publish = (version: string) =>
    release.publish({
      version,
      programs: Object.fromEntries(everyTarget.map((each) => [each, serving(version)])),
    });
  await publish("1.0.0");
  const it = installer(release, cleanups);
  await it.run([]);
  const running = Bun.spawn([join(it.bin, "clawgate")], { stdout: "pipe", detached: true });
  cleanups.push(() => process.kill(-running.pid, "SIGKILL"));
  await publish("2.0.0");
  expect((await it.run([])).code).toBe(0);
  expect(running.exitCode).toBe(null);
  const { value } = await running.stdout.getReader().read();
  expect(new TextDecoder().decode(value)).toContain("1.0.0");
  expect(readFileSync(join(it.bin, "clawgate"), "utf8")).toContain("2.0.0");
});

test("a link or a folder under the name is left alone", async () => {
  const it = installer(await releaseOf("1.0.0"), cleanups);
  const program = join(it.bin, "clawgate");
  symlinkSync("/opt/homebrew/Cellar/clawgate/1.0.0/bin/clawgate", program);
  expect((await it.run([])).stderr).toContain("another installer");
  expect((await it.run(["--uninstall"])).stderr).toContain("another installer");
  rmSync(program);
  mkdirSync(program);
  expect((await it.run([])).stderr).toContain("is a folder");
  expect(it.files()).toEqual(["clawgate"]);
});

test("uninstall removes the program and the kept one, and says what stays where", async () => {
  const it = installer(await releaseOf("1.0.0"), cleanups);
  await it.run([]);
  await it.run([]);
  const state = join(it.home, ".local", "state", "clawgate");
  const config = join(it.home, ".config", "clawgate");
  for (const folder of [state, config]) mkdirSync(folder, { recursive: true });
  writeFileSync(join(it.bin, "other"), "another program");
  writeFileSync(join(config, "config.yaml"), "server: {}\n");
  const { code, stdout } = await it.run(["--uninstall"]);
  expect(code).toBe(0);
  expect(stdout).toContain(`Kept: ${state}`);
  expect(stdout).toContain(`Kept: ${config}`);
  expect(it.files()).toEqual(["other"]);
  expect(existsSync(join(config, "config.yaml"))).toBe(true);
  expect((await it.run(["--uninstall"])).stderr).toContain("there is no clawgate");
});

test("uninstall leaves a program of somebody else and a program that a service starts", async () => {
  const it = installer(await releaseOf("1.0.0"), cleanups);
  writeFileSync(join(it.bin, "clawgate"), "#!/bin/sh\necho 'Python ClawGate'\n", { mode: 0o755 });
  expect((await it.run(["--uninstall"])).stderr).toContain("left alone");
  expect(it.files()).toEqual(["clawgate"]);
  writeFileSync(join(it.bin, "clawgate"), standIn("1.0.0"), { mode: 0o755 });
  const units = join(it.home, ".config", "systemd", "user");
  mkdirSync(units, { recursive: true });
  writeFileSync(join(units, "clawgate.service"), `ExecStart="${join(it.bin, "clawgate")}" serve\n`);
  const { code, stderr } = await it.run(["--uninstall"]);
  expect(code).toBe(1);
  expect(stderr).toContain("service uninstall");
  expect(it.files()).toEqual(["clawgate"]);
});
