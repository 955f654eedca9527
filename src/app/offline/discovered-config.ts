// The providers that a gateway without a config file would serve, in the form of a config file: for `clawgate setup`, whose new
// file must not switch them off. It must never contain a key: keys stay in their variables.

import { localServers, vendors } from "../../backends/http/vendors.ts";
import { type Discovered, discover, portIn, variablesOf } from "../../config/discovery.ts";
import { findOnPath } from "../../system/process.ts";
import { offlineEnvironment, type OfflineInput } from "./offline-config.ts";
import { probeModels } from "../providers/model-server-probe.ts";
import { availableBackends } from "../providers/loaded-provider.ts";

export function discoveredConfig(input: OfflineInput): Promise<Discovered> {
  const variables = [...vendors, ...localServers].flatMap((row) => variablesOf(row));
  const environment = offlineEnvironment(input, variables);
  return discover(environment, availableBackends, {
    vendors,
    localServers,
    probe: probeModels,
    which: (program) => findOnPath(program, environment["PATH"]),
    isDemo: false,
    port: portIn(environment),
  });
}
