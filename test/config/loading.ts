// Loads a config from texts instead of files, for the tests of this folder.

import { type LoadedConfig, type LoadInput, loadConfig } from "../../src/config/load.ts";
import { ConfigProblem, type Problem } from "../../src/config/problems.ts";

export type Surroundings = {
  readonly files?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly flags?: LoadInput["flags"];
  readonly named?: string;
  readonly mode?: number;
  readonly backends?: LoadInput["availableBackends"];
};

export function inputOf(surroundings: Surroundings): LoadInput {
  const files = surroundings.files ?? {};
  return {
    argvConfigPath: surroundings.named,
    environment: surroundings.environment ?? {},
    workingDirectory: "/work",
    homeDirectory: "/home/user",
    readFile: (path) => files[path] ?? null,
    fileMode: () => surroundings.mode ?? 0o600,
    availableBackends: surroundings.backends ?? new Set(["openai-compat", "anthropic", "demo"]),
    ...(surroundings.flags === undefined ? {} : { flags: surroundings.flags }),
  };
}

export function load(yaml: string, surroundings: Surroundings = {}): LoadedConfig {
  return loadConfig(
    inputOf({ ...surroundings, files: { ...surroundings.files, "/work/config.yaml": yaml } }),
  );
}

export function problemsIn(run: () => unknown): readonly Problem[] {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigProblem) return error.problems;
    throw error;
  }
  return [];
}

export function problems(yaml: string, surroundings: Surroundings = {}): readonly Problem[] {
  return problemsIn(() => load(yaml, surroundings));
}
