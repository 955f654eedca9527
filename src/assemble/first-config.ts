// The providers that a gateway without a config file would serve, as a config file would say them: for set-up, whose file
// must not switch them off. It must never hold a key: they stay in their variables.

import { localServers, vendors } from "../backends/http/vendors.ts";
import { type Discovered, discover, keyVariablesOf } from "../config/discovery.ts";
import { findOnPath } from "../system/process.ts";
import { environmentHere, type OfflineInput } from "./offline.ts";
import { probeModels } from "./probe.ts";
import { availableBackends } from "./providers.ts";

export function firstConfig(input: OfflineInput): Promise<Discovered> {
  const keys = [...vendors, ...localServers].flatMap((row) => keyVariablesOf(row));
  const environment = environmentHere(input, keys);
  return discover(environment, availableBackends, {
    vendors,
    localServers,
    probe: probeModels,
    which: (program) => findOnPath(program, environment["PATH"]),
    isDemo: false,
  });
}
