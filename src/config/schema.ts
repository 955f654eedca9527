// The whole config file: the sum of every feature's slice. Nothing is decided here;
// a key's meaning, bounds and default stand in the settings.ts of the feature that reads it.

import { z } from "zod";
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
  server: serverSettings.describe("Where the gateway listens and the limits of one request."),
  auth: authSettings.describe("Who may call."),
  providers: providersSettings.describe("Who can answer, by an id of your choice."),
  aliases: aliasesSettings,
  default_model: defaultModelSettings,
  fallback_chain: fallbackChainSettings,
  routing: routingSettings.describe("How a target is chosen."),
  static_rules: staticRulesSettings.describe("First layer: fixed rules."),
  heuristic_rules: heuristicRulesSettings.describe("Second layer: what the request looks like."),
  llm_classifier: llmClassifierSettings.describe("Third layer: a cheap model is asked."),
  streaming: streamingSettings.describe("What a client hears before the first word."),
  queue: queueSettings.describe("Waiting for a provider that is busy."),
  health: healthSettings.describe("When a provider is left out and when it is tried again."),
  metrics: metricsSettings.describe("What is recorded."),
  prompt_caching: promptCachingSettings.describe("The vendors' prompt caches."),
  cli: cliSettings.describe(
    "The Claude Code program as a provider; this section makes the provider `claude-cli`.",
  ),
  session: sessionSettings.describe("Sessions of CLI conversations."),
  skills: skillsSettings.describe("OpenClaw's skills."),
  tenants: tenantsSettings,
  mcp_servers: mcpServersSettings,
});

/** What a person may write. */
export type ConfigInput = z.input<typeof configSchema>;

/** The file after defaults. `fallback_chain` is always there and names loaded providers only; `mcp_servers` is read. */
export type Config = Omit<z.infer<typeof configSchema>, "fallback_chain" | "mcp_servers"> & {
  readonly fallback_chain: readonly string[];
  readonly mcp_servers: McpServers;
};

/**
 * Keys that are read and checked but not acted upon by this build; `load` says so for those that a file sets.
 * Whoever brings the feature deletes its row. `*` stands for every entry of a map or list.
 */
export const awaitedKeys: readonly { readonly path: readonly string[]; readonly effect: string }[] = [];
