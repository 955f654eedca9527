// A free check of providers that have not been used recently. A failed check counts as one failure; a successful one never closes a
// circuit that real traffic opened, because a model list proves nothing about models.

import type { ConfigSnapshot } from "./config-snapshot.ts";
import type { AppServices } from "./app-services.ts";

/** Returns the function that stops it. */
export function startProviderChecks(
  { clock, health }: Pick<AppServices, "clock" | "health">,
  current: () => ConfigSnapshot,
): () => void {
  const running = new Set<AbortController>();
  let isStopped = false;
  let cancel = (): void => undefined;

  const checkIdleProviders = async (): Promise<void> => {
    const { loaded, pipeline } = current();
    const settings = loaded.config.health;
    const idle = [...pipeline.providers.values()].filter(({ id, backend }) => {
      const lastMs = health.lastUsedMs(id);
      return (
        backend.check !== undefined &&
        (lastMs === null || clock.nowMs() - lastMs >= settings.check_interval_seconds * 1000)
      );
    });
    await Promise.all(
      idle.map(async ({ id, backend }) => {
        const abort = new AbortController();
        running.add(abort);
        const stop = clock.setTimer(settings.timeout_seconds * 1000, () => abort.abort());
        const failure = await backend.check?.(abort.signal);
        stop();
        running.delete(abort);
        // After a reload in between, the result belongs to another provider.
        const isCurrent = current().pipeline.providers.get(id)?.backend === backend;
        if (!isStopped && isCurrent && failure !== undefined) health.probed(id, failure);
      }),
    );
  };
  const schedule = (): void => {
    const seconds = current().loaded.config.health.check_interval_seconds;
    // 0 switches it off; the setting is read each time, because a reload may switch it on.
    cancel = clock.setTimer((seconds === 0 ? 60 : seconds) * 1000, () => {
      void (seconds === 0 ? Promise.resolve() : checkIdleProviders()).finally(() => {
        if (!isStopped) schedule();
      });
    });
  };
  schedule();
  return () => {
    isStopped = true;
    cancel();
    for (const abort of running) abort.abort();
  };
}
