// `npm run release`: checks that a release may be made, makes it, says what was made. options.ts has the options.

import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { installScript } from "../packaging/install-script.ts";
import { archiveName, releaseBase } from "../../src/updates/release-files.ts";
import { pinRuntime, readPinned } from "./base-executables.ts";
import { makeRelease, releaseFolder, type ReleasePlan } from "./make-release.ts";
import { changesOf } from "./notes.ts";
import { parseReleaseOptions, type ReleaseOptions, usage } from "./options.ts";
import {
  commitOfTag,
  commitVersion,
  currentCommit,
  hasTag,
  tagVersion,
  uncommittedFiles,
} from "./repository.ts";
import { chartFile, chartWithVersion } from "./chart.ts";
import { isSameKey, makeReleaseKey, publicKeyPath, readPublicKey, readSigner } from "./signing.ts";

const root = dirname(dirname(import.meta.dir));

type Manifest = {
  readonly version: string;
  readonly homepage: string;
  readonly engines: { readonly bun: string };
};
const manifest = (): Manifest => JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest;

async function main(options: ReleaseOptions): Promise<void> {
  switch (options.action) {
    case "help":
      process.stdout.write(usage);
      return;
    case "new-key": {
      const place = options.out ?? join(homedir(), "clawgate-release-key.pem");
      const path = makeReleaseKey(root, place);
      console.log(
        `private key: ${path} (keep it and a copy of it away from this machine: whoever has it can release)`,
      );
      console.log(`public key:  ${relative(process.cwd(), publicKeyPath(root))} (commit it)`);
      return;
    }
    case "pin-runtime": {
      const pinned = pinRuntime(root, manifest().engines.bun);
      console.log(
        `Bun ${pinned.version}: ${Object.keys(pinned.packages).length} digests noted; look at git diff`,
      );
      return;
    }
    case "release":
      await release(options);
  }
}

async function release(options: ReleaseOptions): Promise<void> {
  const version = options.version ?? manifest().version;
  const changed = uncommittedFiles(root);
  if (changed.length > 0)
    throw new Error(`The tree differs from its commit; commit or remove first:\n  ${changed.join("\n  ")}`);
  const draft = planOf(options, version);
  if (options.tags && hasTag(root, `v${version}`)) throw new Error(`there is a tag v${version} already`);
  if (options.isDryRun) {
    describe(draft, options);
    return;
  }
  if (!options.skipsTests) runTests();
  if (options.tags) commitVersion(root, version);
  const left = uncommittedFiles(root);
  if (left.length > 0) throw new Error(`The tests left files behind:\n  ${left.join("\n  ")}`);
  const { folder, left: missing } = await makeRelease({ ...draft, commit: currentCommit(root) }).catch(
    (error: unknown) => {
      if (options.tags && currentCommit(root).id !== draft.commit.id)
        console.error(
          `The commit "Version ${version}" stays and is not tagged; a second run goes on from it.`,
        );
      throw error;
    },
  );
  if (options.tags) {
    tagVersion(root, version);
    console.log(`tagged v${version}; git push --follow-tags publishes it`);
  }
  console.log(
    `${relative(process.cwd(), folder) || folder}: ClawGate ${version}, ${draft.targets.length} targets`,
  );
  for (const each of missing) console.log(each);
  if (draft.signer === null)
    console.log("not signed: install.sh and clawgate update refuse it (--sign KEYFILE)");
  if (version !== manifest().version)
    console.log(`package.json still says ${manifest().version}: a trial (--tag makes it real)`);
}

/** Throws where no release can be made of what is there. */
function planOf(options: ReleaseOptions, version: string): ReleasePlan {
  const out = resolve(options.out ?? join(root, "dist", "release"));
  if (existsSync(releaseFolder(out, version)))
    throw new Error(
      `${releaseFolder(out, version)} is there already; a release is never changed: remove it yourself`,
    );
  checkVersion(version, options);
  const changes = changesFor(version, version !== manifest().version && !options.tags);
  const signer = options.signKey === null ? null : readSigner(root, options.signKey);
  const publicKey = publicKeyOf(options, signer?.publicKey ?? null);
  if (signer !== null && publicKey !== null && !isSameKey(signer.publicKey, publicKey))
    throw new Error(`${options.signKey} is not the private half of the key that the programs trust`);
  const base = baseOf(options);
  // Now, and not after ten minutes of building: it refuses an address that it could not ask.
  installScript({ publicKey, releases: base ?? "" });
  return {
    root,
    version,
    targets: options.targets,
    commit: currentCommit(root),
    changes,
    pinned: readPinned(root),
    publicKey,
    signer,
    out,
    base,
  };
}

/** One version names one commit, and everything in it. */
function checkVersion(version: string, options: ReleaseOptions): void {
  const tagged = commitOfTag(root, `v${version}`);
  if (tagged !== null && tagged !== currentCommit(root).id)
    throw new Error(`v${version} is the tag of another commit, ${tagged.slice(0, 12)}: check that out`);
  if (options.tags || version !== manifest().version) return;
  const path = chartFile(root);
  const chart = readFileSync(path, "utf8");
  if (chartWithVersion(chart, version) !== chart)
    throw new Error(`${relative(root, path)} has another version than package.json, which says ${version}`);
}

function baseOf({ base }: ReleaseOptions): string | null {
  return releaseBase(base ?? undefined, manifest().homepage);
}

function changesFor(version: string, isTrial: boolean): string {
  const changes = changesOf(readFileSync(join(root, "CHANGELOG.md"), "utf8"), version);
  if (changes !== null) return changes;
  if (isTrial) return "A trial: the changelog says nothing of this version.";
  throw new Error(`CHANGELOG.md has no section "${version}" and none "Unreleased": say what is new first`);
}

function publicKeyOf(options: ReleaseOptions, ofSigner: string | null): string | null {
  if (options.publicKey !== null) return readPublicKey(options.publicKey);
  const inTree = publicKeyPath(root);
  return existsSync(inTree) ? readPublicKey(inTree) : ofSigner;
}

function runTests(): void {
  const tests = Bun.spawnSync(["npm", "test"], { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  if (!tests.success) throw new Error("the tests failed: nothing was made");
}

function describe(plan: ReleasePlan, options: ReleaseOptions): void {
  console.log(
    `ClawGate ${plan.version} of commit ${plan.commit.id.slice(0, 12)}, with Bun ${plan.pinned.version}`,
  );
  console.log(
    `to ${releaseFolder(plan.out, plan.version)}, ${plan.signer === null ? "not signed" : "signed"}`,
  );
  for (const target of plan.targets) console.log(`  ${archiveName(target)}`);
  console.log(options.skipsTests ? "without tests" : "after npm test");
  if (options.tags) console.log(`then tagged v${plan.version}`);
}

if (import.meta.main) {
  try {
    await main(parseReleaseOptions(process.argv.slice(2)));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
