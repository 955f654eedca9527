// The wait for a turn at a provider that has none free, seen by the operator and kept in the record. Callers must first
// try to take a free turn, which needs no promise.

import type { QueueRefusal, Turn } from "../../tenants/queue.ts";
import type { Provider } from "../dependencies.ts";
import type { Run } from "../run.ts";
import { logWait } from "../debug-log.ts";

/** Rejects with the reason of the request's abort. */
export async function waitForTurn(
  run: Run,
  provider: Provider,
  goesFirst: () => Promise<boolean>,
): Promise<Turn | QueueRefusal> {
  const { context, live } = run;
  const { clock } = run.services;
  const startedMs = clock.monotonicMs();
  try {
    return await provider.queue.take(context.signal, {
      tenant: context.tenant,
      goesFirst: await goesFirst(),
      onPlace: (place) => {
        live.waitsAt = { provider: provider.id, place };
      },
    });
  } finally {
    live.waitsAt = null;
    const waitedMs = clock.monotonicMs() - startedMs;
    run.queueWaitMs += waitedMs;
    logWait(
      run,
      `a slot at ${provider.id}`,
      waitedMs,
      context.abortReason === null ? "over" : "the request ended",
    );
  }
}
