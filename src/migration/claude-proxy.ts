// claude-code-proxy: variables and a file of MCP servers, which become a config.

import { isTree, type Tree } from "../config/values.ts";
import type { ConfigDraft } from "./config-draft.ts";
import { MigrationProblem } from "./finding.ts";
import { takeVariables, type Variables } from "./variables.ts";

export function fromClaudeProxy(
  draft: ConfigDraft,
  values: Readonly<Record<string, string>>,
  variables: Variables,
): void {
  draft.set(["server", "compat"], "claude-proxy");
  draft.say("kept", "its port and /health", "4523 unless a port is written, and its shape, by server.compat");
  draft.set(["cli"], { default_model: "sonnet", effort: "high" });
  draft.say("kept", "DEFAULT_MODEL and DEFAULT_EFFORT", "sonnet and high where they are not set, as there");
  const { REQUIRE_AUTH: demand = "", PROXY_API_KEYS: keys = "" } = values;
  const isDemandedForNothing = /^(?:true|1|yes|on)?$/i.test(demand.trim()) && keys.trim() === "";
  const { REQUIRE_AUTH: _demand, DEFAULT_MODEL: model = "", ...rest } = values;
  if (isDemandedForNothing)
    draft.say(
      "changed",
      "REQUIRE_AUTH",
      "without PROXY_API_KEYS every request was refused there; here this machine may call",
    );
  if (model !== "") {
    draft.set(["cli", "default_model"], model);
    draft.say("kept", "DEFAULT_MODEL", "cli.default_model");
  }
  takeVariables(
    draft,
    isDemandedForNothing || demand === "" ? rest : { ...rest, REQUIRE_AUTH: demand },
    variables,
  );
  explain(draft);
}

/** The content of its MCP file, so that no second file is needed. Throws MigrationProblem. */
export function takeMcpServers(draft: ConfigDraft, path: string, value: Tree): void {
  const servers = value["mcpServers"];
  if (!isTree(servers)) throw new MigrationProblem(`${path} holds no mcpServers`);
  draft.set(["mcp_servers"], servers);
  for (const name of Object.keys(servers)) draft.say("kept", `mcpServers.${name}`, `mcp_servers.${name}`);
  for (const name of Object.keys(value))
    if (name !== "mcpServers") draft.say("left out", name, "no setting here reads it");
}

function explain(draft: ConfigDraft): void {
  draft.say("changed", "full model ids", "claude-sonnet-4-6 is that model, not the newest of its family");
  draft.say("changed", "images, max_tokens, stop sequences", "count here; there they were ignored");
  draft.say("changed", "x-proxy-unsupported", "the header is X-ClawGate-Unsupported");
  draft.say(
    "changed",
    "OpenClaw's tool names and prompt filter",
    "are off; cli.openclaw: true turns them on",
  );
  draft.say("refused", "CORS for every website", "name those that may call in server.allowed_origins");
}
