// The secrets of the active config and of older ones whose requests still run, and the redactor built from them. The log and the
// services share it, so that a reload changes both at once.

import { readProxyVariables } from "../system/proxy.ts";
import { secretsInAddress } from "../backends/http/shown-address.ts";
import { redactorFor } from "../canon/redact.ts";
import type { LoadedConfig } from "../config/load.ts";
import { keysOfTenant } from "../tenants/settings.ts";

export type SecretRegistry = {
  redact(text: string): string;
  /** The secrets themselves, to be looked for elsewhere. */
  known(): readonly string[];
  /** Also masks the secrets of this config until the returned function is called. */
  add(loaded: LoadedConfig): () => void;
};

export function createSecretRegistry(): SecretRegistry {
  const held = new Map<symbol, readonly string[]>();
  let redactor = redactorFor([]);
  const rebuild = (): void => {
    redactor = redactorFor([...held.values()].flat());
  };
  return {
    redact: (text) => redactor(text),
    known: () => [...held.values()].flat(),
    add(loaded) {
      const key = Symbol();
      held.set(key, secretsOf(loaded));
      rebuild();
      return () => {
        if (held.delete(key)) rebuild();
      };
    },
  };
}

/** Keys, headers that carry them, and keys in addresses. The redactor decides which of them are ordinary words. */
function secretsOf(loaded: LoadedConfig): string[] {
  const { config, environment } = loaded;
  const providers = Object.values(config.providers);
  const servers = Object.values(config.mcp_servers);
  const proxies = Object.values(readProxyVariables(environment));
  return [
    ...config.auth.keys,
    ...config.auth.clients.map(({ key }) => key),
    ...(config.auth.admin_key === undefined ? [] : [config.auth.admin_key]),
    ...config.tenants.flatMap((tenant) => keysOfTenant(tenant).map(({ key }) => key)),
    ...providers.flatMap((each) => each.api_keys),
    ...[...providers, ...servers].flatMap((each) =>
      "headers" in each ? secretsInHeaders(each.headers) : [],
    ),
    ...[...providers.flatMap((each) => [each.base_url, each.proxy]), ...proxies].flatMap((address) =>
      typeof address === "string" ? secretsInAddress(address) : [],
    ),
    ...servers.flatMap((server) => ("url" in server ? secretsInAddress(server.url) : [])),
    ...providers.flatMap(({ auth }) =>
      typeof auth !== "string" && auth.type === "bearer-env" ? (environment[auth.variable] ?? []) : [],
    ),
    ...[config.cli, ...providers, ...config.tenants].flatMap((each) => secretsAmong(each?.env ?? {})),
    ...servers.flatMap((server) => ("command" in server ? secretsAmong(server.env) : [])),
    ...secretsOfAlerts(config.alerts),
  ];
}

/** The address of a topic or of a chat's webhook is a secret as well: whoever knows it may read or write there. */
function secretsOfAlerts({ webhook, ntfy }: LoadedConfig["config"]["alerts"]): readonly string[] {
  return [
    ...(webhook?.secret === undefined ? [] : [webhook.secret]),
    ...(ntfy?.token === undefined ? [] : [ntfy.token]),
    ...[webhook?.url, ntfy?.url].flatMap((url) => (url === undefined ? [] : secretsInAddress(url))),
  ];
}

const secretNames = /KEY|TOKEN|SECRET|PASS|CREDENTIAL|AUTH|PRIVATE|COOKIE|SIGNATURE/i;
/** `application/json`, `prompt-caching-2024-07-31`, `My Company` and addresses are not secrets. */
const randomText = /^(?=.*\d)(?=.*[a-z])[A-Za-z0-9_+/=-]{20,}$/i;
const datedName = /\d{4}-\d\d-\d\d/;

function secretsInHeaders(headers: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(headers).flatMap(([name, value]) => {
    if (!secretNames.test(name) && (!randomText.test(value) || datedName.test(value))) return [];
    const [, secret] = /^(?:Bearer|Basic|Token|Digest)\s+(.+)$/i.exec(value) ?? [];
    return secret === undefined ? [value] : [value, secret];
  });
}

/** Only variables whose names suggest a secret: a log that masks "production" or "UTC" is useless. */
function secretsAmong(env: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(env).flatMap(([name, value]) => (secretNames.test(name) ? [value] : []));
}
