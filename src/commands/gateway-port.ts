// The port that an OpenClaw instance is told. A config with `server.port: 0` does not know it; only the running gateway does.

import { offlineEnvironment, type OfflineInput } from "../app/offline/offline-config.ts";
import type { Config } from "../config/schema.ts";
import type { CommandContext } from "./command.ts";
import { findGateway, GatewayProblem } from "./running-gateway.ts";

/** The config with a port that can be reached, and what to say of it. Throws GatewayProblem. */
export async function withGatewayPort(
  context: Pick<CommandContext, "stderr">,
  config: Config,
  input: OfflineInput,
): Promise<{ readonly config: Config; readonly notes: readonly string[] }> {
  if (config.server.port !== 0) return { config, notes: [] };
  const found = await findGateway(context, offlineEnvironment(input), true);
  if ("why" in found)
    throw new GatewayProblem(
      `server.port is 0, so only a running gateway knows its port, and ${found.why}. ` +
        "Set server.port to a fixed number, or start the gateway first.",
    );
  const { port } = new URL(found.url);
  return {
    config: { ...config, server: { ...config.server, port: Number(port) } },
    notes: [
      `server.port is 0: port ${port} is the running gateway's, and the next start takes another one. ` +
        "Set a fixed number in the config, and run this again",
    ],
  };
}
