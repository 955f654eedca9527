// A file that is written piece by piece under another name and appears under its own only when it is complete. Whatever happens
// before that, no half file must be left under its name.

import { open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { randomToken } from "./secret.ts";

export type StreamedFile = {
  write(text: string | Uint8Array): Promise<void>;
  /** Makes it durable and gives it its name. */
  complete(): Promise<void>;
  /** Removes what was written. Idempotent; nothing happens once it is complete. */
  discard(): Promise<void>;
};

/** Throws what the file system throws. Only its owner may read it. */
export async function createStreamedFile(path: string): Promise<StreamedFile> {
  const folder = dirname(path);
  const partial = join(folder, `.${basename(path).slice(0, 100)}.${randomToken().slice(0, 8)}.part`);
  const file = await open(partial, "wx", 0o600);
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    await file.close();
  };
  let isComplete = false;
  return {
    async write(text) {
      await file.writeFile(text);
    },
    async complete() {
      await file.sync();
      await close();
      await rename(partial, path);
      isComplete = true;
      await syncFolder(folder);
    },
    async discard() {
      await close();
      if (!isComplete) await rm(partial, { force: true });
    },
  };
}

/** Otherwise the new name may be lost with the power. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
