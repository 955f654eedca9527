// The files of another program, and which program they are of, by what they contain and never by their name alone.

import { readDotEnv } from "../config/environment.ts";
import { readDocument } from "../config/document.ts";
import { isTree, type Tree, valueAt } from "../config/values.ts";
import { Json5Problem, readJson5 } from "../openclaw/json5-text.ts";
import type { Program } from "./finding.ts";

export type SourceFile = { readonly path: string; readonly text: string };

export type FileKind =
  | { readonly kind: "yaml"; readonly program: Program; readonly value: Tree }
  | { readonly kind: "openclaw"; readonly program: Program; readonly value: Tree }
  | { readonly kind: "mcp"; readonly program: "claude-proxy"; readonly value: Tree }
  | {
      readonly kind: "variables";
      /** Null: PORT and the like tell of no program; the file beside it does. */
      readonly program: Program | null;
      readonly values: Readonly<Record<string, string>>;
    };

/** Keys that only CLIProxyAPI's config has. */
const cliProxyKeys =
  /^(?:api-keys|auth-dir|remote-management|openai-compatibility|(?:claude|gemini|codex|vertex|xai|kimi|interactions)-api-key|oauth-[a-z-]+|request-retry|max-retry-[a-z]+|proxy-url|logging-to-file|usage-statistics-enabled|quota-exceeded|ws-auth|force-model-prefix|disable-cooling|commercial-mode|generative-language-api-key|ampcode)$/;

const variablesOf: readonly (readonly [Program, RegExp])[] = [
  [
    "claude-proxy",
    /^(?:PROXY_API_KEYS|REQUIRE_AUTH|CLAUDE_PATH|DEFAULT_EFFORT|ENABLE_THINKING|PROXY_MCP_CONFIG|REQUEST_TIMEOUT_MS)$/,
  ],
  ["cc-gateway", /^(?:CLAUDE_BIN|CLI_TIMEOUT|CLI_EFFORT|MAX_CONCURRENT|MAX_PER_TENANT|DOCKER_HOST_IP)$/],
  [
    "clawgate-py",
    /^(?:CLAWGATE_DB_PATH|(?:DEEPSEEK|GEMINI|OPENROUTER)_(?:API_KEY|BASE_URL)|[A-Z0-9_]+_API_KEY)$/,
  ],
];

/** A look at the text alone: a config of ours, however large, is not parsed twice. */
export function mayBeForeign({ path, text }: SourceFile): boolean {
  return (
    /\.json[5c]?$/i.test(path) ||
    /mcpServers|openai-completions|anthropic-messages/.test(text) ||
    /^[A-Za-z_]\w*[ \t]*=|^export /m.test(text) ||
    (text.match(/^[a-z-]+(?=[ \t]*:)/gm) ?? []).some((name) => cliProxyKeys.test(name))
  );
}

/** Null: it is no file of a program that is known here. */
export function fileKind({ path, text }: SourceFile): FileKind | null {
  return jsonKind(path, text) ?? variableKind(text) ?? yamlKind(text);
}

function jsonKind(path: string, text: string): FileKind | null {
  const isNamedSo = /\.json[5c]?$/i.test(path);
  if (!isNamedSo && !/mcpServers|openai-completions|anthropic-messages/.test(text)) return null;
  let value: Tree;
  try {
    value = readJson5(text);
  } catch (error) {
    if (error instanceof Json5Problem) return null;
    throw error;
  }
  if (isTree(value["mcpServers"])) return { kind: "mcp", program: "claude-proxy", value };
  const providers = valueAt(value, ["models", "providers"]);
  if (!isTree(providers)) return null;
  const isClaudeProxys = Object.values(providers).some((each) =>
    /:4523(?:\/|$)/.test(String(valueAt(each, ["baseUrl"]))),
  );
  return { kind: "openclaw", program: isClaudeProxys ? "claude-proxy" : "cliproxyapi", value };
}

function variableKind(text: string): FileKind | null {
  const lines = text.split("\n").filter((line) => !/^\s*(?:#|$)/.test(line));
  if (lines.length === 0 || !/^\s*(?:export\s+)?[A-Za-z_]\w*\s*=/.test(lines[0] ?? "")) return null;
  const values = readDotEnv(text);
  const names = Object.keys(values);
  const found = variablesOf.find(([, pattern]) => names.some((name) => pattern.test(name)));
  return { kind: "variables", program: found?.[0] ?? null, values };
}

function yamlKind(text: string): FileKind | null {
  const read = readDocument(text);
  const value = "problem" in read ? read.rest?.value : read.document.value;
  if (!isTree(value)) return null;
  const program = programOfYaml(value);
  return program === null ? null : { kind: "yaml", program, value };
}

function programOfYaml(value: Tree): Program | null {
  const names = Object.keys(value);
  if (names.some((name) => cliProxyKeys.test(name))) return "cliproxyapi";
  const has = (...each: string[]): boolean => each.some((name) => names.includes(name));
  if (has("providers", "fallback_chain", "static_rules", "heuristic_rules", "llm_classifier"))
    return "clawgate-py";
  if (
    has("tenants", "cli", "session", "skills") ||
    valueAt(value, ["server", "docker_host_ip"]) !== undefined
  )
    return "cc-gateway";
  if (has("metrics", "health", "prompt_caching")) return "clawgate-py";
  return null;
}
