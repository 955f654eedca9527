// What a request cost, part by part, and what it would have cost otherwise.

import type { JSX } from "preact";
import type { CacheMissFacts, RequestDetail } from "../api-shapes.ts";
import { Estimate } from "../components/badge.tsx";
import { count, money, shown } from "../formatting.ts";

type Part = { readonly name: string; readonly tokens: number | null; readonly usd: number | null };

function partsOf({ usage, cost_parts }: RequestDetail): readonly Part[] {
  const parts: Part[] = [
    { name: "Input, in full", tokens: usage.input_uncached, usd: cost_parts?.input_usd ?? null },
    { name: "Input, from the cache", tokens: usage.input_cached, usd: cost_parts?.cached_usd ?? null },
    {
      name: "Input, written to the cache",
      tokens: usage.input_cache_write,
      usd: cost_parts?.cache_write_usd ?? null,
    },
    { name: "Output", tokens: usage.output, usd: cost_parts?.output_usd ?? null },
  ];
  return parts.filter(({ tokens, usd }) => (tokens ?? 0) > 0 || (usd ?? 0) > 0);
}

/** "message 4 changed" */
export function missText({ cause, index, change }: CacheMissFacts): string {
  const places: Readonly<Record<string, string>> = {
    tools: "tool",
    system: "system block",
    message: "message",
  };
  if (cause === "expired") return "The cache had expired.";
  if (cause === "model" || cause === "provider") return `The ${cause} changed.`;
  if (cause === "options") return "An option that the cache depends on changed.";
  const place = places[cause];
  if (place === undefined) return "What differed is not known.";
  return `The ${place}${index === null ? "" : ` ${index}`} ${change === null ? "differs" : `was ${shown(change, 30)}`}.`;
}

function Otherwise({ request }: { readonly request: RequestDetail }): JSX.Element | null {
  const { list_usd, baseline_usd, uncached_usd } = request;
  const lines: (readonly [string, number | null | undefined])[] = [
    ["By the list (a flat rate paid it)", list_usd],
    ["Without routing", baseline_usd],
    ["Without prompt cache", uncached_usd],
  ];
  const known = lines.filter((line): line is readonly [string, number] => typeof line[1] === "number");
  if (known.length === 0) return null;
  return (
    <>
      {known.map(([name, usd]) => (
        <tr key={name} class="otherwise">
          <th scope="row" colSpan={2}>
            {name} <Estimate />
          </th>
          <td class="number">{money(usd)}</td>
        </tr>
      ))}
    </>
  );
}

/** It ended before any provider was asked: the cost that nobody counted is none. */
export function isUnsent({ attempts, cost_usd }: Pick<RequestDetail, "attempts" | "cost_usd">): boolean {
  return attempts.length === 0 && cost_usd === null;
}

export function RequestCost({ request }: { readonly request: RequestDetail }): JSX.Element {
  const { cost_usd, missed_cache, usage } = request;
  if (isUnsent(request))
    return (
      <section class="sheet-part" aria-label="Cost">
        <h3>Cost</h3>
        <p class="muted">Nobody was asked, so it cost nothing.</p>
      </section>
    );
  return (
    <section class="sheet-part" aria-label="Cost">
      <h3>Cost</h3>
      <table class="cost">
        <caption class="visually-hidden">Cost by its parts</caption>
        <thead>
          <tr>
            <th scope="col">Part</th>
            <th scope="col" class="number">
              Tokens
            </th>
            <th scope="col" class="number">
              USD
            </th>
          </tr>
        </thead>
        <tbody>
          {partsOf(request).map(({ name, tokens, usd }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class="number">{count(tokens)}</td>
              <td class="number">{money(usd)}</td>
            </tr>
          ))}
          <tr class="whole">
            <th scope="row">{cost_usd === null ? "In all: price or usage unknown" : "In all"}</th>
            <td class="number">
              {usage.input === null && usage.output === null
                ? "–"
                : count((usage.input ?? 0) + (usage.output ?? 0))}
            </td>
            <td class="number">{money(cost_usd)}</td>
          </tr>
          <Otherwise request={request} />
        </tbody>
      </table>
      {missed_cache === null || missed_cache === undefined ? null : (
        <p class="miss">
          <b>Prompt cache missed.</b> {missText(missed_cache)} {count(missed_cache.missed_tokens)} tokens were
          paid in full again{missed_cache.usd === null ? "" : `: ${money(missed_cache.usd)} more`}.{" "}
          <Estimate />
        </p>
      )}
    </section>
  );
}
