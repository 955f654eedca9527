// The files of a release for package managers: which there are, that they are those of the release, and the same bytes each time.

import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { unpackTar } from "modern-tar";
import { writePackageFiles } from "../../scripts/release/package-files.ts";
import { manifestIn } from "../../scripts/release/release-folder.ts";
import { cleanupsAfterEach } from "../support/cleanups.ts";
import { makeRelease, type Programs } from "../support/release-folder.ts";

const cleanups = cleanupsAfterEach();
const root = join(import.meta.dir, "..", "..");
const version = "1.2.3-rc.1";
const base = "https://example.org/clawgate/releases";
const time = new Date("2026-11-30T12:00:00Z");
const script = { script: "#!/bin/sh\necho a program\n" };

async function packaged(programs: Programs, address: string | null) {
  const folder = cleanups.folder("clawgate-packages-");
  const files = makeRelease(folder, version, programs);
  const work = join(folder, "work");
  mkdirSync(work);
  const before = readdirSync(files);
  const manifest = manifestIn(files);
  const made = await writePackageFiles({ root, files, work, manifest, base: address, time });
  const added = readdirSync(files).filter((name) => !before.includes(name));
  // What is not named is in no list of checksums.
  expect(added.toSorted()).toEqual([...made.names].toSorted());
  return { files, ...made };
}

async function contentOf(path: string) {
  const entries = await unpackTar(Bun.gunzipSync(readFileSync(path)));
  return new Map(
    entries.map(({ header, data }) => [header.name, { header, text: new TextDecoder().decode(data) }]),
  );
}

test("the formula, a package for each platform and the launcher, and the chart", async () => {
  const programs = { "linux-x64": script, "linux-x64-baseline": script, "windows-x64": script };
  const { files, names, left } = await packaged(programs, base);
  expect(left).toEqual([]);
  expect([...names]).toEqual([
    "clawgate.rb",
    `clawgate-npm-linux-x64-${version}.tgz`,
    `clawgate-npm-windows-x64-${version}.tgz`,
    `clawgate-npm-${version}.tgz`,
    `clawgate-chart-${version}.tgz`,
  ]);
  expect(readFileSync(join(files, "clawgate.rb"), "utf8")).toContain(`"${base}/download/v${version}/`);

  const platform = await contentOf(join(files, `clawgate-npm-linux-x64-${version}.tgz`));
  const program = platform.get("package/bin/clawgate");
  expect(program?.text).toBe(script.script);
  expect((program?.header.mode ?? 0) & 0o777).toBe(0o755);
  expect(JSON.parse(platform.get("package/package.json")?.text ?? "")).toMatchObject({
    name: "@clawgate/linux-x64",
    version,
  });
  const launcher = await contentOf(join(files, `clawgate-npm-${version}.tgz`));
  expect(launcher.get("package/bin/clawgate.cjs")?.text).toStartWith("#!/usr/bin/env node");
  expect(JSON.parse(launcher.get("package/package.json")?.text ?? "")).toMatchObject({
    name: "clawgate",
    optionalDependencies: { "@clawgate/linux-x64": version, "@clawgate/windows-x64": version },
  });

  const chart = await contentOf(join(files, `clawgate-chart-${version}.tgz`));
  expect(chart.get("clawgate/Chart.yaml")?.text).toContain(
    `\nversion: ${version}\nappVersion: "${version}"\n`,
  );
  expect([...chart.keys()]).toContain("clawgate/templates/statefulset.yaml");
});

test("packed twice, in two folders, they are the same bytes", async () => {
  const one = await packaged({ "linux-arm64": script }, base);
  const other = await packaged({ "linux-arm64": script }, base);
  expect(one.names).toEqual(other.names);
  // The formula names the sum of an archive that this test's stand-in packs with the time of day.
  for (const name of one.names.filter((each) => each !== "clawgate.rb"))
    expect(readFileSync(join(one.files, name)).equals(readFileSync(join(other.files, name))), name).toBe(
      true,
    );
});

test("what cannot be made is said: no address, no target for it", async () => {
  const { names, left } = await packaged({ "linux-x64": script }, null);
  expect(names).toEqual([`clawgate-chart-${version}.tgz`]);
  expect(left.join("\n")).toContain("no Homebrew formula: package.json has no homepage");
  expect(left.join("\n")).toContain("no npm packages");
  const other = await packaged({ "linux-x64-musl": script }, base);
  expect(other.left.join("\n")).toContain("none of the targets is one of Homebrew's");
});
