// Tracks processes that are being stopped in the background; a shutdown waits until all are gone.

import type { AgentProcess } from "./child-process.ts";

export type StopHow = { readonly atOnce?: true };

export class Disposal {
  private readonly stopping = new Set<Promise<void>>();

  /** `onTrouble` is called when a process could not be stopped. */
  constructor(private readonly onTrouble: (error: unknown) => void) {}

  dispose(child: AgentProcess, how: StopHow = {}): void {
    const stopped = child
      .stop(how)
      .catch(this.onTrouble)
      .finally(() => this.stopping.delete(stopped));
    this.stopping.add(stopped);
  }

  count(): number {
    return this.stopping.size;
  }

  /** Settles when none is left, including those added meanwhile. */
  async settled(): Promise<void> {
    while (this.stopping.size > 0) await Promise.all(this.stopping);
  }
}
