// The options that choose which gateway a command uses, and the variables that follow from them.

import type { ParseArgsOptionsConfig } from "node:util";
import { offlineEnvironment } from "../app/offline/offline-config.ts";
import type { Environment } from "../system/state-directory.ts";
import type { CommandContext } from "./command.ts";
import { offlineInput } from "./config-input.ts";

export const gatewayOptions = {
  json: { type: "boolean", default: false },
  "state-dir": { type: "string" },
  config: { type: "string" },
} as const satisfies ParseArgsOptionsConfig;

export const gatewayOptionsHelp = `  --state-dir DIR state directory of the gateway (default: as the gateway finds it: $CLAWGATE_STATE_DIR, ...)
  --config FILE   config file, as for serve (only to find its .env; the gateway reads the one it was started with)
  -h, --help      this text
`;

type GatewayOptionValues = {
  readonly "state-dir"?: string | undefined;
  readonly config?: string | undefined;
};

export function gatewayEnvironment(context: CommandContext, values: GatewayOptionValues): Environment {
  const directory = values["state-dir"];
  if (directory !== undefined) return { ...context.environment, CLAWGATE_STATE_DIR: directory };
  return offlineEnvironment(offlineInput(context, values.config));
}
