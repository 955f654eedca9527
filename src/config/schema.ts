// The schema of the whole config file: the sum of every feature's section. Nothing is defined here; the meaning, bounds and
// default of a key are in the settings.ts of the feature that reads it.

import { z } from "zod";
import { alertsSettings } from "../alerts/settings.ts";
import { responsesStoreSettings } from "../response-store/settings.ts";
import { requestLogSettings } from "../request-log/settings.ts";
import { cliSettings, type McpServers, mcpServersSettings } from "../backends/claude-code/settings.ts";
import { healthSettings, queueSettings } from "../backends/health/settings.ts";
import { providersSettings } from "../backends/settings.ts";
import { metricsSettings, promptCachingSettings } from "../metrics/settings.ts";
import { skillsSettings } from "../openclaw/settings.ts";
import { streamingSettings } from "../pipeline/settings.ts";
import {
  aliasesSettings,
  defaultModelSettings,
  fallbackChainSettings,
  heuristicRulesSettings,
  llmClassifierSettings,
  routingSettings,
  staticRulesSettings,
} from "../routing/settings.ts";
import { serverSettings } from "../server/settings.ts";
import { authSettings, sessionSettings, tenantsSettings } from "../tenants/settings.ts";

export const configSchema = z.strictObject({
  server: serverSettings.describe("Where the gateway listens, and the limits of one request."),
  auth: authSettings.describe("Who may call."),
  providers: providersSettings.describe("The providers, each under an id of your choice."),
  aliases: aliasesSettings,
  default_model: defaultModelSettings,
  fallback_chain: fallbackChainSettings,
  routing: routingSettings.describe("How a target is chosen."),
  static_rules: staticRulesSettings.describe("First layer: fixed rules."),
  heuristic_rules: heuristicRulesSettings.describe("Second layer: rules about the content of a request."),
  llm_classifier: llmClassifierSettings.describe("Third layer: a cheap model classifies the request."),
  streaming: streamingSettings.describe("What a client receives before the first token."),
  queue: queueSettings.describe("Queueing for a busy provider."),
  health: healthSettings.describe("When a provider is taken out of use and when it is retried."),
  metrics: metricsSettings.describe("What is recorded."),
  request_log: requestLogSettings.describe("The texts of requests and answers, kept on request."),
  responses_store: responsesStoreSettings.describe(
    "Answers of the Responses API, kept for clients that ask for it.",
  ),
  alerts: alertsSettings.describe("What the operator is told of, and how."),
  prompt_caching: promptCachingSettings.describe("The vendors' prompt caches."),
  cli: cliSettings.describe(
    "The Claude Code program as a provider; this section creates the provider `claude-cli`.",
  ),
  session: sessionSettings.describe("Sessions of CLI conversations."),
  skills: skillsSettings.describe("OpenClaw's skills."),
  tenants: tenantsSettings,
  mcp_servers: mcpServersSettings,
});

/** The type of a config file before defaults. */
export type ConfigInput = z.input<typeof configSchema>;

/** The file after defaults. `fallback_chain` is always set and names only loaded providers; `mcp_servers` is read. */
export type Config = Omit<z.infer<typeof configSchema>, "fallback_chain" | "mcp_servers"> & {
  readonly fallback_chain: readonly string[];
  readonly mcp_servers: McpServers;
};
