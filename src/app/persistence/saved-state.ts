// State that survives a restart: the state store, tenant spending, and what was learned of providers.

import { join } from "node:path";
import { createHealthTracker, type HealthTracker } from "../../backends/health/health-tracker.ts";
import type { LoadedConfig } from "../../config/load.ts";
import type { MetricsStore } from "../../metrics/metrics-store.ts";
import { createMemoryStore } from "../../state/memory-store.ts";
import { openSlots } from "../../state/slots.ts";
import { SqliteStateStore } from "../../state/sqlite-state-store.ts";
import type { StateStore } from "../../state/state-store.ts";
import type { Clock } from "../../system/clock.ts";
import type { Log } from "../../system/log.ts";
import { stateDirectoryFrom } from "../../system/state-directory.ts";
import { createSavedHealth, type SavedHealth } from "./saved-health.ts";
import { createSavedSessions, type SavedSessions } from "./saved-sessions.ts";
import { createSavedVendorIds, type SavedVendorIds } from "./saved-vendor-ids.ts";
import { createSavedSpending, type SavedMemorySpending } from "./saved-spending.ts";

export type SavedState = {
  readonly state: StateStore;
  readonly spending: SavedMemorySpending;
  readonly savedSessions: SavedSessions;
  readonly savedVendorIds: SavedVendorIds;
  readonly health: HealthTracker;
  readonly savedHealth: SavedHealth;
};

export type SavedStateOptions = {
  readonly clock: Clock;
  readonly log: Log;
  readonly loaded: LoadedConfig;
  readonly currentConfig: () => LoadedConfig;
  readonly redact: (text: string) => string;
  readonly records: MetricsStore;
  /** Absent: nothing is kept after this process. */
  readonly stateDirectory?: string;
  readonly mayOpenState?: () => boolean;
};

export function openSavedState(options: SavedStateOptions): SavedState {
  const { clock, log, stateDirectory, mayOpenState } = options;
  const state =
    stateDirectory === undefined
      ? createMemoryStore(clock.nowMs)
      : new SqliteStateStore({
          path: join(stateDirectory, "state.db"),
          from: stateDirectoryFrom(options.loaded.environment),
          clock,
          log,
          mayOpen: mayOpenState ?? (() => true),
        });
  const slots =
    stateDirectory === undefined ? null : openSlots(join(stateDirectory, "spent.slots"), mayOpenState);
  const spending = createSavedSpending({ store: state, slots, records: options.records, clock, log });
  const savedSessions = createSavedSessions({ store: state, clock, log });
  const savedVendorIds = createSavedVendorIds({ store: state, clock, log });
  const savedHealth = createSavedHealth({ store: state, health: () => health, clock, log });
  const health = trackHealth(options, savedHealth.changed);
  return { state, spending, savedSessions, savedVendorIds, health, savedHealth };
}

function trackHealth(
  { clock, log, redact, currentConfig }: SavedStateOptions,
  changed: (provider: string) => void,
): HealthTracker {
  return createHealthTracker({
    settings: () => {
      const { health, routing } = currentConfig().config;
      return {
        ejectAfter: health.consecutive_failures_before_skip,
        openMs: health.recovery_check_interval_seconds * 1000,
        avoidAbove: routing.avoid_above ?? null,
      };
    },
    nowMs: clock.nowMs,
    redact,
    alarm: (provider, message) => log.warn(`provider ${provider} ${message}`, { provider }),
    changed,
  });
}
