// What the router decided for a text: the target and why, the candidates with why not, what happens to the bytes.

import type { JSX } from "preact";
import { Badge, Estimate } from "../components/badge.tsx";
import { Facts } from "../components/panel.tsx";
import { Problem } from "../components/states.tsx";
import { Table } from "../components/table.tsx";
import { count, money, shown } from "../formatting.ts";
import { compareRoutes, type Decided, sentAs, targetOf } from "./routing-model.ts";
import type { RouteAnswer } from "./shapes.ts";

function Candidates({ answer }: { readonly answer: RouteAnswer }): JSX.Element {
  return (
    <Table
      caption="Candidates"
      rows={answer.candidates}
      keyOf={(each) => targetOf(each)}
      isMarked={({ kept, note }) => kept && note === "chosen"}
      columns={[
        {
          name: "target",
          title: "Candidate",
          cell: (each) => <code>{shown(targetOf(each), 80)}</code>,
        },
        {
          name: "note",
          title: "Why, why not",
          cell: ({ kept, note }) => (
            <span class="wraps">
              {kept ? (
                <Badge tone={note === "chosen" ? "good" : "plain"}>{shown(note, 80)}</Badge>
              ) : (
                shown(note, 300)
              )}
            </span>
          ),
        },
        {
          name: "cost",
          title: "Cost",
          kind: "number",
          cell: ({ estimated_cost_usd: cost }) => money(cost),
        },
      ]}
    />
  );
}

export function RouteResult({
  title,
  decided,
}: {
  readonly title: string;
  readonly decided: Decided;
}): JSX.Element {
  const { answer, error } = decided;
  if (answer === null)
    return (
      <section class="route-result" aria-label={title}>
        <h3>{title}</h3>
        {error === null ? null : <Problem error={error} />}
        <p class="hint">This is what the client would be answered.</p>
      </section>
    );
  return (
    <section class="route-result" aria-label={title}>
      <h3>{title}</h3>
      <p class="route-target">
        <code>{shown(targetOf(answer), 120)}</code>
      </p>
      <p class="muted wraps">{shown(answer.reason, 400)}</p>
      <Facts
        rows={[
          ["Layer", shown(answer.layer, 60)],
          ["Rule", shown(answer.rule, 100)],
          ["Confidence", answer.confidence.toFixed(2)],
          ["Sent as", shown(sentAs(answer), 120)],
          ["Adapted", answer.adapted.length === 0 ? "nothing" : shown(answer.adapted.join(", "), 300)],
          [
            "Cost",
            <>
              {money(answer.estimated_cost_usd)} for {count(answer.estimated_tokens)} tokens <Estimate />
            </>,
          ],
          [
            "Then",
            answer.fallbacks.length === 0 ? "no other target" : shown(answer.fallbacks.join(", "), 300),
          ],
          ["Decided in", `${answer.elapsed_ms} ms`],
        ]}
      />
      <Candidates answer={answer} />
    </section>
  );
}

export function Differences({
  left,
  right,
}: {
  readonly left: RouteAnswer;
  readonly right: RouteAnswer;
}): JSX.Element {
  const differing = compareRoutes(left, right).filter(({ differs }) => differs);
  if (differing.length === 0) return <p class="notice">Both texts are decided alike.</p>;
  return (
    <section class="route-result" aria-label="Differences">
      <h3>Differences</h3>
      <Table
        caption="Where both decisions differ"
        rows={differing}
        keyOf={({ label }) => label}
        columns={[
          { name: "label", title: "Fact", cell: ({ label }) => label },
          { name: "left", title: "First text", cell: (row) => shown(row.left, 200) },
          { name: "right", title: "Second text", cell: (row) => shown(row.right, 200) },
        ]}
      />
    </section>
  );
}
