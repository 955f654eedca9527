// The config sections that this backend reads, as its own types, because it knows neither the config's schema nor its
// loading.

import type { ProviderSettings } from "../settings.ts";
import type { PreparedTenant } from "./prepare.ts";
import type { CliSettings, McpServers } from "./settings.ts";
import type { PromptMode } from "./skills/skill-prompt.ts";

/** The settings of one tenant that its program depends on. */
export type TenantKeys = {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  readonly config_dir?: string | undefined;
  readonly working_dir?: string | undefined;
  readonly add_dirs?: readonly string[] | undefined;
  readonly permission_mode?: PreparedTenant["permissionMode"] | undefined;
  readonly uid?: NonNullable<PreparedTenant["uid"]> | undefined;
  readonly tools?: PreparedTenant["tools"];
  readonly mcp_servers?: readonly string[] | undefined;
  readonly container?: string | undefined;
};

export type ClaudeConfig = {
  readonly providers: Readonly<Record<string, ProviderSettings>>;
  readonly cli?: CliSettings | undefined;
  readonly mcp_servers: McpServers;
  readonly session: { readonly ttl: number };
  readonly fallback_chain: readonly string[];
  readonly aliases: Readonly<Record<string, string>>;
  readonly skills: {
    readonly dir?: string | undefined;
    readonly load: boolean;
    readonly prompt: PromptMode;
  };
  readonly tenants: readonly TenantKeys[];
};

/** A config and where it comes from. */
export type ClaudeConfigSource = {
  readonly config: ClaudeConfig;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The config file; null: there is none. */
  readonly path: string | null;
  /** The file that names further MCP servers. */
  readonly mcpServersFile: string | null;
};
