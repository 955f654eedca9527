// How this program was installed, and so who may replace it: its own `update` only where no other installer owns the file.
// It must never ask a package manager: that would run a program because of where ours lies.

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

type InstallationKind = "binary" | "homebrew" | "npm" | "container" | "checkout" | "package" | "windows";

export type Installation = {
  readonly kind: InstallationKind;
  /** The file of the running program, links resolved. */
  readonly program: string;
  /** In words, to follow "installed ". */
  readonly description: string;
  /** How it is updated: a command, or what to do; null: by `clawgate update`. */
  readonly updatedBy: string | null;
};

export type InstallationFacts = {
  /** process.execPath: the compiled program, or bun when the sources run directly. */
  readonly program: string;
  readonly isCompiled: boolean;
  readonly platform: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly exists: (path: string) => boolean;
};

export const thisInstallation = (environment: InstallationFacts["environment"]): Installation =>
  installationOf({
    program: process.execPath,
    isCompiled: Bun.isStandaloneExecutable,
    platform: process.platform,
    environment,
    exists: existsSync,
  });

export function installationOf(facts: InstallationFacts): Installation {
  const { program, isCompiled, platform, exists } = facts;
  const as = (
    kind: InstallationKind,
    description: string,
    updatedBy: string | null = null,
  ): Installation => ({
    kind,
    program,
    description,
    updatedBy,
  });
  if (!isCompiled || isBuiltInCheckout(program, exists))
    return as("checkout", "as a checkout of the sources", "git pull && npm run build");
  if (/\/Cellar\//.test(program)) return as("homebrew", "by Homebrew", "brew upgrade clawgate");
  if (/[\\/]node_modules[\\/]/.test(program))
    return /[\\/]_npx[\\/]/.test(program)
      ? as("npm", "by npx", "npx clawgate@latest")
      : as("npm", "by npm", "npm install --global clawgate@latest");
  if (isInContainer(facts))
    return as(
      "container",
      "in a container",
      "docker pull (or podman pull) the newer image, then start a container of it",
    );
  if (/^\/(?:usr\/(?:s?bin|lib)|s?bin|nix\/store|snap|gnu\/store)\//.test(program))
    return as("package", "by the system's package manager", "the package manager of this system");
  if (platform === "win32")
    return as("windows", "on Windows", "the newer clawgate-windows-x64.zip, unpacked over this one");
  return as("binary", "as a single file");
}

/** `npm run build` writes dist/clawgate beside src. */
function isBuiltInCheckout(program: string, exists: InstallationFacts["exists"]): boolean {
  const top = dirname(dirname(program));
  return exists(join(top, "src", "main.ts")) && exists(join(top, "package.json"));
}

/** The image sets CLAWGATE_CONTAINER; "0" says that this container is used like a machine of its own. */
function isInContainer({ environment, exists }: InstallationFacts): boolean {
  const named = environment["CLAWGATE_CONTAINER"];
  if (named !== undefined && named !== "") return !/^(?:0|no|false|off)$/i.test(named);
  return exists("/.dockerenv") || exists("/run/.containerenv");
}
