// A folder, a clock and a log for the tests of state.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SqliteStateStore } from "../../src/state/sqlite-state-store.ts";
import type { StateStore } from "../../src/state/state-store.ts";
import { type FakeClock, fakeClock } from "../support/clock.ts";

export type StateFixture = {
  readonly folder: string;
  readonly path: string;
  readonly clock: FakeClock;
  /** `warn what`, `info what`. */
  readonly log: string[];
  open(mayOpen?: () => boolean): StateStore;
  remove(): void;
};

export function createStateFixture(): StateFixture {
  const folder = mkdtempSync(join(tmpdir(), "clawgate-state-"));
  const path = join(folder, "state.db");
  const clock = fakeClock();
  const log: string[] = [];
  return {
    folder,
    path,
    clock,
    log,
    open: (mayOpen = () => true) =>
      new SqliteStateStore({
        path,
        clock,
        mayOpen,
        log: {
          info: (message) => void log.push(`info ${message}`),
          warn: (message) => void log.push(`warn ${message}`),
        },
      }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
