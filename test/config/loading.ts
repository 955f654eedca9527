// Loads a config from texts instead of files, for the tests of this folder.

import { type LoadedConfig, type LoadInput, loadConfig } from "../../src/config/load.ts";
import { ConfigProblem, type Problem } from "../../src/config/problems.ts";

export type LoadOptions = {
  readonly files?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly flags?: LoadInput["flags"];
  readonly named?: string;
  readonly mode?: number;
  readonly backends?: LoadInput["availableBackends"];
};

export function inputOf(options: LoadOptions): LoadInput {
  const files = options.files ?? {};
  return {
    argvConfigPath: options.named,
    environment: options.environment ?? {},
    workingDirectory: "/work",
    homeDirectory: "/home/user",
    readFile: (path) => files[path] ?? null,
    fileMode: () => options.mode ?? 0o600,
    availableBackends: options.backends ?? new Set(["openai-compat", "anthropic", "demo"]),
    ...(options.flags === undefined ? {} : { flags: options.flags }),
  };
}

export function load(yaml: string, options: LoadOptions = {}): LoadedConfig {
  return loadConfig(inputOf({ ...options, files: { ...options.files, "/work/config.yaml": yaml } }));
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

export function problems(yaml: string, options: LoadOptions = {}): readonly Problem[] {
  return problemsIn(() => load(yaml, options));
}
