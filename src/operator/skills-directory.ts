// The folder of the tenants' skills, for the commands that fill it. It must be the one that the CLI provider reads.

import { dirname, join } from "node:path";
import type { LoadedConfig } from "../config/load.ts";
import { stateDirectory } from "../system/state-directory.ts";
import { relativeToConfig } from "../backends/claude-code/program-plan.ts";

export function skillsDirectoryOf({ config, path, environment }: LoadedConfig): string {
  const { dir } = config.skills;
  if (dir === undefined) return join(stateDirectory(environment), "skills");
  return relativeToConfig(path === null ? null : dirname(path), dir, environment);
}
