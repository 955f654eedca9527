// The variables and flags that override the file: PORT, HOST and the documented variables of ClawGate's forerunners.
// It must never validate a value that the schema can validate; it only records where the value came from.

import type { Path } from "./document.ts";
import type { Environment } from "./environment.ts";
import { isTree, valueAt, type Tree } from "./values.ts";

export type Flags = { readonly host?: string | undefined; readonly port?: string | number | undefined };

export type Override = {
  readonly path: Path;
  readonly value: unknown;
  /** The name that the user knows: `PORT`, `--port`. */
  readonly origin: string;
};

export type Refused = { readonly origin: string; readonly message: string };

function numeric(text: string): unknown {
  return /^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text;
}

/** Milliseconds to seconds, the unit of the config's key. */
function seconds(text: string): unknown {
  const milliseconds = numeric(text);
  return typeof milliseconds === "number" ? milliseconds / 1000 : text;
}

function truth(text: string): boolean | null {
  const word = text.trim().toLowerCase();
  if (["true", "1", "yes", "on"].includes(word)) return true;
  return ["false", "0", "no", "off"].includes(word) ? false : null;
}

const asText = (text: string): unknown => text;
const asBoolean = (text: string): unknown => truth(text) ?? text;

type Row = { readonly variable: string; readonly path: Path; readonly read: (text: string) => unknown };

const everywhere: readonly Row[] = [
  { variable: "PORT", path: ["server", "port"], read: numeric },
  { variable: "HOST", path: ["server", "host"], read: asText },
  { variable: "LOG_LEVEL", path: ["server", "log_level"], read: (text) => text.toLowerCase() },
  { variable: "REQUEST_TIMEOUT_MS", path: ["server", "request_timeout_s"], read: seconds },
  { variable: "DOCKER_HOST_IP", path: ["server", "docker_host_ip"], read: asText },
  { variable: "CLAWGATE_DB_PATH", path: ["metrics", "db_path"], read: asText },
  { variable: "DEFAULT_MODEL", path: ["default_model"], read: asText },
  { variable: "PROXY_MCP_CONFIG", path: ["mcp_servers"], read: asText },
];

/** Two documents use different names for the program, the effort and the timeout; the later row wins. */
const cliRows: readonly Row[] = [
  { variable: "CLAUDE_PATH", path: ["cli", "bin"], read: asText },
  { variable: "CLAUDE_BIN", path: ["cli", "bin"], read: asText },
  { variable: "REQUEST_TIMEOUT_MS", path: ["cli", "timeout"], read: numeric },
  { variable: "CLI_TIMEOUT", path: ["cli", "timeout"], read: numeric },
  { variable: "DEFAULT_EFFORT", path: ["cli", "effort"], read: asText },
  { variable: "CLI_EFFORT", path: ["cli", "effort"], read: asText },
  { variable: "ENABLE_THINKING", path: ["cli", "thinking"], read: asBoolean },
  { variable: "MAX_CONCURRENT", path: ["cli", "max_concurrent"], read: numeric },
  { variable: "MAX_PER_TENANT", path: ["cli", "max_per_tenant"], read: numeric },
];

/** A stray MAX_CONCURRENT must not create a CLI provider; setting the program, the section or the backend does. */
function mentionsCli(value: Tree, environment: Environment): boolean {
  if (environment["CLAUDE_BIN"] || environment["CLAUDE_PATH"] || isTree(value["cli"])) return true;
  const providers = value["providers"];
  return (
    isTree(providers) && Object.values(providers).some((item) => valueAt(item, ["backend"]) === "claude-cli")
  );
}

export function overridesOf(
  value: Tree,
  environment: Environment,
  flags: Flags,
): { readonly overrides: readonly Override[]; readonly refused: readonly Refused[] } {
  const overrides: Override[] = [];
  const refused: Refused[] = [];
  for (const row of mentionsCli(value, environment) ? [...everywhere, ...cliRows] : everywhere) {
    const text = environment[row.variable];
    if (text !== undefined && text !== "")
      overrides.push({ path: row.path, value: row.read(text), origin: row.variable });
  }

  const keyList = environment["PROXY_API_KEYS"] ?? "";
  const moreKeys = keyList.split(",").flatMap((key) => (key.trim() === "" ? [] : [key.trim()]));
  const written = valueAt(value, ["auth", "keys"]);
  const keys: readonly unknown[] = Array.isArray(written) ? written : [];
  if (moreKeys.length > 0)
    overrides.push({ path: ["auth", "keys"], value: [...keys, ...moreKeys], origin: "PROXY_API_KEYS" });

  const demand = environment["REQUIRE_AUTH"] ?? "";
  const isDemanded = demand === "" ? null : truth(demand);
  if (demand !== "" && isDemanded === null)
    refused.push({ origin: "REQUIRE_AUTH", message: "must be true or false" });
  const named = valueAt(value, ["auth", "clients"]);
  const hasNamed = Array.isArray(named) && named.length > 0;
  if (isDemanded === true && keys.length + moreKeys.length === 0 && !hasNamed && !hasTenantKey(value))
    refused.push({
      origin: "REQUIRE_AUTH",
      message: "is true, but there are no keys; set PROXY_API_KEYS or auth.keys",
    });
  if (isDemanded === false && keys.length + moreKeys.length > 0)
    overrides.push({ path: ["auth", "keys"], value: [], origin: "REQUIRE_AUTH" });
  if (isDemanded === false && hasNamed)
    overrides.push({ path: ["auth", "clients"], value: [], origin: "REQUIRE_AUTH" });

  if (flags.host !== undefined)
    overrides.push({ path: ["server", "host"], value: flags.host, origin: "--host" });
  if (flags.port !== undefined)
    overrides.push({ path: ["server", "port"], value: numeric(String(flags.port)), origin: "--port" });
  return { overrides, refused };
}

function hasTenantKey(value: Tree): boolean {
  const tenants = value["tenants"];
  return Array.isArray(tenants) && tenants.length > 0;
}

/** Every documented variable and its effect, for the reference. */
export const variableKeys: readonly { readonly variable: string; readonly key: string }[] = [
  ...[...Map.groupBy([...everywhere, ...cliRows], (row) => row.variable)].map(([variable, rows]) => ({
    variable,
    key: rows.map((row) => `\`${row.path.join(".")}\``).join(", "),
  })),
  { variable: "PROXY_API_KEYS", key: "additional `auth.keys`, separated by commas" },
  {
    variable: "REQUIRE_AUTH",
    key: "`true`: refuse to start without keys; `false`: do not require `auth.keys` and `auth.clients`",
  },
  { variable: "CLAWGATE_CONFIG", key: "the config file, if `--config` is not given" },
  { variable: "CLAWGATE_STATE_DIR", key: "the state directory" },
];
