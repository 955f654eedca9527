// OpenClaw's side of the connection as a file to be merged by hand, for the config that is found here.

import { loadOffline } from "../app/offline/offline-config.ts";
import { asksForKeys } from "../config/client-keys.ts";
import { offlineOffers } from "../app/offline/offline-offers.ts";
import { integrationText } from "../openclaw/integration-text.ts";
import { type Api, keyReference } from "../openclaw/provider-entry.ts";
import type { CommandContext } from "./command.ts";
import { reachableOrigin } from "../system/http-origin.ts";
import { offlineInput } from "./config-input.ts";
import { withGatewayPort } from "./gateway-port.ts";
import { plain } from "./terminal.ts";

/** Throws ConfigProblem, GatewayProblem. */
export async function integrationFile(
  context: CommandContext,
  named: string | undefined,
  api: Api,
): Promise<string> {
  const input = offlineInput(context, named);
  const { config, notes } = await withGatewayPort(context, (await loadOffline(input)).config, input);
  for (const note of notes) context.stderr.write(`clawgate: ${plain(note)}.\n`);
  const hasKeys = asksForKeys(config);
  const url = reachableOrigin(config.server.host, config.server.port);
  // OpenClaw needs a value there even without keys.
  const apiKey = hasKeys ? keyReference : "clawgate-openclaw";
  const models = await (await offlineOffers(input))(null);
  return integrationText({ url, apiKey, api, models, shape: "current" });
}
