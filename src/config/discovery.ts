// What is served without a config file: known keys, a `claude` program, local servers, otherwise the demonstration.
// It produces the config that a person would have written; it must never send a credential to discover something.

import type { BackendName, VendorRow } from "../backends/settings.ts";
import { compatPorts, defaultPort, isCompat } from "../server/settings.ts";
import { documentOf } from "./document.ts";
import type { Environment } from "./environment.ts";
import type { ConfigInput } from "./schema.ts";
import { isOwnAddress } from "./own-address.ts";
import { withUnreadNotices } from "./load.ts";
import { findConfigFile } from "./search.ts";
import { type LoadedConfig, resolveConfig } from "./resolution.ts";
import { resolveEnvironment, type LoadInput } from "./resolved-environment.ts";

export type DiscoveryInput = {
  readonly vendors: readonly VendorRow[];
  readonly localServers: readonly VendorRow[];
  /** The model ids that a server lists at this URL, requested without credentials and with a short timeout; null if there is no answer. */
  readonly probe: (modelsUrl: string) => Promise<readonly string[] | null>;
  /** The path of a program on PATH, or null. */
  readonly which: (program: string) => string | null;
  /** Serve the demonstration and search for nothing. */
  readonly isDemo: boolean;
  /** The gateway's own address on this machine. */
  readonly port: number;
};

/** One line of the start banner. */
export type Found = { readonly what: string; readonly detail: string };

export type Discovered = { readonly value: ConfigInput; readonly found: readonly Found[] };

type ProviderInput = NonNullable<ConfigInput["providers"]>[string];
type Entry = {
  readonly id: string;
  readonly backend: BackendName;
  readonly provider: ProviderInput;
  readonly found: Found;
  /** False: it is used only if a client names it. */
  readonly joinsChain: boolean;
};

/** The variables that may hold a row's key, the best known first. */
export function keyVariablesOf(row: VendorRow): readonly string[] {
  return row.keyVariable === null ? [] : [row.keyVariable, ...(row.otherKeyVariables ?? [])];
}

/** Every variable that affects a row. */
export function variablesOf(row: VendorRow): readonly string[] {
  return [...keyVariablesOf(row), ...(row.baseUrlVariable === undefined ? [] : [row.baseUrlVariable])];
}

function keyVariableIn(row: VendorRow, environment: Environment): string | null {
  return keyVariablesOf(row).find((name) => (environment[name] ?? "") !== "") ?? null;
}

