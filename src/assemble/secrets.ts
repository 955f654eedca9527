// Every text that must never be seen, of the config in force and of those whose requests still run, and the redactor made of them.
// The log and the estate share it, so that a reload changes both in the same moment.

import { redactorFor } from "../canon/redact.ts";
import type { LoadedConfig } from "../config/load.ts";
import { keysOfTenant } from "../tenants/settings.ts";

export type SecretBook = {
  redact(text: string): string;
  /** Masks the secrets of this config as well, until the answer is called. */
  hold(loaded: LoadedConfig): () => void;
};

export function createSecretBook(): SecretBook {
  const held = new Map<symbol, readonly string[]>();
  let redactor = redactorFor([]);
  const remake = (): void => {
    redactor = redactorFor([...held.values()].flat());
  };
  return {
    redact: (text) => redactor(text),
    hold(loaded) {
      const place = Symbol();
      held.set(place, secretsOf(loaded));
      remake();
      return () => {
        if (held.delete(place)) remake();
      };
    },
  };
}

/** Keys, and headers that carry them. */
function secretsOf(loaded: LoadedConfig): string[] {
  const { config, environment } = loaded;
  const providers = Object.values(config.providers);
  return [
    ...config.auth.keys,
    ...(config.auth.admin_key === undefined ? [] : [config.auth.admin_key]),
    ...config.tenants.flatMap((tenant) => keysOfTenant(tenant).map(({ key }) => key)),
    ...providers.flatMap((each) => each.api_keys),
    ...providers.flatMap((each) => Object.values(each.headers)),
    ...providers.flatMap(({ auth }) =>
      auth !== "api_key" && auth.type === "bearer-env" ? (environment[auth.variable] ?? []) : [],
    ),
    ...[config.cli, ...providers, ...config.tenants].flatMap((each) => secretsAmong(each?.env ?? {})),
    ...Object.values(config.mcp_servers).flatMap((server) =>
      "command" in server ? secretsAmong(server.env) : Object.values(server.headers),
    ),
  ].filter((text) => text.length >= 8);
}

/** Of a program's variables those whose names say so: a log without the words "production" or "UTC" tells nothing. */
function secretsAmong(env: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(env).flatMap(([name, value]) =>
    /KEY|TOKEN|SECRET|PASS|CREDENTIAL|AUTH|PRIVATE/i.test(name) ? [value] : [],
  );
}
