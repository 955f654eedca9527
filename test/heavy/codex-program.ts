// The real `codex` program in the version of this run. It must never log in, and never leave loopback but for npm.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { clientVersion } from "../../scripts/client-versions.ts";
import { installed } from "./install.ts";

/** For a look at another one CODEX_VERSION=0.171.0. */
export const codexVersion = clientVersion("codex");

export function codexProgram(): string {
  // The package proper only finds and starts this one, which it names as an alias of its own.
  const platform = `${process.platform}-${process.arch}`;
  const name = `@openai/codex-${platform}`;
  const vendor = join("node_modules", name, "vendor");
  const folder = installed("codex", [`${name}@npm:@openai/codex@${codexVersion}-${platform}`], vendor);
  const programs = readdirSync(join(folder, vendor)).map((triple) =>
    join(folder, vendor, triple, "bin", "codex"),
  );
  const program = programs.find((path) => existsSync(path));
  if (program === undefined) throw new Error(`No codex program below ${join(folder, vendor)}.`);
  return program;
}
