// The Homebrew formula that a release writes: what it says for each system, and an installation by real Ruby with a stand-in of
// Homebrew's Formula (formula-stand-in.rb) from a file server on loopback. Without Ruby only the text is looked at.

import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formula } from "../../scripts/release/formula.ts";
import { readManifest } from "../../scripts/release/release-folder.ts";
import { binaryPath, cleanEnvironment } from "../support/binary.ts";
import { Cleanups } from "../support/cleanups.ts";
import { runProgram } from "../support/program-run.ts";
import { makeRelease, type Programs } from "../support/release-folder.ts";

const cleanups = new Cleanups();
afterAll(() => cleanups.run());
const hasRuby = Bun.which("ruby") !== null;
const script = { script: "#!/bin/sh\n" };
const every: Programs = {
  "darwin-arm64": script,
  "darwin-x64": script,
  "linux-arm64": script,
  "linux-x64": script,
  "linux-x64-baseline": script,
  "linux-x64-musl": script,
};
const systems = [
  ["macos", "arm", "darwin-arm64"],
  ["macos", "intel", "darwin-x64"],
  ["linux", "arm", "linux-arm64"],
  ["linux", "intel", "linux-x64-baseline"],
] as const;
const ours = process.arch === "arm64" ? "arm" : "intel";
const here: readonly string[] = [process.platform === "darwin" ? "macos" : "linux", ours];

/** A folder of releases, served. */
function served(programs: Programs, version = "1.2.3") {
  const folder = cleanups.folder("clawgate-formula-");
  const release = makeRelease(folder, version, programs);
  const server = cleanups.stopAtEnd(
    Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      async fetch(request) {
        const file = Bun.file(join(folder, new URL(request.url).pathname));
        return (await file.exists()) ? new Response(file) : new Response("none", { status: 404 });
      },
    }),
  );
  const base = server.url.origin;
  const path = join(folder, "clawgate.rb");
  const manifest = readManifest(join(release, "release.json"));
  writeFileSync(path, formula(manifest, base, "https://example.org/clawgate"));
  return { folder, release, base, path, manifest, prefix: join(folder, "prefix") };
}

const install = (path: string, prefix: string, system: readonly string[], ...more: readonly string[]) =>
  runProgram(["ruby", join(import.meta.dir, "formula-stand-in.rb"), path, ...system, prefix, ...more], {
    cwd: prefix.slice(0, prefix.lastIndexOf("/")),
    env: cleanEnvironment(prefix),
    timeoutMs: 60_000,
  });

