// The page of a release, as Markdown: what is new, which file is for whom and how large it is, how to verify it.

import type { ReleaseManifest } from "../../src/updates/release-files.ts";
import type { Measurements } from "./measurements.ts";

export const notesName = "RELEASE-NOTES.md";

export type NotesContent = {
  readonly manifest: ReleaseManifest;
  /** The version's section of the changelog, without its heading. */
  readonly changes: string;
  readonly measured: Measurements | null;
  /** The target that was measured. */
  readonly measuredTarget: string;
  readonly checksums: string;
  readonly isSigned: boolean;
  /** The files for package managers. */
  readonly packages: readonly string[];
};

export function releaseNotes(content: NotesContent): string {
  const { manifest, changes, measured, isSigned } = content;
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
  const rows = manifest.files.map(
    ({ name, target, size, program_size }) =>
      `| ${systemOf(target)} | \`${name}\` | ${megabytes(size)} | ${megabytes(program_size)} |`,
  );
  const figures =
    measured === null
      ? "Start and memory were not measured: the release was not made on Linux."
      : `Measured with \`${content.measuredTarget}\`: ${measured.startMs.toFixed(0)} ms from the start of the process to the first answer to a request with a key (median of ${measured.rounds}), ${measured.idleMb.toFixed(0)} MB resident while idle.`;
  return [
    `# ClawGate ${manifest.version}`,
    "",
    `Commit ${manifest.commit}, ${manifest.commit_time.slice(0, 10)}.`,
    "",
    changes.trim(),
    "",
    "## Files",
    "",
    "| for | file | download, MB | program, MB |",
    "| --- | --- | ---: | ---: |",
    ...rows,
    "",
    figures,
    "",
    ...content.packages.map((name) => `- \`${name}\`: ${purposeOf(name)}`),
    "",
    "A processor without AVX2 needs a `-baseline` build; Alpine and other systems with musl need a `-musl` build, and the package `libstdc++`.",
    "",
    "## Verify",
    "",
    isSigned
      ? "`SHA256SUMS.sig` is the Ed25519 signature over `SHA256SUMS`; the public key is `scripts/packaging/release-key.pem` in the repository."
      : "This release is not signed: `install.sh` and `clawgate update` refuse it.",
    "",
    "```sh",
    ...(isSigned
      ? [
          "openssl pkeyutl -verify -pubin -inkey release-key.pem -rawin -in SHA256SUMS -sigfile SHA256SUMS.sig",
        ]
      : []),
    "sha256sum --check --ignore-missing SHA256SUMS",
    "```",
    "",
    "```",
    content.checksums.trim(),
    "```",
    "",
  ].join("\n");
}

/** The section of `version`, else what is not released yet; null when there is neither. */
export function changesOf(changelog: string, version: string): string | null {
  for (const title of [version, "Unreleased"]) {
    const lines = changelog.split("\n");
    const start = lines.findIndex((line) => headingOf(line) === title);
    if (start < 0) continue;
    const length = lines.slice(start + 1).findIndex((line) => line.startsWith("## "));
    return lines
      .slice(start + 1, length < 0 ? undefined : start + 1 + length)
      .join("\n")
      .trim();
  }
  return null;
}

/** "1.2.0" of `## [1.2.0] - 2026-11-30` */
const headingOf = (line: string): string | null => /^## \[?([^\]\s]+)\]?(?:\s|$)/.exec(line)?.[1] ?? null;

function purposeOf(name: string): string {
  if (name.endsWith(".rb")) return "Homebrew's formula";
  if (name.startsWith("clawgate-chart-")) return "Helm's chart";
  return "as published on npm";
}

function systemOf(target: string): string {
  const [system = "", processor = ""] = target.split("-");
  const names: Readonly<Record<string, string>> = { linux: "Linux", darwin: "macOS", windows: "Windows" };
  const library = target.includes("musl") ? ", musl" : "";
  const baseline = target.includes("baseline") ? ", without AVX2" : "";
  return `${names[system] ?? system} ${processor}${library}${baseline}`;
}
