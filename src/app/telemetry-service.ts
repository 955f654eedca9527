// OpenTelemetry as one of the services: what the variables of the first config's environment say, and what the exporter must know of
// the providers and the endpoints.

import { proxyFor, readProxyVariables } from "../system/proxy.ts";
import type { ProviderSettings } from "../backends/settings.ts";
import type { LoadedConfig } from "../config/load.ts";
import { endpoints } from "../pipeline/endpoints.ts";
import type { Clock } from "../system/clock.ts";
import type { Log } from "../system/log.ts";
import { userAgent, version } from "../system/identity.ts";
import { providerFacts, type ProviderFacts } from "../telemetry/conventions.ts";
import { readTelemetrySettings } from "../telemetry/otel-variables.ts";
import { Telemetry } from "../telemetry/telemetry.ts";

type TelemetryServiceOptions = {
  readonly clock: Clock;
  readonly log: Log;
  readonly loaded: LoadedConfig;
  readonly fetch: typeof fetch;
};

export function createTelemetry(
  { clock, log, loaded, fetch: send }: TelemetryServiceOptions,
  settingsOf: (id: string) => ProviderSettings | undefined,
): Telemetry {
  const { environment } = loaded;
  const variables = readProxyVariables(environment);
  const routes = uniqueRoutes();
  // The same object for the same settings: a reload brings new ones.
  const known = new WeakMap<ProviderSettings, ProviderFacts>();
  return new Telemetry({
    settings: readTelemetrySettings(environment),
    version,
    instanceId: crypto.randomUUID(),
    userAgent,
    startedAtMs: clock.nowMs(),
    fetch: send,
    clock,
    log,
    proxyOf: (url) => proxyFor(url, null, variables),
    routeOf: (endpoint) => routes.get(endpoint),
    factsOf(id) {
      const settings = settingsOf(id);
      if (settings === undefined) return providerFacts(id, null, null);
      let facts = known.get(settings);
      if (facts === undefined) {
        facts = providerFacts(id, settings.backend, settings.base_url);
        known.set(settings, facts);
      }
      return facts;
    },
  });
}

/** Paths of the endpoints that have only one; the record names the endpoint, not the path. */
function uniqueRoutes(): ReadonlyMap<string, string> {
  const paths = Map.groupBy(endpoints, ({ name }) => name);
  return new Map(
    [...paths].flatMap(([name, rows]) =>
      rows.length === 1 && rows[0] !== undefined ? [[name, rows[0].path]] : [],
    ),
  );
}
