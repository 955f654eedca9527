// `clawgate providers test` when no gateway runs: the same small request from the config alone. It is not recorded.

import { ulid } from "../../canon/id.ts";
import { openOfflineApp } from "./offline-app.ts";
import type { OfflineInput } from "./offline-config.ts";
import { type ProviderTest, testProvider } from "../../operator/provider-test.ts";

export type OfflineTests = {
  /** Loaded providers in the config's order. */
  readonly ids: readonly string[];
  /** Throws Failure not-found. */
  test(provider: string, model: string | null): Promise<ProviderTest>;
  close(): Promise<void>;
};

/** Throws ConfigProblem. */
export async function openOfflineTests(input: OfflineInput): Promise<OfflineTests> {
  const { snapshot, services, close } = await openOfflineApp(input);
  return {
    ids: [...snapshot.pipeline.providers.keys()],
    test: (provider, model) =>
      testProvider(snapshot, services, {
        provider,
        model,
        signal: new AbortController().signal,
        admission: {
          requestId: ulid(services.clock.nowMs()),
          arrivedMs: services.clock.monotonicMs(),
          caller: { tenant: null, keyId: null, isAdmin: true },
          connection: null,
        },
      }),
    close,
  };
}
