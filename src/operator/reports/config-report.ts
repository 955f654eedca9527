// The answer of GET /api/config: which config is active and since when, what overrides its file, and how the file on disk differs
// from it. It must never apply what it reads, nor show a secret.

import type { LoadedConfig } from "../../config/load.ts";
import { ConfigProblem, problemText } from "../../config/problems.ts";
import { isScarcity } from "../../system/descriptors.ts";
import { type Changes, changesBetween, type ConfigDiskState, noChanges } from "../../config/changes.ts";
import { maskedConfig } from "./masked-config.ts";

export type ConfigReport = {
  /** Null: no file; the gateway serves what discovery found. */
  readonly path: string | null;
  /** The file was not named explicitly: the gateway was started in its folder. */
  readonly is_merely_found: boolean;
  readonly loaded_at: string;
  readonly invalid_since: string | null;
  /** Flags and variables that override the file. */
  readonly overrides: readonly { readonly key: string; readonly from: string }[];
  readonly needs_restart: readonly string[];
  readonly disk: {
    /** `none`: there is no file to compare with. */
    readonly state: "same" | "differs" | "invalid" | "none";
    readonly path: string | null;
    readonly changed: Changes;
    readonly problems: readonly string[];
  };
  /** The active values, secrets masked. */
  readonly values: unknown;
};

/** Reads what a reload would apply; null: there is no file. Throws ConfigProblem. */
export type PeekConfig = () => Promise<LoadedConfig | null>;

export async function configReport(
  loaded: LoadedConfig,
  diskState: ConfigDiskState,
  peek: PeekConfig,
  redact: (text: string) => string,
): Promise<ConfigReport> {
  const { path, config, isUnnamed, origins } = loaded;
  const iso = (atMs: number): string => new Date(atMs).toISOString();
  return {
    path,
    is_merely_found: isUnnamed,
    loaded_at: iso(diskState.loadedAtMs),
    invalid_since: diskState.invalidSinceMs === null ? null : iso(diskState.invalidSinceMs),
    overrides: [...origins].flatMap(([key, { text, isFile }]) => (isFile ? [] : [{ key, from: text }])),
    needs_restart: diskState.needsRestart,
    disk: await diskOf(loaded, peek, redact),
    values: maskedConfig(config, redact),
  };
}

async function diskOf(
  loaded: LoadedConfig,
  peek: PeekConfig,
  redact: (text: string) => string,
): Promise<ConfigReport["disk"]> {
  try {
    const fresh = await peek();
    if (fresh === null) return { state: "none", path: null, changed: noChanges, problems: [] };
    const changed = changesBetween(loaded, fresh);
    const { added, removed, changed: other } = changed.providers;
    const isSame =
      fresh.path === loaded.path &&
      [added, removed, other, changed.sections].every((each) => each.length === 0);
    return { state: isSame ? "same" : "differs", path: fresh.path, changed, problems: [] };
  } catch (thrown) {
    if (isScarcity(thrown))
      return { state: "none", path: null, changed: noChanges, problems: ["it cannot be read at the moment"] };
    if (!(thrown instanceof ConfigProblem)) throw thrown;
    const problems = thrown.problems.map((problem) => redact(problemText(problem)));
    return { state: "invalid", path: loaded.path, changed: noChanges, problems };
  }
}
