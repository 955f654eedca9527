// A folder held open: on Linux its files are reached through the open folder itself, so that nobody who swaps the folder
// for a link meanwhile can make us read or write elsewhere. It must never open a link.

import { constants } from "node:fs";
import { lstat, open } from "node:fs/promises";
import { errorCode } from "../system/files.ts";

export type PinnedFolder = {
  /** Good for paths below it until it is closed. */
  readonly path: string;
  sync(): Promise<void>;
  close(): Promise<void>;
};

/** Null: there is no such folder. Throws an Error with code ELOOP or ENOTDIR when it is a link or no folder. */
export async function pinFolder(path: string): Promise<PinnedFolder | null> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    const isLinux = process.platform === "linux";
    if (!isLinux && !(await lstat(path)).isDirectory()) {
      await handle.close();
      throw Object.assign(new Error(`${path} is no folder`), { code: "ENOTDIR" });
    }
    return {
      path: isLinux ? `/proc/self/fd/${handle.fd}` : path,
      async sync() {
        try {
          await handle.sync();
        } catch (error) {
          // Some network and container file systems cannot sync a folder; what was renamed in it is renamed.
          if (errorCode(error) !== "EINVAL" && errorCode(error) !== "ENOTSUP") throw error;
        }
      },
      close: () => handle.close(),
    };
  } catch (error) {
    if (errorCode(error) === "ENOENT") return null;
    throw error;
  }
}
