// What loading the config needs from the machine, derived from the context of a command: files, their modes, the variables.

import { readFileSync, statSync } from "node:fs";
import type { OfflineInput } from "../app/offline/offline-config.ts";
import { isInContainer, keptOwnKey } from "../app/own-key.ts";
import { errorCode } from "../system/files.ts";
import { UntrustedFile, untrustedReason } from "../system/trusted-file.ts";
import type { CommandContext } from "./command.ts";

/** Null if there is no such file; throws if it exists and cannot be read. */
export function readFile(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (thrown) {
    if (errorCode(thrown) === "ENOENT" || errorCode(thrown) === "ENOTDIR") return null;
    throw thrown;
  }
}

/** The same for a file that was found automatically. Throws UntrustedFile. */
export function readFound(path: string): string | null {
  const reason = untrustedReason(path);
  if (reason !== null) throw new UntrustedFile(reason);
  return readFile(path);
}

export function fileMode(path: string): number | null {
  // On a system without owners, modes say nothing of who may read.
  if (process.getuid === undefined) return null;
  try {
    return statSync(path).mode & 0o777;
  } catch {
    return null;
  }
}

/** For commands that read the config without starting a gateway. */
export function offlineInput(context: CommandContext, configPath: string | undefined): OfflineInput {
  return {
    argvConfigPath: configPath,
    environment: context.environment,
    workingDirectory: context.workingDirectory,
    homeDirectory: context.homeDirectory,
    readFile,
    readFound,
    fileMode,
    isDemo: false,
    ...(isInContainer(context.environment) ? { flags: { ownKey: keptOwnKey } } : {}),
    stderr: context.stderr,
    reported: new Set(),
  };
}
