// What a release says of its contents: every package that the program may hold, with its licence, the same text each time; and the page.

import { expect, test } from "bun:test";
import { join } from "node:path";
import manifest from "../../package.json";
import { billOfMaterials } from "../../scripts/release/bill-of-materials.ts";
import { thirdPartyLicences } from "../../scripts/release/licences.ts";
import { changesOf, releaseNotes } from "../../scripts/release/notes.ts";
import { bundledPackages } from "../../scripts/release/packages.ts";
import { linkedLibraries } from "../../scripts/release/runtime-licences.ts";

const root = join(import.meta.dir, "..", "..");
const packages = bundledPackages(root);

test("every dependency and theirs are listed, none that only tests need", () => {
  const names = new Set(packages.map(({ name }) => name));
  for (const [name, version] of Object.entries(manifest.dependencies))
    expect(packages.some((each) => each.name === name && each.version === version)).toBe(true);
  // Of elysia, and of the page of /swagger.
  for (const name of ["memoirist", "@sinclair/typebox", "vue"]) expect(names).toContain(name);
  for (const name of ["openai", "oxlint", "playwright-core", "@types/bun"]) expect(names).not.toContain(name);
  for (const { sha512 } of packages) expect(sha512).toMatch(/^[0-9a-f]{128}$/);
});

test("the licences name each package once and hold the texts that they need", () => {
  const text = thirdPartyLicences(root, packages);
  for (const { name, version } of packages) {
    const lines = text
      .split("\n")
      .filter((line) => line === `${name} ${version}` || line.startsWith(`${name} ${version} (`));
    expect([name, lines.length]).toEqual([name, 1]);
  }
  for (const words of [
    "GNU LIBRARY GENERAL PUBLIC LICENSE",
    "GNU LESSER GENERAL PUBLIC LICENSE",
    "Apache License",
    "WebKit",
  ])
    expect(text).toContain(words);
  for (const { name } of linkedLibraries) expect(text).toContain(`  ${name}: `);
  expect(thirdPartyLicences(root, packages)).toBe(text);
});

type Bill = {
  readonly serialNumber: string;
  readonly components: readonly { readonly "bom-ref": string; readonly licenses: readonly object[] }[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
};

test("the bill of materials has one row for each package, and every reference leads to one", () => {
  const subject = {
    version: "1.2.3",
    commit: "abc",
    commitTime: "2026-11-30T00:00:00.000Z",
    bunVersion: "1.4.5",
  };
  const text = billOfMaterials(subject, packages);
  expect(billOfMaterials(subject, packages)).toBe(text);
  const bill = JSON.parse(text) as Bill;
  expect(bill.serialNumber).toMatch(
    /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  const refs = bill.components.map((each) => each["bom-ref"]);
  expect(new Set(refs).size).toBe(refs.length);
  expect(refs).toHaveLength(packages.length + 1);
  expect(refs).toContain(
    "pkg:npm/%40sinclair/typebox@0.34.49".replace(/@[^@]*$/, `@${versionOf("@sinclair/typebox")}`),
  );
  for (const each of bill.components) expect(each.licenses.length).toBe(1);
  const inner = linkedLibraries.map(({ name }) => `bun/${name}`);
  for (const { dependsOn } of bill.dependencies)
    for (const ref of dependsOn) expect([...refs, ...inner]).toContain(ref);
  const later = JSON.parse(billOfMaterials({ ...subject, commit: "abd" }, packages)) as Bill;
  expect(later.serialNumber).not.toBe(bill.serialNumber);
});

const versionOf = (name: string): string => packages.find((each) => each.name === name)?.version ?? "";

test("the page's changes are the section of the version, else what is not released yet", () => {
  const changelog =
    "# Changelog\n\n## Unreleased\n\n- new\n\n## [1.1.0] - 2026-01-02\n\n- old\n\n### Fixed\n\n- x\n\n## 1.0.0\n\n- first\n";
  expect(changesOf(changelog, "1.1.0")).toBe("- old\n\n### Fixed\n\n- x");
  expect(changesOf(changelog, "1.0.0")).toBe("- first");
  expect(changesOf(changelog, "2.0.0")).toBe("- new");
  expect(changesOf("# Changelog\n\n## 1.0.0\n\n- first\n", "2.0.0")).toBeNull();
  // Not a version that only begins like it.
  expect(changesOf("## 1.0.0-rc.1\n\n- rc\n", "1.0.0")).toBeNull();
});

test("the page shows sizes, figures and sums, and says when nothing was signed", () => {
  const file = {
    name: "clawgate-linux-x64.tar.gz",
    target: "linux-x64",
    size: 62_700_000,
    program_size: 134_600_000,
    sha256: "a".repeat(64),
  };
  const content = {
    manifest: { version: "1.2.3", commit: "abc", commit_time: "2026-11-30T00:00:00.000Z", files: [file] },
    changes: "- new",
    measured: { startMs: 180.4, idleMb: 87.2, rounds: 5 },
    measuredTarget: "linux-x64",
    checksums: `${file.sha256}  ${file.name}\n`,
    packages: ["clawgate.rb", "clawgate-npm-1.2.3.tgz", "clawgate-chart-1.2.3.tgz"],
  };
  const signed = releaseNotes({ ...content, isSigned: true });
  expect(signed).toContain("| Linux x64 | `clawgate-linux-x64.tar.gz` | 62.7 | 134.6 |");
  expect(signed).toContain("180 ms from the start");
  expect(signed).toContain("87 MB resident");
  expect(signed).toContain(content.checksums);
  expect(signed).toContain("openssl pkeyutl -verify");
  expect(signed).toContain("- `clawgate-chart-1.2.3.tgz`: Helm's chart\n");
  const unsigned = releaseNotes({ ...content, measured: null, isSigned: false });
  expect(unsigned).toContain("not signed");
  expect(unsigned).not.toContain("openssl");
  expect(unsigned).toContain("not measured");
});
