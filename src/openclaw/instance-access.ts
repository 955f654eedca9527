// How an instance's files are reached: as files of this machine where they can be read and replaced, else through
// the running container. It only looks.

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

/** A string says why there is none: half a sentence for a person. */
export async function accessTo(instance: Instance): Promise<InstanceAccess | string> {
  const { container, configPath, stateDir, insideConfigPath, insideStateDir } = instance;
  if (instance.isReadOnly === true)
    return "its files lie in a mount that its container may only read: change them there by hand (`clawgate setup --print`)";
  if (configPath !== null && stateDir !== null) {
    const own = ownFolders(stateDir, configPath);
    const here: InstanceAccess = {
      container: null,
      config: fileAt(null, "openclaw", configPath, instance.configBelow ?? own.config),
      env: fileAt(null, "env", join(stateDir, ".env"), instance.stateBelow ?? own.env),
    };
    // Of one on this machine the fault itself is worth saying; a container's folder may be its user's or its engine's alone.
    if (container === null) return here;
    const may = await mayReplaceAll([here.config, here.env]);
    if (typeof may === "string") return may;
    if (may) return here;
  }
  if (container === null) return "nobody knows where its files are";
  if (insideConfigPath === null || insideStateDir === null)
    return "its OPENCLAW_STATE_DIR, OPENCLAW_CONFIG_PATH or OPENCLAW_HOME is no path";
  if (!instance.isRunning)
    return "its files are to be seen from inside only, and the container does not run: start it and try again";
  return {
    container,
    config: fileAt(container, "openclaw", insideConfigPath, null),
    env: fileAt(container, "env", join(insideStateDir, ".env"), null),
  };
}

/** Of an instance of this machine the folder of its state may be a link of its user's own; what lies in it may not. */
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
