// The files that a gateway with this config would own, for commands that run while no gateway does.

import type { GatewayFiles } from "../backends/claude-code/guarded-paths.ts";
import type { LoadedConfig } from "../config/load.ts";
import { databaseFiles } from "../metrics/database-files.ts";
import { stateDirectory } from "../system/state-directory.ts";

export function gatewayFilesOf({ config, environment }: LoadedConfig): GatewayFiles {
  return {
    stateDirectory: stateDirectory(environment),
    databaseFiles: databaseFiles(environment, config.metrics.db_path ?? null),
  };
}
