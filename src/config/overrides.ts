// The variables and flags that override the file: PORT, HOST and the documented variables of ClawGate's forerunners.
// It must never validate a value that the schema can validate; it only records where the value came from.

import { compatPorts, isCompat } from "../server/settings.ts";
import type { Path } from "./document.ts";
import type { Environment } from "./environment.ts";
import { isTree, valueAt, type Tree } from "./values.ts";

export type Flags = {
  readonly host?: string | undefined;
  readonly port?: string | number | undefined;
  /** The hash of the key for a config without any; null: there is none. */
  readonly ownKey?: (environment: Environment) => string | null;
  readonly compat?: string | undefined;
};

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
  { variable: "CLAWGATE_COMPAT", path: ["server", "compat"], read: asText },
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

  const moreHosts = listed(environment["CLAWGATE_ALLOWED_HOSTS"]);
  if (moreHosts.length > 0) {
    const hosts = listAt(value, ["server", "allowed_hosts"]);
    overrides.push({
      path: ["server", "allowed_hosts"],
      value: [...hosts, ...moreHosts],
      origin: "CLAWGATE_ALLOWED_HOSTS",
    });
  }
  const keys = listAt(value, ["auth", "keys"]);
  // A config that was made of the same variables has them already.
  const moreKeys = listed(environment["PROXY_API_KEYS"]).filter((key) => !keys.includes(key));
  if (moreKeys.length > 0)
    overrides.push({ path: ["auth", "keys"], value: [...keys, ...moreKeys], origin: "PROXY_API_KEYS" });

  const demand = environment["REQUIRE_AUTH"] ?? "";
  const isDemanded = demand === "" ? null : truth(demand);
  const hasKey = keys.length + moreKeys.length > 0 || hasTenantKey(value);
  const ownKey = hasKey || isDemanded === false ? null : (flags.ownKey?.(environment) ?? null);
  if (ownKey !== null)
    overrides.push({ path: ["auth", "keys"], value: [ownKey], origin: "client-key in the state directory" });
  if (demand !== "" && isDemanded === null)
    refused.push({ origin: "REQUIRE_AUTH", message: "must be true or false" });
  const named = valueAt(value, ["auth", "clients"]);
  const hasNamed = Array.isArray(named) && named.length > 0;
  if (isDemanded === true && !hasKey && !hasNamed && ownKey === null)
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
  if (flags.compat !== undefined)
    overrides.push({ path: ["server", "compat"], value: flags.compat, origin: "--compat" });
  return { overrides: [...overrides, ...compatPort(value, overrides)], refused };
}

/** The port of the program whose place is taken, where nothing else names one. */
function compatPort(value: Tree, overrides: readonly Override[]): readonly Override[] {
  const of = (key: string): Override | undefined =>
    overrides.findLast(({ path }) => path[0] === "server" && path[1] === key);
  const given = of("compat");
  const compat = given?.value ?? valueAt(value, ["server", "compat"]);
  const isNamed = of("port") !== undefined || valueAt(value, ["server", "port"]) !== undefined;
  if (!isCompat(compat) || isNamed) return [];
  return [{ path: ["server", "port"], value: compatPorts[compat], origin: given?.origin ?? "server.compat" }];
}

function listed(text: string | undefined): readonly string[] {
  return (text ?? "").split(",").flatMap((part) => (part.trim() === "" ? [] : [part.trim()]));
}

function listAt(value: Tree, path: Path): readonly unknown[] {
  const written = valueAt(value, path);
  return Array.isArray(written) ? written : [];
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
  {
    variable: "CLAWGATE_ALLOWED_HOSTS",
    key: "additional `server.allowed_hosts`, separated by commas: the name of the gateway's container or service",
  },
  { variable: "CLAWGATE_CONFIG", key: "the config file, if `--config` is not given" },
  { variable: "CLAWGATE_STATE_DIR", key: "the state directory" },
  {
    variable: "CLAWGATE_CONTAINER",
    key: "`1` (set in the container image): without keys and tenants `serve` makes a key, shows it once and keeps its hash in the state directory",
  },
];
