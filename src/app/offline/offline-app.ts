// The app without a server: config, providers and router for a command when no gateway runs. It does not listen, records nothing
// and writes nothing to the state directory.

import { redactorFor } from "../../canon/redact.ts";
import { systemClock } from "../../system/clock.ts";
import { createLog, streamWriter } from "../../system/log.ts";
import { createServices, type AppServices } from "../app-services.ts";
import { type ConfigSnapshot, createConfigSnapshot } from "../config-snapshot.ts";
import { loadOffline, type OfflineInput } from "./offline-config.ts";

export type OfflineApp = {
  readonly snapshot: ConfigSnapshot;
  readonly services: AppServices;
  close(): Promise<void>;
};

/** Throws ConfigProblem. */
export async function openOfflineApp(input: OfflineInput): Promise<OfflineApp> {
  const loaded = await loadOffline(input);
  let started: AppServices | null = null;
  const withoutNames = redactorFor([]);
  const services = createServices({
    clock: systemClock,
    log: createLog({
      level: "error",
      pretty: true,
      write: streamWriter(input.stderr),
      clock: systemClock,
      redact: (text) => (started === null ? withoutNames(text) : started.redact(text)),
    }),
    loaded,
    workingDirectory: input.workingDirectory,
    homeDirectory: input.homeDirectory,
    fetch,
    currentConfig: () => loaded,
  });
  started = services;
  return {
    snapshot: createConfigSnapshot(loaded, services, null),
    services,
    close: () => services.store.close(),
  };
}
