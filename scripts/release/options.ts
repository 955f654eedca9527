// The options of `npm run release`, and its help.

import { parseArgs } from "node:util";
import { releaseTargets, type ReleaseTarget } from "../../src/updates/release-files.ts";

export const usage = `npm run release -- [options]        makes the files of a release
npm run release -- --new-key        makes the key that releases are signed with
npm run release -- --pin-runtime    notes the digests of Bun's executables after Bun's version was changed

  --version X        the version; default: package.json's, which is the only place that has it.
                     Another one is built into the programs and stated in the release, and package.json
                     stays as it is: a trial. With --tag it is written to package.json first.
  --targets a,b      only these (default: all): ${releaseTargets.join(", ")}
  --out DIR          where the files go (default: dist/release): DIR/download/vX/, and as links in
                     DIR/latest/download/, as they are served. With --new-key: the private key's file
                     (default: clawgate-release-key.pem in your home), never inside of the tree
  --sign KEYFILE     signs SHA256SUMS with this private Ed25519 key; without it the release is not signed,
                     and install.sh and update refuse it
  --base URL         where the releases will lie, for the formula and install.sh: URL/download/vX/, URL/latest/download/
                     (default: below homepage of package.json; while that is empty there is no formula)
  --public-key FILE  the key that goes into the programs (default: scripts/packaging/release-key.pem,
                     else the public half of --sign)
  --tag              writes X to package.json, to the Helm chart and to the heading "Unreleased" of CHANGELOG.md,
                     commits that, and after everything was made tags the commit vX. Nothing is pushed
  --skip-tests       without \`npm test\`: where it has just passed
  --dry-run          checks everything that can be checked without building, says what would be made
  --help             this text

A release is the archives of the targets, release.json, SHA256SUMS and its signature, install.sh, the licences, a
bill of materials (CycloneDX), a page of notes, and for package managers: clawgate.rb (Homebrew),
clawgate-npm-*.tgz, clawgate-chart-X.tgz (Helm). The image is made of it by scripts/release/container-program.ts.
Whatever is missing or fails (a changed tree, a target, a test, a key, the disk) ends it with exit code 1, and
nothing of that release is left in DIR.
`;

export type ReleaseOptions = {
  readonly version: string | null;
  readonly targets: readonly ReleaseTarget[];
  readonly out: string | null;
  readonly signKey: string | null;
  readonly publicKey: string | null;
  readonly base: string | null;
  readonly tags: boolean;
  readonly skipsTests: boolean;
  readonly isDryRun: boolean;
  readonly action: "release" | "new-key" | "pin-runtime" | "help";
};

const versionPattern = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/;

/** Throws an Error that names the option. */
export function parseReleaseOptions(args: readonly string[]): ReleaseOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      version: { type: "string" },
      targets: { type: "string" },
      out: { type: "string" },
      sign: { type: "string" },
      "public-key": { type: "string" },
      base: { type: "string" },
      tag: { type: "boolean", default: false },
      "skip-tests": { type: "boolean", default: false },
      "dry-run": { type: "boolean", default: false },
      "new-key": { type: "boolean", default: false },
      "pin-runtime": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const version = values.version?.replace(/^v/, "") ?? null;
  if (version !== null && !versionPattern.test(version))
    throw new Error(`--version ${version}: a version is three numbers, as 1.2.0 or 1.2.0-rc.1`);
  const action = values.help
    ? "help"
    : values["new-key"]
      ? "new-key"
      : values["pin-runtime"]
        ? "pin-runtime"
        : "release";
  return {
    version,
    targets: targetsOf(values.targets),
    out: values.out ?? null,
    signKey: values.sign ?? null,
    publicKey: values["public-key"] ?? null,
    base: values.base ?? null,
    tags: values.tag,
    skipsTests: values["skip-tests"],
    isDryRun: values["dry-run"],
    action,
  };
}

function targetsOf(text: string | undefined): readonly ReleaseTarget[] {
  if (text === undefined) return releaseTargets;
  const wanted = text.split(",").map((name) => name.trim());
  for (const name of wanted)
    if (!(releaseTargets as readonly string[]).includes(name))
      throw new Error(`--targets: there is no target "${name}"; there are ${releaseTargets.join(", ")}`);
  return releaseTargets.filter((target) => wanted.includes(target));
}
