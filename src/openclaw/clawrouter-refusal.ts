// Why an instance's provider `clawrouter` is not pointed at the gateway: its user has a real ClawRouter, or the plugin cannot run. It
// must never contain a key.

import { valueInDotEnv } from "./dot-env.ts";
import { entryIn, hasEntry, isPluginOff, variablesOf } from "./instance-files.ts";
import { hasClawrouter } from "./version.ts";

const routerKey = "CLAWROUTER_API_KEY";

export type ClawrouterFacts = {
  /** openclaw.json. */
  readonly text: string;
  readonly dotEnv: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly version: string | null;
  /** The gateway's address and key. */
  readonly url: string;
  readonly key: string;
};

/** Half a sentence for a person; null: nothing is in the way. Throws Json5Problem. */
export function clawrouterRefusal(facts: ClawrouterFacts): string | null {
  const { text, dotEnv, environment, version, url, key } = facts;
  if (!hasClawrouter(version))
    return `its OpenClaw ${version} has no plugin clawrouter (2026.7 and later have)`;
  if (isPluginOff(text, "clawrouter")) return "its config switches the plugin clawrouter off";
  const entry = hasEntry(text, "clawrouter") ? null : entryIn(text, "clawrouter");
  const origin = typeof entry?.["baseUrl"] === "string" ? originOf(entry["baseUrl"]) : null;
  if (origin !== null && origin !== originOf(url))
    return `its provider clawrouter is a real one, at ${origin}; it was left alone: without --provider the gateway is added as clawgate`;
  const found = [variablesOf(text)[routerKey], valueInDotEnv(dotEnv, routerKey), environment[routerKey]];
  const hasRealKey = found.some((each) => each !== undefined && each !== null && each !== "" && each !== key);
  // Without an address the plugin asks the vendor's own.
  const isVendors = origin === null && entry?.["apiKey"] !== undefined;
  if (hasRealKey || isVendors)
    return `it has the key of a real ClawRouter (${hasRealKey ? routerKey : "models.providers.clawrouter.apiKey"}); it was left alone: without --provider the gateway is added as clawgate`;
  return null;
}

function originOf(address: string): string {
  return URL.canParse(address) ? new URL(address).origin : address.slice(0, 100);
}
