// What a page says where it has no requests: before the first one how to send it, later when the latest was.

import type { ComponentChildren, JSX } from "preact";
import type { RequestsPage } from "../../../metrics/query-shapes.ts";
import { apiPath } from "../api.ts";
import { useEvents } from "../event-stream.ts";
import { time, viewerZone } from "../formatting.ts";
import { Link } from "../link.tsx";
import { addressWith, home, type Place } from "../location.ts";
import { rangeChoices, rangeOf, shortestRange } from "../time-range.ts";
import { useApi } from "../use-api.ts";
import { CopyButton } from "./copy-button.tsx";
import { Panel } from "./panel.tsx";
import { Empty } from "./states.tsx";

/** The settings of each kind of client, for the address at which this page was opened. */
const settingsFor = (origin: string): readonly (readonly [client: string, setting: string])[] => [
  ["Claude Code, Anthropic clients", `ANTHROPIC_BASE_URL=${origin}`],
  ["OpenAI clients", `OPENAI_BASE_URL=${origin}/v1`],
  ["gemini-cli", `GOOGLE_GEMINI_BASE_URL=${origin}`],
];

const firstRequest = (origin: string): string =>
  [
    `curl -sS ${origin}/v1/chat/completions`,
    `-H "authorization: Bearer \${CLAWGATE_KEY:-local}"`,
    `-H 'content-type: application/json'`,
    `-d '{"model":"auto","messages":[{"role":"user","content":"Hello"}]}'`,
  ].join(" \\\n  ");

function FirstSteps(): JSX.Element {
  const { origin } = location;
  return (
    <Panel title="No request has come yet" note="the first one appears here by itself">
      <div class="first-steps">
        <p>
          Point a client at this gateway and let it ask for the model <code>auto</code>:
        </p>
        <dl>
          {settingsFor(origin).map(([client, setting]) => (
            <div key={client}>
              <dt>{client}</dt>
              <dd>
                <code>{setting}</code>
              </dd>
            </div>
          ))}
        </dl>
        <p>
          Its API key is one of <code>auth.keys</code> or a tenant's key; any word, where the config has
          neither. Or send one request from a terminal:
        </p>
        <pre tabIndex={0} aria-label="A first request">
          {firstRequest(origin)}
        </pre>
        <div class="button-row">
          <CopyButton text={firstRequest(origin)} label="Copy the command" />
          <Link to={`${home}/providers`} class="button">
            Are the providers well?
          </Link>
          <a href="/docs/clients" class="button">
            Settings of other clients
          </a>
        </div>
      </div>
    </Panel>
  );
}

type NoRequestsProps = {
  readonly place: Place;
  readonly title: string;
  /** What helps if there are requests, but none is shown. */
  readonly children: ComponentChildren;
};

/** Asks whether there is any request at all. */
export function NoRequests({ place, title, children }: NoRequestsProps): JSX.Element | null {
  const answer = useApi<RequestsPage>(apiPath("/api/requests", { from: 0, tz: viewerZone(), limit: 1 }));
  const newest = answer.data?.requests[0];
  useEvents(["request"], answer.reload, answer.data !== null && newest === undefined);
  if (answer.data === null && answer.error === null) return null;
  if (answer.data !== null && newest === undefined) return <FirstSteps />;
  const newestMs = newest === undefined ? null : newest.timestamp * 1000;
  const from = newestMs === null ? null : shortestRange(newestMs, Date.now());
  const isWider = from !== null && from !== rangeOf(place.query).from;
  return (
    <section class="panel">
      <Empty title={title}>
        {children}
        {newestMs === null ? null : (
          <p>
            The latest request came {time(newestMs, "full")}.{" "}
            {isWider ? (
              <Link to={addressWith(place, { from, to: null, cursor: null })}>
                {rangeChoices.find((choice) => choice.from === from)?.name}
              </Link>
            ) : null}
          </p>
        )}
      </Empty>
    </section>
  );
}
