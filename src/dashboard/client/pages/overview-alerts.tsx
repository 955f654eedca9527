// What is wrong now, above everything else. Nothing is shown while nothing is.

import type { JSX } from "preact";
import { Icon } from "../components/icon.tsx";
import { shortTime, shown } from "../formatting.ts";
import type { AlertsAnswer } from "../operator/shapes.ts";
import { useApi } from "../use-api.ts";

const refreshMs = 15_000;

export function ActiveAlerts(): JSX.Element | null {
  const { data } = useApi<AlertsAnswer>("/api/alerts", { everyMs: refreshMs });
  if (data === null || data.alerts.length === 0) return null;
  return (
    <ul class="alerts" aria-label="Active alerts">
      {data.alerts.map(({ id, severity, message, since_ms, until_ms }) => (
        <li key={id} class={`alert alert-${severity}`}>
          <Icon name="alert" />
          <span>
            <b>{severity === "critical" ? "Critical" : "Warning"}</b> {shown(message, 300)}
          </span>
          <span class="muted">
            since {shortTime(since_ms)}
            {until_ms === null || until_ms <= Date.now() ? "" : `, until ${shortTime(until_ms)}`}
          </span>
        </li>
      ))}
    </ul>
  );
}
