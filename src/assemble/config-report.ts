// The answer of GET /api/config: which config is in force and since when, what lies over its file, and where the file on the disk
// says something else by now. It must never take over what it reads, nor show a secret.

import type { LoadedConfig } from "../config/load.ts";
import { ConfigProblem, problemText } from "../config/problems.ts";
import { isScarcity } from "../system/descriptors.ts";
import type { HouseEstate } from "./estate.ts";
import type { Assembled } from "./generation.ts";
import type { DiskStanding } from "./reload.ts";
import { type Changes, changesBetween, noChanges } from "./reload-report.ts";
import { shownConfig } from "./shown-config.ts";

export type ConfigReport = {
  /** Null: no file, the gateway serves what it found. */
  readonly path: string | null;
  /** Nobody named the file: the gateway was started beside it. */
  readonly is_merely_found: boolean;
  readonly loaded_at: string;
  readonly invalid_since: string | null;
  /** Flags and variables that lie over the file. */
  readonly overrides: readonly { readonly key: string; readonly from: string }[];
  readonly needs_restart: readonly string[];
  readonly disk: {
    /** `none`: there is no file to compare with. */
    readonly state: "same" | "differs" | "invalid" | "none";
    readonly path: string | null;
    readonly changed: Changes;
    readonly problems: readonly string[];
  };
  /** What is in force, secrets masked. */
  readonly values: unknown;
};

/** Reads what a reload would take over; null: there is no file. Throws ConfigProblem. */
export type Peek = () => Promise<LoadedConfig | null>;

export async function configReport(
  estate: HouseEstate,
  { loaded }: Assembled,
  standing: DiskStanding,
  peek: Peek,
): Promise<ConfigReport> {
  const { path, config, isMerelyFound, origins } = loaded;
  const iso = (atMs: number): string => new Date(atMs).toISOString();
  return {
    path,
    is_merely_found: isMerelyFound,
    loaded_at: iso(standing.loadedAtMs),
    invalid_since: standing.invalidSinceMs === null ? null : iso(standing.invalidSinceMs),
    overrides: [...origins].flatMap(([key, { text, isFile }]) => (isFile ? [] : [{ key, from: text }])),
    needs_restart: standing.needsRestart,
    disk: await diskOf(loaded, peek, estate.redact),
    values: shownConfig(config, estate.redact),
  };
}

async function diskOf(
  loaded: LoadedConfig,
  peek: Peek,
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
      return { state: "none", path: null, changed: noChanges, problems: ["it cannot be read just now"] };
    if (!(thrown instanceof ConfigProblem)) throw thrown;
    const problems = thrown.problems.map((problem) => redact(problemText(problem)));
    return { state: "invalid", path: loaded.path, changed: noChanges, problems };
  }
}
