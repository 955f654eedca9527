// What a reload changed, named by the config's own keys, and how the files differ from the active config. It must never
// contain a value: it may be a key.

import type { LoadedConfig } from "./load.ts";
import type { Problem } from "./problems.ts";
import { stateDirectory } from "../system/state-directory.ts";

export type Changes = {
  readonly providers: {
    readonly added: readonly string[];
    readonly removed: readonly string[];
    readonly changed: readonly string[];
  };
  /** Everything else that differs: `auth.keys`, `static_rules.rules`, `aliases`. */
  readonly sections: readonly string[];
};

export type ReloadErrorCode = "config_invalid" | "shutting_down" | "at_capacity" | "internal_error";

export type ReloadReport = {
  /** False: the previous config stays active. */
  readonly ok: boolean;
  /** What triggered it: `signal`, `file`, `api`. */
  readonly reason: string;
  /** The active config file; null if there is none. */
  readonly config: string | null;
  readonly changed: Changes;
  /** Keys and variables that differ from what the process was started with, which take effect only after a restart. */
  readonly needsRestart: readonly string[];
  readonly notices: readonly string[];
  readonly error: {
    readonly code: ReloadErrorCode;
    readonly message: string;
    readonly problems: readonly Problem[];
  } | null;
};

/** A reload in one line. */
export function reloadSummary({ ok, changed, error }: ReloadReport): string {
  if (!ok) {
    const count = error?.problems.length ?? 0;
    return count === 0
      ? `failed: ${error?.code ?? "unknown"}`
      : `not valid: ${count} ${count === 1 ? "problem" : "problems"}`;
  }
  const { added, removed, changed: other } = changed.providers;
  const parts = [
    ...added.map((id) => `provider ${id} added`),
    ...removed.map((id) => `provider ${id} removed`),
    ...other.map((id) => `provider ${id}`),
    ...changed.sections,
  ];
  return parts.length === 0 ? "nothing changed" : `changed: ${parts.join(", ")}`;
}

/** How the files on disk relate to the active config. `invalidSinceMs` null: they are valid, as of the last check. */
export type ConfigDiskState = {
  readonly loadedAtMs: number;
  readonly invalidSinceMs: number | null;
  readonly problems: readonly string[];
  /** Keys and variables that differ from what the process was started with; they take effect only after a restart. */
  readonly needsRestart: readonly string[];
};

export const noChanges: Changes = { providers: { added: [], removed: [], changed: [] }, sections: [] };

/** Sections whose keys are names that the operator chose: a change is reported for the section as a whole. */
const namedSections: ReadonlySet<string> = new Set(["aliases", "mcp_servers"]);

export function changesBetween(before: LoadedConfig, after: LoadedConfig): Changes {
  const ids = Object.keys(before.config.providers);
  const nextIds = Object.keys(after.config.providers);
  const isEqual = (id: string): boolean => {
    const [one, other] = [before.config.providers[id], after.config.providers[id]];
    if (one === undefined || other === undefined || !Bun.deepEquals(one, other)) return false;
    const { auth } = one;
    if (typeof auth === "string" || auth.type !== "bearer-env") return true;
    return before.environment[auth.variable] === after.environment[auth.variable];
  };
  return {
    providers: {
      added: nextIds.filter((id) => !ids.includes(id)),
      removed: ids.filter((id) => !nextIds.includes(id)),
      changed: nextIds.filter((id) => ids.includes(id) && !isEqual(id)),
    },
    sections: sectionsThatDiffer(before.config, after.config),
  };
}

function sectionsThatDiffer(before: LoadedConfig["config"], after: LoadedConfig["config"]): string[] {
  const [one, other] = [entriesOf(before), entriesOf(after)];
  return [...new Set([...one.keys(), ...other.keys()])].flatMap((name) => {
    const [was, is] = [one.get(name), other.get(name)];
    if (name === "providers" || Bun.deepEquals(was, is)) return [];
    const isNamed = namedSections.has(name) || !isMap(was) || !isMap(is);
    if (isNamed) return [name];
    const [keys, nextKeys] = [entriesOf(was), entriesOf(is)];
    return [...new Set([...keys.keys(), ...nextKeys.keys()])].flatMap((key) =>
      Bun.deepEquals(keys.get(key), nextKeys.get(key)) ? [] : [`${name}.${key}`],
    );
  });
}

const isMap = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const entriesOf = (value: object): ReadonlyMap<string, unknown> =>
  new Map<string, unknown>(Object.entries(value));

/** What the process takes from its first config and keeps: socket, database, state directory. */
export function needsRestart(started: LoadedConfig, now: LoadedConfig): readonly string[] {
  const [was, is] = [started.config, now.config];
  const differing = (
    [
      ["server.host", was.server.host !== is.server.host],
      ["server.port", was.server.port !== is.server.port],
      ["metrics.enabled", was.metrics.enabled !== is.metrics.enabled],
      ["metrics.db_path", was.metrics.db_path !== is.metrics.db_path],
      ["metrics.retention_days", was.metrics.retention_days !== is.metrics.retention_days],
      ["metrics.max_mb", was.metrics.max_mb !== is.metrics.max_mb],
      ["metrics.log_requests", was.metrics.log_requests !== is.metrics.log_requests],
      [
        "metrics.log_routing_decisions",
        was.metrics.log_routing_decisions !== is.metrics.log_routing_decisions,
      ],
      ["CLAWGATE_STATE_DIR", stateDirectory(started.environment) !== stateDirectory(now.environment)],
      ["CLAWGATE_DB_PATH", started.environment["CLAWGATE_DB_PATH"] !== now.environment["CLAWGATE_DB_PATH"]],
    ] as const
  ).filter(([, differs]) => differs);
  return differing.map(([name]) => name);
}
