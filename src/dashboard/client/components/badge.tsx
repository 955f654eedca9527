// A short word with a meaning of its own: a status, a mark. The colour never says it alone.

import type { ComponentChildren, JSX } from "preact";

export type Tone = "good" | "warn" | "bad" | "plain" | "accent";

export function Badge({
  tone = "plain",
  title,
  children,
}: {
  readonly tone?: Tone;
  readonly title?: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <span class={`badge badge-${tone}`} title={title}>
      {children}
    </span>
  );
}

export const Estimate = (): JSX.Element => (
  <span class="estimate" title="Computed from prices and token counts; not what anybody bills">
    estimate
  </span>
);

type StatusFacts = { readonly status: number; readonly failure: string | null };

/** 200, or the kind of failure in words. */
export function StatusBadge({ status, failure }: StatusFacts): JSX.Element {
  if (failure === null) return <Badge tone="good">{status}</Badge>;
  const tone: Tone = failure === "cancelled" ? "plain" : status === 429 ? "warn" : "bad";
  return (
    <Badge tone={tone} title={failure}>
      {status} {failure}
    </Badge>
  );
}
