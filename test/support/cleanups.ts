// Releases everything that a test created and started when it ends: the newest first, and all of it, even if one step fails.

import { afterEach } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class Cleanups {
  readonly #pending: (() => unknown)[] = [];

  push(...steps: readonly (() => unknown)[]): void {
    this.#pending.push(...steps);
  }

  /** A new temporary folder, removed at the end. */
  folder(prefix: string): string {
    const path = mkdtempSync(join(tmpdir(), prefix));
    this.push(() => rmSync(path, { recursive: true, force: true }));
    return path;
  }

  /** Returns its argument, and stops it at the end. */
  stopAtEnd<T extends { stop(): unknown }>(started: T): T {
    this.push(() => started.stop());
    return started;
  }

  async run(): Promise<void> {
    const problems: unknown[] = [];
    for (const step of this.#pending.splice(0).toReversed())
      try {
        await step();
      } catch (problem) {
        problems.push(problem);
      }
    if (problems.length > 0) throw problems[0];
  }
}

/** Called at the top of a test file: runs after each of its tests. */
export function cleanupsAfterEach(): Cleanups {
  const cleanups = new Cleanups();
  afterEach(() => cleanups.run());
  return cleanups;
}
