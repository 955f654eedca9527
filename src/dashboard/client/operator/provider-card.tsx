// One provider on its page: state and reason, figures of the range, keys with their quota, and what the operator can do with it.

import type { ComponentChildren, JSX } from "preact";
import { callApi } from "../api.ts";
import { Badge } from "../components/badge.tsx";
import { Meter } from "../components/meter.tsx";
import { Moment } from "../components/moment.tsx";
import { Problem } from "../components/states.tsx";
import { ActionButton } from "../components/write-access.tsx";
import { count, dash, duration, money, percent, shown } from "../formatting.ts";
import { Link } from "../link.tsx";
import { segment } from "../location.ts";
import { useAction } from "../use-action.ts";
import { keyStatus, providerStatus, quotaOf, type Quota, type Share } from "./providers-model.ts";
import type { ProviderEntry, ProviderKey, ProviderTestAnswer } from "./shapes.ts";

type ProviderCardProps = {
  readonly provider: ProviderEntry;
  /** Null: not known yet. */
  readonly share: Share | null;
  changed(): void;
};

function StatusLine({ provider }: { readonly provider: ProviderEntry }): JSX.Element | null {
  const { untilMs, why } = providerStatus(provider);
  if (untilMs === null && why === null) return null;
  return (
    <p class="status-line">
      {untilMs === null ? null : (
        <>
          Tried again <Moment ms={untilMs} isRelative />
          {why === null ? "" : ": "}
        </>
      )}
      {why === null ? null : <span class="wraps">{shown(why, 400)}</span>}
    </p>
  );
}

