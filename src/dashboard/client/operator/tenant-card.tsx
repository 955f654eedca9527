// One tenant on the page of tenants: what it did in the range, each limit with its use and projection, and its keys.

import type { JSX } from "preact";
import { Badge, Estimate } from "../components/badge.tsx";
import { Meter } from "../components/meter.tsx";
import { count, duration, money, percent, short, shown } from "../formatting.ts";
import { Link } from "../link.tsx";
import { withRange } from "../location.ts";
import type { TenantEntry } from "./shapes.ts";
import { TenantKeys } from "./tenant-keys.tsx";
import { limitRows, type LimitRow, tenantTone } from "./tenants-model.ts";

/** Null: not known yet. */
export type TenantTraffic = {
  readonly requests: number | null;
  readonly failures: number | null;
  readonly costUsd: number | null;
  readonly running: number | null;
  readonly queued: number | null;
};

type TenantCardProps = {
  readonly tenant: TenantEntry;
  readonly traffic: TenantTraffic;
  readonly query: URLSearchParams;
  changed(): void;
};

const written = (value: number, { unit }: LimitRow): string => (unit === "usd" ? money(value) : short(value));

function LimitLine({ row }: { readonly row: LimitRow }): JSX.Element {
  const { label, limit, used, usedPercent, projected, tone } = row;
  const text = `${written(used, row)} of ${written(limit, row)}`;
  return (
    <li class="limit">
      <span class="limit-name">{label}</span>
      <span class="limit-text">
        {text} <span class="muted">({percent(usedPercent, 0)})</span>
        {projected === null ? null : (
          <span class={projected > limit ? "over" : "muted"}>
            {" · ends at "}
            {written(projected, row)} <Estimate />
          </span>
        )}
      </span>
      <Meter
        label={label}
        text={text}
        percent={usedPercent}
        projectedPercent={projected === null || limit === 0 ? null : (projected / limit) * 100}
        tone={tone}
      />
    </li>
  );
}

const toneWords = {
  good: "within limits",
  warn: "near a limit",
  bad: "limit reached",
  plain: "no limits",
} as const;

function addressOf(page: string, tenant: string, query: URLSearchParams): string {
  const address = new URL(withRange(`/dashboard/${page}`, query), location.origin);
  address.searchParams.set("tenant", tenant);
  return address.pathname + address.search;
}

function Rules({ tenant }: { readonly tenant: TenantEntry }): JSX.Element | null {
  const parts = [
    ...(tenant.models === null ? [] : [`models ${tenant.models.join(", ")}`]),
    ...(tenant.provider === null ? [] : [`auto goes to ${tenant.provider}`]),
    ...(tenant.limits?.over_budget_model === undefined
      ? []
      : [`over budget ${tenant.limits.over_budget_model} answers`]),
    ...(tenant.limits?.budget?.usd_per_session === undefined
      ? []
      : [`${money(tenant.limits.budget.usd_per_session)} a session`]),
  ];
  return parts.length === 0 ? null : <p class="muted wraps">{shown(parts.join(" · "), 300)}</p>;
}

export function TenantCard({ tenant, traffic, query, changed }: TenantCardProps): JSX.Element {
  const nowMs = Date.now();
  const tone = tenantTone(tenant, nowMs);
  const rows = limitRows(tenant, nowMs);
  const { used } = tenant;
  return (
    <article class={`panel card card-${tone}`} aria-label={`Tenant ${shown(tenant.name)}`}>
      <header class="card-head">
        <h2>{shown(tenant.name, 64)}</h2>
        <Badge tone={tone}>{toneWords[tone]}</Badge>
      </header>
      <Rules tenant={tenant} />
      <dl class="figures-row">
        {[
          ["Requests", count(traffic.requests)],
          ["Failed", count(traffic.failures)],
          ["Cost", money(traffic.costUsd)],
          ["Running / queued", `${count(traffic.running)} / ${count(traffic.queued)}`],
        ].map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {used?.is_over_budget === true && used.budget_resets_in_s !== null ? (
        <p class="status-line">
          The budget is used up; it resets in {duration(used.budget_resets_in_s * 1000)}.
        </p>
      ) : null}
      {rows.length === 0 ? null : (
        <ul class="limits" aria-label="Limits">
          {rows.map((row) => (
            <LimitLine key={row.label} row={row} />
          ))}
        </ul>
      )}
      {used === null || (used.reserved.usd === 0 && used.reserved.tokens === 0) ? null : (
        <p class="hint">
          Reserved for running requests: {money(used.reserved.usd)}, {short(used.reserved.tokens)} tokens.
        </p>
      )}
      <TenantKeys tenant={tenant} changed={changed} />
      <footer class="card-foot">
        <Link to={addressOf("sessions", tenant.name, query)} class="quiet-link">
          Sessions
        </Link>
        <Link to={addressOf("requests", tenant.name, query)} class="quiet-link">
          Requests
        </Link>
      </footer>
    </article>
  );
}
