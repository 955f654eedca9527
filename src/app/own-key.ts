// The gateway's own client key, for a container that is started without any: made at the first start, shown once, kept as a hash.
// A config with keys or tenants never uses it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigProblem } from "../config/problems.ts";
import { errorCode, replaceFile } from "../system/files.ts";
import { randomKey, sha256Hex } from "../system/secret.ts";
import { type Environment, openStateDirectory, stateDirectory } from "../system/state-directory.ts";
import type { LoadedConfig } from "../config/load.ts";

const fileName = "client-key";

/** Set by the container image. Only the process's own variables count: a `.env` says nothing of where the program runs. */
export function isInContainer(environment: Environment): boolean {
  return /^(?:1|true|yes|on)$/i.test(environment["CLAWGATE_CONTAINER"] ?? "");
}

const keyPath = (environment: Environment): string => join(stateDirectory(environment), fileName);

/**
 * The hash that is kept, or null. A file with anything else is returned in a form that the config's validation refuses: a key
 * that cannot be read must not be replaced unasked.
 */
export function keptOwnKey(environment: Environment): string | null {
  let text: string;
  try {
    text = readFileSync(keyPath(environment), "utf8").trim();
  } catch (thrown) {
    if (errorCode(thrown) === "ENOENT" || errorCode(thrown) === "ENOTDIR") return null;
    throw thrown;
  }
  return text.startsWith("sha256:") ? text : "sha256:";
}

/** What the user is shown once. */
export type MadeKey = { readonly key: string; readonly path: string };

/** The own key of one start: a new one counts only until the start is over, because nobody would know it afterwards. */
export class OwnKey {
  private made = randomKey();
  private readonly madeHash = `sha256:${sha256Hex(this.made)}`;
  private isStarting = true;

  /** For the config loader. */
  readonly hash = (environment: Environment): string | null =>
    keptOwnKey(environment) ?? (this.isStarting ? this.madeHash : null);

  /** Keeps the new key if the loaded config uses it, and returns it. Throws ConfigProblem if it cannot be kept. */
  async keep({ config, environment }: LoadedConfig): Promise<MadeKey | null> {
    const key = this.made;
    this.made = "";
    this.isStarting = false;
    if (!config.auth.keys.includes(this.madeHash)) return null;
    const path = keyPath(environment);
    try {
      await openStateDirectory(environment);
      await replaceFile(path, `${this.madeHash}\n`, { mode: 0o600 });
    } catch (thrown) {
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      throw new ConfigProblem([
        {
          path,
          line: null,
          key: "auth.keys",
          message: `no key is configured, and a new one cannot be kept: ${reason}`,
          hint: "mount a volume that this user can write to, or set PROXY_API_KEYS",
        },
      ]);
    }
    return { key, path };
  }
}
