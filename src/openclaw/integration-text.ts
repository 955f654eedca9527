// The OpenClaw side of the gateway as a text to read and to merge by hand. It must never contain a key.

import { cheapestOf, type ModelOffer } from "../canon/model-offer.ts";
import { providerEntry, type ProviderInput } from "./provider-entry.ts";

const providerId = "clawgate";

/** The stock names of config.example.yaml, by the short names that people type. */
const shortNames: readonly (readonly [string, string])[] = [
  ["auto", "auto"],
  ["ds", "deepseek-chat"],
  ["r1", "deepseek-reasoner"],
  ["lite", "gemini-flash-lite"],
  ["flash", "gemini-flash"],
  ["or", "openrouter-fallback"],
];

/** The model for what needs no expensive one. */
function cheapRoute(models: readonly ModelOffer[]): string {
  const stock = models.find(({ id }) => id === "gemini-flash-lite");
  return (stock ?? cheapestOf(models))?.id ?? "auto";
}

/** JSON with comments, to be merged into openclaw.json by hand. */
export function integrationText(input: ProviderInput): string {
  const { models } = input;
  const aliases = shortNames.filter(([, model]) => models.some(({ id }) => id === model));
  const cheap = cheapRoute(models);
  const seeing = cheapRoute(models.filter(({ vision }) => vision === true));
  const named = aliases.map(([alias, id]) => [`${providerId}/${id}`, { alias }] as const);
  const lines = (value: unknown, indent: string): string =>
    JSON.stringify(value, null, 2).split("\n").join(`\n${indent}`);
  return `// The ClawGate part of OpenClaw's config: merge it into openclaw.json, or let \`clawgate setup\` write the provider.
{
  "models": {
    "mode": "merge",
    "providers": {
      // compat: with these flags OpenClaw sends the conversation that a request belongs to, and reads what a stream used.
      "${providerId}": ${lines(providerEntry(input), "      ")}
    }
  },
  "agents": {
    "defaults": {
      "model": { "primary": "${providerId}/auto", "fallbacks": [] },
      // /model auto and so on.
      "models": ${lines(Object.fromEntries(named), "      ")},
      // Images, titles and recaps need no expensive model.
      "imageModel": { "primary": "${providerId}/${seeing}" },
      "utilityModel": "${providerId}/${cheap}",
      "subagents": { "model": "${providerId}/auto", "maxConcurrent": 10 }
    }
  }
}
// What recurs is an automation with a model of its own, in a session of its own:
//   openclaw cron add --name check-in --every 12h --session isolated --light-context --model ${providerId}/${cheap} --message "..."
`;
}
