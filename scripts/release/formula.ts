// The Homebrew formula of a release: `bun scripts/release/formula.ts <release.json> <base> [out]`. A formula, not a cask: a cask's file
// keeps macOS's quarantine mark, and a program without a notarized signature is then killed.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type ReleaseManifest, releaseBase, releaseFile } from "../../src/updates/release-files.ts";
import { readManifest } from "./release-folder.ts";

const root = dirname(dirname(import.meta.dir));

export const formulaName = "clawgate.rb";

/** What the formula installs, by Homebrew's words for system and CPU. Homebrew on Linux needs glibc, and no CPU with AVX2. */
const choices = [
  { system: "macos", cpu: "arm", targets: ["darwin-arm64"] },
  { system: "macos", cpu: "intel", targets: ["darwin-x64"] },
  { system: "linux", cpu: "arm", targets: ["linux-arm64"] },
  { system: "linux", cpu: "intel", targets: ["linux-x64-baseline", "linux-x64"] },
] as const;

export const formulaTargets: readonly string[] = choices.flatMap(({ targets }) => targets);

/** Ruby's double quotes; `#` would begin an interpolation. */
const quoted = (text: string): string => JSON.stringify(text).replaceAll("#", "\\#");

function downloads(manifest: ReleaseManifest, base: string, system: "macos" | "linux"): string {
  const blocks = choices
    .filter((choice) => choice.system === system)
    .flatMap(({ cpu, targets }) => {
      const file = targets
        .map((target) => manifest.files.find((each) => each.target === target))
        .find((each) => each !== undefined);
      if (file === undefined) return [];
      const url = quoted(releaseFile(base, file.name, manifest.version));
      return [`    on_${cpu} do\n      url ${url}\n      sha256 ${quoted(file.sha256)}\n    end\n`];
    });
  return blocks.length === 0 ? "" : `  on_${system} do\n${blocks.join("\n")}  end\n`;
}

/** Throws an Error if the release has nothing for Homebrew, or the address is none. */
export function formula(manifest: ReleaseManifest, base: string, homepage: string): string {
  const where = URL.parse(base);
  if (where === null || !/^https?:$/.test(where.protocol))
    throw new Error(`${base} is no address of releases`);
  const parts = [downloads(manifest, base, "macos"), downloads(manifest, base, "linux")].filter(Boolean);
  if (parts.length === 0) throw new Error("the release has no program for macOS or Linux");
  return `# Written by the release of version ${manifest.version}.
class Clawgate < Formula
  desc "Local endpoint between AI clients and AI models"
  homepage ${quoted(homepage === "" ? where.origin : homepage)}
  version ${quoted(manifest.version)}
  license "MIT"

  livecheck do
    url ${quoted(`${base}/latest/download/release.json`)}
    strategy :json do |json|
      json["version"]
    end
  end

${parts.join("\n")}
  def install
    bin.install "clawgate"
    doc.install "THIRD-PARTY-LICENSES.txt"
  end

  def caveats
    <<~EOS
      Without a config the gateway serves what it finds: keys in the environment, local model servers.
      A service does not see the variables of your shell. Put keys into
        ~/.config/clawgate/.env
      (mode 0600), beside a config.yaml.
    EOS
  end

  service do
    run [opt_bin/"clawgate", "serve"]
    keep_alive true
    log_path var/"log/clawgate.log"
    error_log_path var/"log/clawgate.log"
    environment_variables PATH: std_service_path_env
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/clawgate version")
    port = free_port
    ENV["CLAWGATE_STATE_DIR"] = (testpath/"state").to_s
    pid = spawn (bin/"clawgate").to_s, "serve", "--demo", "--port", port.to_s
    begin
      answer = shell_output("curl -s --retry 30 --retry-connrefused --retry-delay 1 http://127.0.0.1:#{port}/health")
      assert_match '"status":"ok"', answer
    ensure
      Process.kill("TERM", pid)
      Process.wait(pid)
    end
  end
end
`;
}

/** For the release tool. */
export function writeFormula(manifest: ReleaseManifest, base: string, path: string): void {
  const { homepage } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { homepage: string };
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, formula(manifest, base, homepage));
}

if (import.meta.main) {
  const [manifestPath, given, out] = process.argv.slice(2);
  const { homepage } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { homepage: string };
  const base = releaseBase(given ?? process.env["CLAWGATE_RELEASE_URL"], homepage);
  if (manifestPath === undefined) {
    console.error("usage: formula.ts <release.json> [<address of the releases> [<file to write>]]");
    process.exit(64);
  }
  if (base === null) {
    console.error(
      "Nobody has said where releases are: fill in homepage in package.json, or set CLAWGATE_RELEASE_URL.",
    );
    process.exit(1);
  }
  try {
    const path = out ?? join(root, "dist", formulaName);
    writeFormula(readManifest(manifestPath), base, path);
    console.log(path);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}
