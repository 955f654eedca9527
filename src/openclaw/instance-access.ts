// By which road an instance's files are reached: as files of this machine where they can be read and replaced, else through
// the running container. It only looks.

import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { dirname } from "node:path";
import type { FilePlace, PlaceOf } from "./file-place.ts";
import type { Instance } from "./instances.ts";

export type InstanceAccess = {
  /** Null: on this machine. */
  readonly container: string | null;
  readonly configPath: string;
  readonly stateDir: string;
  readonly place: FilePlace;
};

/** A string says why there is none: half a sentence for a person. */
export async function accessTo(instance: Instance, placeOf: PlaceOf): Promise<InstanceAccess | string> {
  const { container, configPath, stateDir, insideConfigPath, insideStateDir } = instance;
  if (configPath !== null && stateDir !== null) {
    const here = { container: null, configPath, stateDir, place: placeOf(null) };
    // Of one on this machine the fault itself is worth saying; a container's folder may be its user's or its engine's alone.
    if (container === null || (await mayReplaceIn([dirname(configPath), stateDir], configPath))) return here;
  }
  if (container === null || insideConfigPath === null || insideStateDir === null)
    return "nobody knows where its files are";
  if (!instance.isRunning)
    return "its files are to be seen from inside only, and the container does not run: start it and try again";
  return {
    container,
    configPath: insideConfigPath,
    stateDir: insideStateDir,
    place: placeOf(container),
  };
}

async function mayReplaceIn(folders: readonly string[], file: string): Promise<boolean> {
  try {
    for (const folder of folders) await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    return false;
  }
  return access(file, constants.R_OK).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code === "ENOENT",
  );
}