function Figure({
  name,
  children,
}: {
  readonly name: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Figures({ provider, share }: Omit<ProviderCardProps, "changed">): JSX.Element {
  const { running, waiting } = provider;
  return (
    <dl class="figures-row">
      <Figure name="Requests">{count(share?.requests)}</Figure>
      <Figure name="Share">{percent(share?.percent)}</Figure>
      <Figure name="Failed">{count(share?.failures)}</Figure>
      <Figure name="Latency p50 / p95">
        {share === null || share.p50Ms === null
          ? dash
          : `${duration(share.p50Ms)} / ${duration(share.p95Ms)}`}
      </Figure>
      <Figure name="First token p50">{duration(share?.firstTokenMs)}</Figure>
      <Figure name="Cost">{share === null ? dash : money(share.costUsd)}</Figure>
      <Figure name="Running / waiting">
        {count(running)} / {count(waiting)}
      </Figure>
    </dl>
  );
}

function QuotaRow({ quota }: { readonly quota: Quota }): JSX.Element {
  const { name, usedPercent, remaining, limit, resetsMs, status, tone } = quota;
  const left =
    remaining !== null && limit !== null
      ? `${count(remaining)} of ${count(limit)} left`
      : remaining !== null
        ? `${count(remaining)} left`
        : usedPercent !== null
          ? `${percent(100 - usedPercent, 0)} left`
          : limit === null
            ? "no figures"
            : `of ${count(limit)}`;
  return (
    <li class="quota">
      <span class="quota-name">{shown(name, 40)}</span>
      <span class="quota-text">
        {left}
        {status === null ? null : ` · ${shown(status.replaceAll("_", " "), 40)}`}
        {resetsMs === null ? null : (
          <span class="muted">
            {" · resets "}
            <Moment ms={resetsMs} isRelative />
          </span>
        )}
      </span>
      {usedPercent === null ? null : (
        <Meter label={`Quota ${name}`} text={left} percent={usedPercent} tone={tone} />
      )}
    </li>
  );
}

function KeyRow({ held }: { readonly held: ProviderKey }): JSX.Element {
  const { label, tone, untilMs } = keyStatus(held);
  const endsMs = held.limit_ends_at === null ? null : Date.parse(held.limit_ends_at);
  const isLater = endsMs !== null && (untilMs === null || endsMs > untilMs);
  const models = Object.entries(held.cooling_models);
  return (
    <li class="key">
      <p class="key-head">
        <code>{held.id === "" ? "no key" : shown(held.id, 24)}</code>
        <Badge tone={tone}>{label}</Badge>
        {untilMs === null ? null : (
          <span class="muted">
            next check <Moment ms={untilMs} isRelative />
          </span>
        )}
        {isLater ? (
          <span class="muted">
            limit ends <Moment ms={endsMs} isRelative />
          </span>
        ) : null}
      </p>
      {models.length === 0 ? null : <OnHold models={models} />}
      {held.allowances.length === 0 ? null : (
        <ul class="quotas">
          {held.allowances.map((allowance) => (
            <QuotaRow key={allowance.name} quota={quotaOf(allowance)} />
          ))}
        </ul>
      )}
    </li>
  );
}

function OnHold({ models }: { readonly models: readonly (readonly [string, string])[] }): JSX.Element {
  return (
    <ul class="on-hold">
      {models.map(([model, until]) => (
        <li key={model}>
          <code>{shown(model, 80)}</code>{" "}
          <span class="muted">
            on hold, tried again <Moment ms={Date.parse(until)} isRelative />
          </span>
        </li>
      ))}
    </ul>
  );
}

function TestResult({ result }: { readonly result: ProviderTestAnswer }): JSX.Element {
  const request = (
    <Link to={`/dashboard/requests/${segment(result.request_id)}`} class="quiet-link">
      open the request
    </Link>
  );
  if (result.error !== null)
    return (
      <div class="outcome outcome-bad" role="status">
        <p>
          <strong>The test failed: {shown(result.error.kind, 60)}.</strong> {shown(result.error.message, 400)}
        </p>
        <p class="muted">
          {shown(result.error.hint, 300)} {request}
        </p>
      </div>
    );
  return (
    <div class="outcome outcome-good" role="status">
      <p>
        <strong>It answers.</strong> {shown(result.model, 80)} in {duration(result.latency_ms)}, first token
        after {duration(result.first_token_ms)}
        {result.cost_usd === null ? "" : `, ${money(result.cost_usd)}`}. {request}
      </p>
      {result.text === null ? null : <p class="muted wraps">“{shown(result.text, 120)}”</p>}
    </div>
  );
}

export function ProviderCard({ provider, share, changed }: ProviderCardProps): JSX.Element {
  const { label, tone } = providerStatus(provider);
  const path = `/api/providers/${segment(provider.id)}`;
  const test = useAction(
    () => callApi<ProviderTestAnswer>(`${path}/test`, { method: "POST" }),
    () => {
      reset.clear();
      changed();
    },
  );
  const reset = useAction(
    () => callApi<unknown>(`${path}/reset`, { method: "POST" }).then(() => true),
    () => {
      test.clear();
      changed();
    },
  );
  const models = Object.entries(provider.cooling_models);
  return (
    <article class={`panel card card-${tone}`} aria-label={`Provider ${shown(provider.id)}`}>
      <header class="card-head">
        <h2>{shown(provider.id, 64)}</h2>
        <Badge tone={tone}>{label}</Badge>
        <p class="muted card-sub">
          {[provider.backend, provider.tier, provider.base_url]
            .filter((part) => part !== null)
            .map((part) => shown(part, 80))
            .join(" · ")}
        </p>
      </header>
      <StatusLine provider={provider} />
      <Figures provider={provider} share={share} />
      {models.length === 0 ? null : <OnHold models={models} />}
      {provider.credentials.length === 0 ? null : (
        <ul class="keys" aria-label="Keys">
          {provider.credentials.map((held) => (
            <KeyRow key={held.id} held={held} />
          ))}
        </ul>
      )}
      <footer class="card-foot">
        <ActionButton action={test} input={undefined} label={`Test ${provider.id}`} busy="Testing…">
          Test
        </ActionButton>
        <ActionButton action={reset} input={undefined} label={`Reset ${provider.id}`} busy="Resetting…">
          Reset
        </ActionButton>
        <Link to={`/dashboard/requests?provider=${segment(provider.id)}`} class="quiet-link">
          Its requests
        </Link>
      </footer>
      {test.error === null ? null : <Problem error={test.error} />}
      {reset.error === null ? null : <Problem error={reset.error} />}
      {test.result === null ? null : <TestResult result={test.result} />}
      {reset.result === null ? null : (
        <p class="outcome outcome-good" role="status">
          Reset: failures and rests are forgotten, and the next request may go there.
        </p>
      )}
    </article>
  );
}
