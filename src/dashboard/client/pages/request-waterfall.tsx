// The course of a request: a bar for each attempt on one line of time, and beside it who was asked, with what result and why.

import type { JSX } from "preact";
import type { RequestDetail } from "../api-shapes.ts";
import { Badge, type Tone } from "../components/badge.tsx";
import { duration, shown } from "../formatting.ts";
import { type Span, type WaterfallRow, waterfallOf } from "../waterfall.ts";

const spanNames: Readonly<Record<Span["kind"], string>> = {
  queue: "waiting for a turn",
  headers: "until the answer began",
  thinking: "until the first token",
  streaming: "answering",
};

const answerSources: Readonly<Record<string, string>> = {
  relay: "passed through",
  hub: "translated",
  forward: "forwarded",
};

const tones: Readonly<Record<string, Tone>> = {
  ok: "good",
  failed: "bad",
  skipped: "plain",
  cancelled: "plain",
};

function AttemptFacts({ row: { attempt } }: { readonly row: WaterfallRow }): JSX.Element {
  const times = [
    attempt.wait_ms > 0
      ? `waited ${duration(attempt.wait_ms)}${attempt.queue_position === undefined ? "" : ` at place ${attempt.queue_position}`}`
      : null,
    attempt.headers_ms === null ? null : `headers ${duration(attempt.headers_ms)}`,
    attempt.first_token_ms === null ? null : `first token ${duration(attempt.first_token_ms)}`,
    `took ${duration(attempt.duration_ms)}`,
  ];
  return (
    <div class="attempt-facts">
      <p>
        <b>{shown(attempt.model, 80)}</b> <span class="muted">{shown(attempt.provider, 40)}</span>{" "}
        <Badge tone={tones[attempt.outcome] ?? "plain"}>
          {attempt.outcome}
          {attempt.status === null ? "" : ` ${attempt.status}`}
        </Badge>
        {attempt.failure === null ? null : (
          <>
            {" "}
            <Badge tone="bad">{attempt.failure}</Badge>
          </>
        )}
        {attempt.maybe_billed ? (
          <>
            {" "}
            <Badge tone="warn" title="The vendor may have billed it although it gave no answer">
              maybe billed
            </Badge>
          </>
        ) : null}
      </p>
      {attempt.message === null ? null : <p class="attempt-message">{shown(attempt.message, 300)}</p>}
      <p class="muted">
        {[
          ...times,
          answerSources[attempt.lane] ?? attempt.lane,
          attempt.credential === null ? null : `key ${shown(attempt.credential, 20)}`,
        ]
          .filter((each) => each !== null)
          .join(" · ")}
      </p>
      {attempt.adapted.length === 0 ? null : (
        <p class="muted">Adapted: {attempt.adapted.map((word) => shown(word, 60)).join(", ")}</p>
      )}
    </div>
  );
}

function Bar({
  row: { spans, attempt },
  number,
}: {
  readonly row: WaterfallRow;
  readonly number: number;
}): JSX.Element {
  const said = spans.map(({ kind }) => spanNames[kind]).join(", ");
  return (
    <div class="course" role="img" aria-label={`Attempt ${number}: ${said || "not sent"}`}>
      {spans.map(({ kind, left, width }) => (
        <i
          key={kind}
          class={`span-${kind} ${attempt.outcome === "failed" ? "span-failed" : ""}`}
          title={spanNames[kind]}
          style={{ left: `${left.toFixed(3)}%`, width: `max(2px, ${width.toFixed(3)}%)` }}
        />
      ))}
    </div>
  );
}

export function RequestWaterfall({ request }: { readonly request: RequestDetail }): JSX.Element {
  const { rows, wholeMs } = waterfallOf(request);
  if (rows.length === 0)
    return (
      <section class="sheet-part" aria-label="Course">
        <h3>Course</h3>
        <p class="muted">Nobody was asked.</p>
      </section>
    );
  return (
    <section class="sheet-part" aria-label="Course">
      <h3>
        Course
        <span class="waterfall-keys" aria-hidden="true">
          {(Object.keys(spanNames) as Span["kind"][]).map((kind) => (
            <span key={kind}>
              <i class={`swatch span-${kind}`} /> {spanNames[kind]}
            </span>
          ))}
        </span>
      </h3>
      <ol class="waterfall">
        {rows.map((row, at) => (
          <li key={at}>
            <Bar row={row} number={at + 1} />
            <AttemptFacts row={row} />
          </li>
        ))}
      </ol>
      <p class="muted waterfall-scale">
        <span>0</span>
        <span>{duration(wholeMs / 2)}</span>
        <span>{duration(wholeMs)}</span>
      </p>
      <p class="muted">
        Gateway {duration(request.overhead_ms)} before the first attempt
        {request.queue_wait_ms > 0 ? `, ${duration(request.queue_wait_ms)} in queues` : ""}
      </p>
    </section>
  );
}
