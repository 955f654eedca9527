// What could have been spared: one line a kind with its money, and the requests behind it one click away.

import type { JSX } from "preact";
import type { WasteLine } from "../../../metrics/query-shapes.ts";
import { Estimate } from "../components/badge.tsx";
import { Panel } from "../components/panel.tsx";
import { Empty } from "../components/states.tsx";
import { count, money } from "../formatting.ts";
import { Link } from "../link.tsx";
import { home } from "../location.ts";

const titles: Readonly<Record<WasteLine["kind"], string>> = {
  "cache-miss": "Prompt cache missed",
  idle: "Idle spenders",
  repeated: "The same request again",
  "dear-model": "Dearer model than needed",
};

export function WastePanel({ waste }: { readonly waste: readonly WasteLine[] }): JSX.Element {
  return (
    <Panel title="Could have been spared" actions={<Estimate />}>
      {waste.length === 0 ? (
        <Empty title="Nothing found in this time" />
      ) : (
        <ul class="waste">
          {waste.map(({ kind, requests, usd, text, filter }) => (
            <li key={kind}>
              <Link to={`${home}/requests?${filter}`} class="waste-line">
                <span class="waste-title">{titles[kind] ?? kind}</span>
                <b>{money(usd)}</b>
                <span class="waste-text">{text}</span>
                <span class="muted">{count(requests)} requests</span>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
