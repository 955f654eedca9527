// Whether a provider of one config is still the same upstream in another. Only then is its learned health kept.

import { resolveProgramSettings } from "../../backends/claude-code/program-settings.ts";
import type { ProviderSettings } from "../../backends/settings.ts";
import type { LoadedConfig } from "../../config/load.ts";

/** A provider's settings with the variables that may supply its token. */
export type Upstream = {
  readonly settings: ProviderSettings;
  readonly environment: LoadedConfig["environment"];
  /** The `cli` section, if it is the CLI. */
  readonly section?: LoadedConfig["config"]["cli"];
};

export function upstreamIn(loaded: LoadedConfig, id: string): Upstream | null {
  const settings = Object.hasOwn(loaded.config.providers, id) ? loaded.config.providers[id] : undefined;
  return settings === undefined
    ? null
    : { settings, environment: loaded.environment, section: loaded.config.cli };
}

/**
 * The same address in the same format, with at least one of the same credentials. A new address has never failed and a new key was
 * never refused: the operator who wrote it must not wait for a cooldown.
 */
export function isSameUpstream(before: Upstream, after: Upstream | null): boolean {
  if (after === null) return false;
  if (before.settings === after.settings) return true;
  const { backend, base_url, proxy } = before.settings;
  const next = after.settings;
  if (backend === "claude-cli" && next.backend === backend)
    return Bun.deepEquals(programOf(before), programOf(after));
  if (backend !== next.backend || base_url !== next.base_url || proxy !== next.proxy) return false;
  const [keys, nextKeys] = [credentialsOf(before), credentialsOf(after)];
  if (keys.length > 0 || nextKeys.length > 0) return keys.some((key) => nextKeys.includes(key));
  return Bun.deepEquals([before.settings.auth, before.settings.headers], [next.auth, next.headers]);
}

/** The same upstream with exactly the same credentials: what is learned of one is true of the other. */
export function isUnchangedUpstream(before: Upstream, after: Upstream | null): boolean {
  if (after === null || !isSameUpstream(before, after)) return false;
  return Bun.deepEquals(credentialsOf(before), credentialsOf(after));
}

/** The program and the login that it uses. */
function programOf({ settings, section }: Upstream): unknown {
  const { bin, env, configDir } = resolveProgramSettings(settings, section);
  return [bin, env, configDir];
}

function credentialsOf({ settings, environment }: Upstream): readonly string[] {
  const { auth, api_keys } = settings;
  if (typeof auth === "string") return api_keys;
  return auth.type === "bearer-env" ? [environment[auth.variable] ?? []].flat() : [];
}