describe("the text", () => {
  test("each system and CPU gets its archive with the sum of the manifest; Linux on Intel the baseline one", () => {
    const { path, manifest, base } = served(every);
    const text = readFileSync(path, "utf8");
    for (const [, , target] of systems) {
      const file = manifest.files.find((each) => each.target === target);
      expect(text).toContain(`url "${base}/download/v1.2.3/${file?.name}"\n      sha256 "${file?.sha256}"`);
    }
    expect(text).not.toContain("musl");
    expect(text).not.toContain("clawgate-linux-x64.tar.gz");
    expect(text).not.toMatch(/\bcask\b/);
    for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(118);
  });

  test("what is not released is not offered, and a release with nothing for Homebrew has no formula", () => {
    const { path, manifest } = served({ "linux-arm64": script });
    expect(readFileSync(path, "utf8")).not.toContain("on_macos");
    expect(() => formula({ ...manifest, files: [] }, "https://example.org", "")).toThrow("no program");
    expect(() => formula(manifest, "somewhere", "")).toThrow("no address");
  });

  test("an address cannot run Ruby", () => {
    const { manifest } = served({ "linux-arm64": script });
    const text = formula(manifest, 'https://example.org/#{`id`}"', "");
    expect(text).not.toMatch(/[^\\]#\{`/);
  });

  test("without an address the command says so and ends with 1", async () => {
    const { release, folder } = served({ "linux-arm64": script });
    const argv = [
      process.execPath,
      "--no-env-file",
      "scripts/release/formula.ts",
      join(release, "release.json"),
    ];
    const root = join(import.meta.dir, "..", "..");
    const homepage = (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { homepage: string })
      .homepage;
    const options = { cwd: root, env: cleanEnvironment(folder), timeoutMs: 20_000 };
    if (homepage === "") expect(await runProgram(argv, options)).toMatchObject({ code: 1 });
    const out = join(folder, "written.rb");
    expect((await runProgram([...argv, "https://example.org/releases", out], options)).code).toBe(0);
    expect(readFileSync(out, "utf8")).toContain('url "https://example.org/releases/download/v1.2.3/');
  });

  test.skipIf(Bun.which("rubocop") === null)(
    "rubocop has nothing to say, by Homebrew's settings",
    async () => {
      const { path, folder } = served(every);
      const settings = [
        "AllCops: { NewCops: enable, SuggestExtensions: false }",
        "Layout/LineLength: { Max: 118 }",
        "Layout/SpaceAroundOperators: { Enabled: false }",
        "Metrics: { Enabled: false }",
        "Naming: { Enabled: false }",
        "Style/Documentation: { Enabled: false }",
        "Style/FrozenStringLiteralComment: { Enabled: false }",
        "Style/StringLiterals: { EnforcedStyle: double_quotes }",
      ];
      writeFileSync(join(folder, "rubocop.yml"), `${settings.join("\n")}\n`);
      const argv = ["rubocop", "--config", join(folder, "rubocop.yml"), "--cache", "false", path];
      const said = await runProgram(argv, { cwd: folder, env: cleanEnvironment(folder), timeoutMs: 60_000 });
      expect(said.stdout + said.stderr).toContain("no offenses detected");
    },
  );
});

describe("installed by Ruby", () => {
  test.skipIf(!hasRuby)(
    "the real program: it is verified, installed, and its own test passes",
    async () => {
      const target = systems.find(([system, cpu]) => system === here[0] && cpu === here[1])?.[2] ?? "";
      const version = (
        await runProgram([binaryPath(), "version"], {
          cwd: "/",
          env: cleanEnvironment(cleanups.folder("clawgate-formula-")),
          timeoutMs: 20_000,
        })
      ).stdout.match(/\d+\.\d+\.\d+(?:-[\w.]+)?/)?.[0];
      const { path, prefix } = served({ [target]: { file: binaryPath() } }, version);
      const { code, stdout, stderr } = await install(path, prefix, here);
      expect(code, stderr).toBe(0);
      expect(statSync(join(prefix, "bin", "clawgate")).mode & 0o111).not.toBe(0);
      expect(existsSync(join(prefix, "share", "doc", "clawgate", "THIRD-PARTY-LICENSES.txt"))).toBe(true);
      const told = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as {
        version: string;
        license: string;
        caveats: string;
        service: Record<string, unknown>;
      };
      expect(told).toMatchObject({ version, license: "MIT" });
      expect(told.service["run"]).toEqual(["/opt/bin/clawgate", "serve"]);
      expect(told.service).toMatchObject({ keep_alive: true, log_path: "/var/log/clawgate.log" });
      expect(told.caveats).toContain(".env");
    },
    60_000,
  );

  test.skipIf(!hasRuby).each(systems)("%s on %s takes its own archive", async (system, cpu, target) => {
    const programs = Object.fromEntries(
      Object.keys(every).map((each) => [each, { script: `#!/bin/sh\necho ${each}\n` }]),
    );
    const { path, prefix } = served(programs);
    const { code, stderr } = await install(path, prefix, [system, cpu], "--no-test");
    expect(code, stderr).toBe(0);
    expect(readFileSync(join(prefix, "bin", "clawgate"), "utf8")).toContain(`echo ${target}\n`);
  });

  test.skipIf(!hasRuby)(
    "a changed archive, one that is gone, and a program that is another are refused",
    async () => {
      const programs: Programs = { "linux-x64-baseline": { script: "#!/bin/sh\necho 9.9.9\n" } };
      const other = served(programs);
      const wrong = await install(other.path, other.prefix, ["linux", "intel"]);
      expect(wrong.code).not.toBe(0);
      expect(wrong.stderr).toContain('expected "1.2.3"');

      const { path, prefix, release, manifest } = served(programs);
      writeFileSync(join(release, manifest.files[0]?.name ?? ""), "something else");
      const changed = await install(path, prefix, ["linux", "intel"]);
      expect(changed.code).toBe(1);
      expect(changed.stderr).toContain("SHA-256 mismatch");
      expect(existsSync(prefix)).toBe(false);
      expect((await install(path, prefix, ["macos", "arm"])).stderr).toContain("nothing for macos on arm");
    },
  );
});
