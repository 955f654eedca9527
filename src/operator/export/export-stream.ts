// GET /api/export: the stream of an export, pulled by the client. At most a few run at a time, because each reads the whole database.

import { atCapacity, Failure } from "../../canon/failure.ts";
import { readRequestQuery } from "../../canon/request-filters.ts";
import type { MetricsStore } from "../../metrics/metrics-store.ts";
import { exportText, exportTypes } from "./export-rows.ts";

export type ExportAnswer = {
  readonly contentType: string;
  /** For the file that a browser saves. */
  readonly fileName: string;
  readonly body: AsyncGenerator<string, void, void>;
};

const maxExports = 4;

const incomplete = (detail: string | null): Failure =>
  atCapacity(`An export would not be complete, because records cannot be written: ${detail ?? "unknown"}.`);

export class Exports {
  private readonly running = new Set<AbortController>();

  constructor(
    private readonly store: Pick<MetricsStore, "export" | "status">,
    private readonly nowMs: () => number,
  ) {}

  /** `signal` aborts when the client has gone. Throws Failure. */
  open(query: URLSearchParams, signal: AbortSignal): ExportAnswer {
    const nowMs = this.nowMs();
    const { filter, format, limit, cursor } = readRequestQuery(query, nowMs);
    if (cursor !== undefined)
      throw new Failure("invalid-request", "cursor: an export has no pages; use from and to.", {
        param: "cursor",
      });
    this.checkStore();
    if (this.running.size >= maxExports)
      throw atCapacity(`${maxExports} exports are running already, and each reads the whole database.`);
    const stopper = new AbortController();
    this.running.add(stopper);
    const end = (): void => {
      stopper.abort();
      this.running.delete(stopper);
    };
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
    const text = exportText(this.store.export(filter, stopper.signal), format, limit);
    return {
      contentType: exportTypes[format],
      fileName: `clawgate-requests-${new Date(nowMs).toISOString().slice(0, 10)}.${format}`,
      body: this.whole(text, stopper.signal, end),
    };
  }

  /** Said before the first byte: later the connection can only break. */
  private checkStore(): void {
    const { state, detail } = this.store.status();
    if (state === "disabled")
      throw new Failure("not-found", `No requests are recorded: ${detail ?? "metrics are off"}.`);
    if (state === "failed") throw incomplete(detail);
  }

  /** A shutdown waits for none. */
  stop(): void {
    for (const stopper of this.running) stopper.abort();
  }

  /** The connection breaks where an export could not be finished: what was received must not look like all of it. */
  private async *whole(
    text: AsyncGenerator<string, void, void>,
    signal: AbortSignal,
    end: () => void,
  ): AsyncGenerator<string, void, void> {
    try {
      for await (const piece of text) {
        yield piece;
        // A client that reads as fast as this writes would otherwise have the loop for itself.
        await new Promise((resolve) => setImmediate(resolve));
      }
      if (signal.aborted) throw new Failure("shutting-down", "The export was ended before it was complete.");
      // What could not be written meanwhile is missing.
      const { state, detail } = this.store.status();
      if (state === "failed") throw incomplete(detail);
    } finally {
      end();
    }
  }
}
