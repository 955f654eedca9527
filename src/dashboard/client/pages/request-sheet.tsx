// One request: what became of it, why it went where it went, its course, and what it cost.

import type { JSX } from "preact";
import type { RequestDetail } from "../api-shapes.ts";
import { Badge, StatusBadge } from "../components/badge.tsx";
import { CopyButton } from "../components/copy-button.tsx";
import { Facts } from "../components/panel.tsx";
import { Sheet } from "../components/sheet.tsx";
import { Loaded } from "../components/states.tsx";
import { count, duration, money, percent, shown, time } from "../formatting.ts";
import { Link } from "../link.tsx";
import { addressWith, home, type Place, segment, withRange } from "../location.ts";
import { routeCommand } from "../route-command.ts";
import { useSession } from "../session.ts";
import { useApi } from "../use-api.ts";
import { isUnsent, RequestCost } from "./request-cost.tsx";
import { RequestWaterfall } from "./request-waterfall.tsx";

function Summary({ request }: { readonly request: RequestDetail }): JSX.Element {
  const { usage } = request;
  return (
    <div class="summary">
      <div>
        <span class="muted">{request.failure === null || isUnsent(request) ? "Went to" : "Tried last"}</span>
        <b>{isUnsent(request) ? "nobody" : shown(request.model, 80)}</b>
        <span class="muted">{shown(request.provider, 60)}</span>
      </div>
      <div>
        <span class="muted">Cost</span>
        <b>{isUnsent(request) ? money(0) : money(request.cost_usd)}</b>
        <span class="muted">
          {count(usage.input)} in, {count(usage.output)} out
        </span>
      </div>
      <div>
        <span class="muted">Took</span>
        <b>{duration(request.latency_ms)}</b>
        <span class="muted">first token {duration(request.first_token_ms)}</span>
      </div>
      <div>
        <span class="muted">Status</span>
        <b>
          <StatusBadge {...request} />
        </b>
        <span class="muted">{request.finish === null ? "" : `finished: ${shown(request.finish, 40)}`}</span>
      </div>
    </div>
  );
}

const layers: Readonly<Record<string, string>> = {
  direct: "The client named it",
  static: "A rule of the config",
  heuristic: "What the request contains",
  "llm-classify": "A model judged the request",
  fallback: "Nothing matched: the fallback chain",
};

function WhyThere({ request }: { readonly request: RequestDetail }): JSX.Element {
  const { layer, rule_name, confidence, reason, candidates, facts } = request;
  if (rule_name === "" && candidates.length === 0)
    return (
      <section class="sheet-part" aria-label="Why it went there">
        <h3>Why it went there</h3>
        <p class="muted">It ended before a route was chosen.</p>
      </section>
    );
  return (
    <section class="sheet-part" aria-label="Why it went there">
      <h3>Why it went there</h3>
      <p class="why">
        <Badge tone="accent">{shown(rule_name, 80)}</Badge> {layers[layer] ?? shown(layer, 40)}
        {confidence === null ? "" : `, confidence ${percent(confidence * 100, 0)}`}
      </p>
      {reason === null ? null : <p class="reason">{shown(reason, 1000)}</p>}
      {candidates.length === 0 ? null : (
        <ol class="candidates" aria-label="Candidates in their order">
          {candidates.map(({ provider, model, note, kept }, at) => (
            <li key={at} class={kept ? "kept" : "dropped"}>
              <span class="candidate-name">
                {shown(model, 80)} <span class="muted">{shown(provider, 40)}</span>
              </span>
              <Badge tone={note === "chosen" ? "good" : "plain"}>{kept ? "kept" : "dropped"}</Badge>
              <span class="muted candidate-note">{shown(note, 200)}</span>
            </li>
          ))}
        </ol>
      )}
      {facts === null ? null : (
        <details>
          <summary>What routing saw</summary>
          <Facts
            rows={Object.entries(facts).map(([name, value]) => [
              name.replaceAll("_", " "),
              shown(typeof value === "string" ? value : JSON.stringify(value), 200),
            ])}
          />
        </details>
      )}
    </section>
  );
}

function Origin({ request, place }: { readonly request: RequestDetail; readonly place: Place }): JSX.Element {
  const { session, tenant, agent } = request;
  const filter = (key: string, value: string | null): JSX.Element | string =>
    value === null ? (
      "–"
    ) : (
      <Link
        to={addressWith(
          { path: `${home}/requests`, query: new URLSearchParams(rangeOnly(place)) },
          { [key]: value },
        )}
      >
        {shown(value, 60)}
      </Link>
    );
  return (
    <section class="sheet-part" aria-label="Where it came from">
      <h3>Where it came from</h3>
      <Facts
        rows={[
          ["Asked for", shown(request.requested_model, 120)],
          ["Tenant", filter("tenant", tenant)],
          ["Client", filter("client", request.client)],
          [
            "Session",
            session === null ? (
              "–"
            ) : (
              <Link to={withRange(`${home}/sessions/${segment(session)}`, place.query)}>
                {shown(session, 60)}
              </Link>
            ),
          ],
          ["Agent", filter("agent", agent)],
          ["Kind of turn", filter("class", request.class)],
          ["Agent type", shown(request.agent_type ?? null, 60)],
          [
            "Compaction",
            request.compaction !== undefined
              ? shown(request.compaction, 60)
              : request.context_compacted === undefined
                ? "–"
                : `before this turn: ${shown(request.context_compacted, 60)}`,
          ],
          ["Endpoint", shown(request.door, 40)],
          ["Tags", request.tags.length === 0 ? "–" : request.tags.map((tag) => shown(tag, 60)).join(", ")],
          ["Tools run before", (request.tool_calls ?? []).map((tool) => shown(tool, 60)).join(", ") || "–"],
          ["Answered as", request.stream ? "stream" : "one piece"],
          ["Key", shown(request.key_id, 40)],
          ["Started", time(request.timestamp * 1000, "full")],
          ["Id", <code key="id">{shown(request.request_id, 80)}</code>],
        ]}
      />
    </section>
  );
}

const rangeOnly = ({ query }: Place): Record<string, string> =>
  Object.fromEntries([...query].filter(([key]) => key === "from" || key === "to"));

type RequestSheetProps = { readonly id: string; readonly place: Place; close(): void };

export function RequestSheet({ id, place, close }: RequestSheetProps): JSX.Element {
  const answer = useApi<{ readonly request: RequestDetail }>(`/api/requests/${segment(id)}`);
  const { data: session } = useSession();
  const request = answer.data?.request;
  return (
    <Sheet
      title={
        request === undefined ? "Request" : `Request of ${time(request.timestamp * 1000, "dayAndMinute")}`
      }
      close={close}
      actions={
        request === undefined ? null : (
          <CopyButton
            label="Copy as curl"
            text={routeCommand(request, location.origin, session?.has_admin_key === true)}
          />
        )
      }
    >
      <Loaded answer={answer} label="Reading the request">
        {({ request: found }) => (
          <>
            <Summary request={found} />
            {found.error === "" ? null : <p class="request-error">{shown(found.error, 400)}</p>}
            <WhyThere request={found} />
            <RequestWaterfall request={found} />
            <RequestCost request={found} />
            <Origin request={found} place={place} />
          </>
        )}
      </Loaded>
    </Sheet>
  );
}
