// The checks of providers and of the requests that they answer: out of use, quota reached, key or login refused, error rate.

import { causeOf, type Condition, inertText } from "./alert.ts";
import { type Finding, held, timeText, unknown, wholePercent } from "./finding.ts";
import type { AlertFacts, KeyFacts, ProviderFacts } from "./facts.ts";
import type { AlertsSettings } from "./settings.ts";

/** A shorter rest is what any busy key takes now and then. */
const shortestRestMs = 60_000;

const firing = (condition: Omit<Condition, "partOf" | "level"> & Partial<Condition>): Finding => ({
  state: "firing",
  condition: { level: condition.severity === "critical" ? 2 : 1, partOf: null, ...condition },
});

/** Every provider that could answer next is out: then each one alone is a part of that. */
export function providerFindings(facts: AlertFacts): readonly Finding[] {
  const states = facts.providers.map((provider) => ({ provider, isOut: isOut(provider, facts.nowMs) }));
  const outs = new Set(states.filter(({ isOut: is }) => is).map(({ provider }) => provider.id));
  const hasRoute = facts.chain.length > 1;
  const isRouteOut = hasRoute && facts.chain.every((id) => outs.has(id));
  const partOf = isRouteOut ? causeOf(routeCause) : null;
  const isOnly = (id: string): boolean => facts.chain.length === 1 && facts.chain[0] === id;
  return [
    ...(isRouteOut
      ? [
          firing({
            ...routeCause,
            severity: "critical",
            message: `No provider of the fallback chain can answer: ${facts.chain.join(", ")}.`,
            value: facts.chain.length,
            limit: null,
            untilMs: earliest(facts.providers.map(({ retryAtMs }) => retryAtMs)),
          }),
        ]
      : []),
    ...facts.providers.flatMap((provider) =>
      ofProvider(provider, facts, { partOf, isOnly: isOnly(provider.id) }),
    ),
  ];
}

const routeCause = { kind: "route-out", subject: "fallback_chain" } as const;

type Place = { readonly partOf: string | null; readonly isOnly: boolean };

function ofProvider(provider: ProviderFacts, { nowMs }: AlertFacts, { partOf, isOnly }: Place): Finding[] {
  const { id, circuit, retryAtMs, lastError, lastResult } = provider;
  const severity = isOnly ? ("critical" as const) : ("warning" as const);
  const found: Finding[] = [];
  if (circuit === "open") {
    const why = lastError === null ? "" : `: ${inertText(lastError)}`;
    const until = retryAtMs === null ? "" : `, until ${timeText(retryAtMs)}`;
    const message = `Provider ${id} is out of use${until}${why.replace(/\.$/, "")}.`;
    const place = { kind: "provider-out", subject: id, severity, untilMs: retryAtMs, partOf } as const;
    found.push(firing({ ...place, message, value: null, limit: null }));
  } else if (circuit === "half-open" || lastResult === "failed")
    found.push(held({ kind: "provider-out", subject: id }));
  else if (lastResult === "none")
    // A restart is no proof that a provider works again.
    for (const kind of ["provider-out", "credential", "login", "quota"] as const)
      found.push(unknown({ kind, subject: id }));
  return [...found, ...ofKeys(provider, nowMs, { severity, partOf })];
}

