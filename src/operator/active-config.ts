// The active config and what was built from it, as reports and tests of the operator use it.

import type { LoadedConfig } from "../config/load.ts";
import type { PipelineSnapshot } from "../pipeline/dependencies.ts";

export type ActiveConfig = {
  readonly loaded: LoadedConfig;
  readonly pipeline: PipelineSnapshot;
};
