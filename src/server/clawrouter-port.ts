// What the HTTP server needs from the app for the paths that OpenClaw's plugin `clawrouter` asks.

import type { Caller } from "../pipeline/access.ts";

export type ClawrouterPort = {
  /** The models that the caller may use, with what they can do and cost. */
  clawrouterCatalog(caller: Caller): Promise<unknown>;
  /** The budget and the spending of the caller's tenant in this UTC month. */
  clawrouterUsage(caller: Caller): Promise<unknown>;
};