function ofKeys(
  { id, isProgram, keys }: ProviderFacts,
  nowMs: number,
  { severity, partOf }: Pick<Condition, "severity" | "partOf">,
): Finding[] {
  const found: Finding[] = [];
  const rejected = keys.filter(({ state }) => state === "rejected");
  const quota = keys.filter((key) => hasNoQuota(key, nowMs));
  const countOf = (some: readonly KeyFacts[]): string =>
    keys.length > 1 ? ` (${some.length} of its ${keys.length} keys)` : "";
  const place = { subject: id, partOf, limit: null };
  const of = (some: readonly KeyFacts[]): Condition["severity"] =>
    some.length === keys.length ? severity : "warning";
  if (rejected.length > 0)
    found.push(
      firing({
        ...place,
        kind: isProgram ? "login" : "credential",
        severity: of(rejected),
        message: isProgram
          ? `Provider ${id}: the login of the Claude Code program has expired or is refused; run \`clawgate login <tenant>\`, or with \`--no-tenant\`.`
          : `Provider ${id}: the vendor refuses the key${countOf(rejected)}.`,
        untilMs: null,
        value: rejected.length,
      }),
    );
  else if (keys.some(({ unproven }) => unproven === "rejected"))
    found.push(held({ kind: isProgram ? "login" : "credential", subject: id }));
  if (quota.length > 0) {
    const untilMs = earliest(quota.map((key) => key.untilMs));
    const until = untilMs === null ? "" : ` until ${timeText(untilMs)}`;
    const models = quota.every((key) => key.models.length > 0) ? quota.flatMap((key) => key.models) : [];
    const which = models.length === 0 ? "" : ` for ${inertText([...new Set(models)].join(", "))}`;
    const message = `Provider ${id}: the vendor's quota${which} is reached${until}${countOf(quota)}.`;
    const grade = models.length === 0 ? of(quota) : "warning";
    found.push(firing({ ...place, kind: "quota", severity: grade, message, untilMs, value: quota.length }));
  } else if (keys.some(({ unproven }) => unproven === "exhausted" || unproven === "rate-limited"))
    found.push(unknown({ kind: "quota", subject: id }));
  return found;
}

function hasNoQuota({ state, untilMs }: KeyFacts, nowMs: number): boolean {
  if (state === "exhausted") return true;
  return state === "rate-limited" && untilMs !== null && untilMs - nowMs >= shortestRestMs;
}

function isOut(provider: ProviderFacts, nowMs: number): boolean {
  const { circuit, keys } = provider;
  if (circuit === "open") return true;
  return (
    keys.length > 0 &&
    keys.every((key) => key.state === "rejected" || (key.models.length === 0 && hasNoQuota(key, nowMs)))
  );
}

function earliest(times: readonly (number | null)[]): number | null {
  const known = times.filter((each) => each !== null);
  return known.length === 0 ? null : Math.min(...known);
}

/** An error rate that falls below this share of its limit is over. */
const heldShare = 0.7;

/** `earlier`: what was found of the providers; an error rate that follows from it is a part of it. */
export function errorRateFindings(
  facts: AlertFacts,
  { error_rate: limit, min_requests: least }: AlertsSettings["rules"],
  earlier: readonly Finding[],
): readonly Finding[] {
  if (limit === 0) return [];
  const causes = earlier.flatMap((each) => (each.state === "firing" ? [each.condition] : []));
  const single = facts.providers.map(({ id }) =>
    rateFinding(facts, { provider: id, limit, least, partOf: causes.find(({ subject }) => subject === id) }),
  );
  const worst = single.flatMap((each) => (each.state === "firing" ? [each.condition] : []));
  const partOf = causes.find(({ kind }) => kind === "route-out") ?? causes[0] ?? worst[0];
  return [...single, rateFinding(facts, { provider: null, limit, least, partOf })];
}

type Rate = {
  readonly provider: string | null;
  readonly limit: number;
  readonly least: number;
  readonly partOf: Condition | undefined;
};

function rateFinding(facts: AlertFacts, { provider, limit, least, partOf }: Rate): Finding {
  const { total, failed } = facts.failures(provider);
  const cause = { kind: "error-rate", subject: provider ?? "all requests" } as const;
  if (total < least) return unknown(cause);
  const percent = (100 * failed) / total;
  if (percent >= limit) {
    const what =
      provider === null ? "of all requests failed" : `of the requests to provider ${provider} failed`;
    return firing({
      ...cause,
      severity: provider === null ? "critical" : "warning",
      message: `${wholePercent(percent)} ${what} (${failed} of ${total}; the limit is ${limit} %).`,
      untilMs: null,
      value: Math.round(percent * 10) / 10,
      limit,
      partOf: partOf === undefined ? null : causeOf(partOf),
    });
  }
  return percent >= limit * heldShare ? held(cause) : { state: "over", cause: causeOf(cause) };
}