function keyedVendors(
  rows: readonly VendorRow[],
  environment: Environment,
  port: number,
): readonly (Entry | Found)[] {
  return rows.flatMap((row): (Entry | Found)[] => {
    const keyVariable = keyVariableIn(row, environment);
    if (keyVariable === null) return [];
    const { baseUrlVariable } = row;
    const elsewhere = baseUrlVariable === undefined ? "" : (environment[baseUrlVariable] ?? "");
    if (elsewhere !== "" && !/^https?:\/\//i.test(elsewhere))
      return [{ what: row.name, detail: `skipped: ${baseUrlVariable} is not an http:// or https:// URL` }];
    // Users point Claude Code and SDKs to a gateway with the same variables.
    if (isOwnAddress(elsewhere, port)) {
      const detail = `skipped: ${baseUrlVariable} points to this gateway, so ${keyVariable} is not a vendor key`;
      return [{ what: row.name, detail }];
    }
    const place = elsewhere === "" ? "" : `, address from ${baseUrlVariable}`;
    const provider: ProviderInput = {
      backend: row.backend,
      base_url: elsewhere === "" ? row.baseUrl : `\${${baseUrlVariable}:-${row.baseUrl}}`,
      api_key: `\${${keyVariable}}`,
      ...(row.model === null ? {} : { model: row.model }),
      models: [...row.models],
    };
    return [
      {
        id: row.id,
        backend: row.backend,
        provider,
        found: { what: row.name, detail: `key from ${keyVariable}${place}${needOf(row)}` },
        joinsChain: row.needsHeaders === undefined,
      },
    ];
  });
}

function needOf({ needsHeaders }: VendorRow): string {
  return needsHeaders === undefined
    ? ""
    : `; not in the fallback chain: it needs the headers ${needsHeaders.join(" and ")}`;
}

async function localServer(
  row: VendorRow,
  environment: Environment,
  probe: DiscoveryInput["probe"],
): Promise<Entry | Found | null> {
  const models = await probe(`${row.baseUrl}/models`);
  const place = new URL(row.baseUrl).host;
  const keyVariable = keyVariableIn(row, environment);
  if (models === null) {
    // The key must not be sent to an unknown server at that port.
    const detail = `${keyVariable} is set, but nothing at ${place} lists its models; name it in a config file`;
    return keyVariable === null ? null : { what: row.name, detail };
  }
  const [model] = models;
  if (model === undefined) return { what: row.name, detail: `answers at ${place} but has no models` };
  const count = models.length === 1 ? "1 model" : `${models.length} models`;
  return {
    id: row.id,
    backend: row.backend,
    provider: {
      backend: row.backend,
      base_url: row.baseUrl,
      ...(keyVariable === null ? {} : { api_key: `\${${keyVariable}}` }),
      model,
      models: [...models],
    },
    found: { what: row.name, detail: `${count} at ${place}` },
    joinsChain: true,
  };
}

export async function discover(
  environment: Environment,
  availableBackends: ReadonlySet<BackendName>,
  input: DiscoveryInput,
): Promise<Discovered> {
  const demo: Entry = {
    id: "demo",
    backend: "demo",
    provider: { backend: "demo" },
    found: { what: "demo", detail: "built-in demonstration, answers offline" },
    joinsChain: true,
  };
  const entries: Entry[] = [];
  const remarks: Found[] = [];
  if (!input.isDemo) {
    // After the start, the gateway itself would answer at its port.
    const others = input.localServers.filter((row) => !isOwnAddress(row.baseUrl, input.port));
    const asked = Promise.all(others.map((row) => localServer(row, environment, input.probe)));
    for (const vendor of keyedVendors(input.vendors, environment, input.port)) {
      if ("provider" in vendor) entries.push(vendor);
      else remarks.push(vendor);
    }
    const program = environment["CLAUDE_BIN"] || environment["CLAUDE_PATH"] || "claude";
    const claude = input.which(program);
    if (claude !== null)
      entries.push({
        id: "claude-cli",
        backend: "claude-cli",
        provider: { backend: "claude-cli" },
        found: { what: "Claude Code", detail: claude },
        joinsChain: true,
      });
    for (const answer of await asked) {
      if (answer !== null && "provider" in answer) entries.push(answer);
      else if (answer !== null) remarks.push(answer);
    }
  }
  const isServed = entries.some(({ backend }) => availableBackends.has(backend));
  if (!isServed) entries.push(demo);
  const joining = entries.filter((entry) => entry.joinsChain);
  return {
    value: {
      providers: Object.fromEntries(entries.map(({ id, provider }) => [id, provider])),
      fallback_chain: (joining.length === 0 ? entries : joining).map(({ id }) => id),
    },
    found: [...entries.map((entry) => entry.found), ...remarks],
  };
}

/** The value of PORT, otherwise the default; an invalid PORT is refused elsewhere. */
export function portIn(environment: Environment, compat = environment["CLAWGATE_COMPAT"]): number {
  const port = Number(environment["PORT"] ?? "");
  if (Number.isInteger(port) && port > 0) return port;
  return isCompat(compat) ? compatPorts[compat] : defaultPort;
}

/** `loadConfig` for a start without a file. Throws ConfigProblem (a variable or flag may be wrong). */
export async function discoverConfig(
  input: LoadInput,
  discovery: Omit<DiscoveryInput, "port">,
): Promise<LoadedConfig & { readonly found: readonly Found[] }> {
  const rows = [...discovery.vendors, ...discovery.localServers];
  const variables = rows.flatMap((row) => variablesOf(row));
  const known = { ...input, knownVariables: [...(input.knownVariables ?? []), ...variables] };
  const resolvedEnvironment = resolveEnvironment(known, null, {});
  const { value, found } = await discover(resolvedEnvironment.environment, input.availableBackends, {
    ...discovery,
    port: Number(input.flags?.port ?? portIn(resolvedEnvironment.environment, input.flags?.compat)),
  });
  const loaded = resolveConfig({
    input: known,
    document: documentOf(value),
    path: null,
    resolvedEnvironment,
  });
  const search = discovery.isDemo ? null : findConfigFile(input);
  const unread = search !== null && "notices" in search ? search.notices : [];
  return { ...withUnreadNotices(loaded, unread), found };
}
