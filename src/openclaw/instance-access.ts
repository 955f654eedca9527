// How an instance's files are reached: as files of this machine if they can be read and replaced here, otherwise through the running
// container. It only checks.

import { dirname, join } from "node:path";
import { PathProblem } from "../system/folder-handle.ts";
import { type FileKind, mayReplaceHere, type LocatedFile } from "./file-access.ts";
import type { Instance } from "./instances.ts";

export type InstanceFile = LocatedFile & { readonly path: string; readonly container: string | null };

export type InstanceAccess = {
  /** Null: on this machine. */
  readonly container: string | null;
  readonly config: InstanceFile;
  readonly env: InstanceFile;
};

/** A string explains why there is none: half a sentence for a person. */
export async function accessTo(instance: Instance): Promise<InstanceAccess | string> {
  const { container, configPath, stateDir, insideConfigPath, insideStateDir } = instance;
  if (instance.isReadOnly === true)
    return "its files are in a mount that is read-only for its container: change them there by hand (`clawgate setup --print`)";
  if (configPath !== null && stateDir !== null) {
    const own = ownFolders(stateDir, configPath);
    const here: InstanceAccess = {
      container: null,
      config: fileAt(null, "openclaw", configPath, instance.configBelow ?? own.config),
      env: fileAt(null, "env", join(stateDir, ".env"), instance.stateBelow ?? own.env),
    };
    // For a local instance the error itself is useful; a container's folder may belong only to its user or its engine.
    if (container === null) return here;
    const may = await mayReplaceAll([here.config, here.env]);
    if (typeof may === "string") return may;
    if (may) return here;
  }
  if (container === null) return "the location of its files is unknown";
  if (insideConfigPath === null || insideStateDir === null)
    return "its OPENCLAW_STATE_DIR, OPENCLAW_CONFIG_PATH or OPENCLAW_HOME is not a path";
  if (!instance.isRunning)
    return "its files are visible only inside the container, which is not running: start it and try again";
  return {
    container,
    config: fileAt(container, "openclaw", insideConfigPath, null),
    env: fileAt(container, "env", join(insideStateDir, ".env"), null),
  };
}

/** The state folder of a local instance may be a link of its user's own; its content may not be. */
function ownFolders(stateDir: string, configPath: string): { readonly config: string; readonly env: string } {
  return { config: configPath.startsWith(`${stateDir}/`) ? stateDir : dirname(configPath), env: stateDir };
}

const fileAt = (
  container: string | null,
  kind: FileKind,
  path: string,
  below: string | null,
): InstanceFile => ({ path, container, kind, below });

async function mayReplaceAll(files: readonly InstanceFile[]): Promise<boolean | string> {
  try {
    for (const { path, below } of files) if (!(await mayReplaceHere(path, below ?? null))) return false;
    return true;
  } catch (error) {
    if (error instanceof PathProblem) return error.message;
    throw error;
  }
}
