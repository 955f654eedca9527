// A section of a page: its heading, what can be chosen for it, its content.

import type { ComponentChildren, JSX } from "preact";
import { useLayoutEffect } from "preact/hooks";
import { hasJustArrived } from "../location.ts";

type PanelProps = {
  readonly title: string;
  readonly note?: ComponentChildren;
  readonly actions?: ComponentChildren;
  readonly class?: string;
  readonly children: ComponentChildren;
};

export function Panel({ title, note, actions, children, class: names = "" }: PanelProps): JSX.Element {
  return (
    <section class={`panel ${names}`} aria-label={title}>
      <header class="panel-head">
        <h2>{title}</h2>
        {note === undefined ? null : <span class="muted">{note}</span>}
        {actions === undefined ? null : <div class="panel-actions">{actions}</div>}
      </header>
      {children}
    </section>
  );
}

/** The head of a page: its only h1. A page that a link led to begins at its top, and a screen reader begins there too. */
export function PageHead({
  title,
  children,
}: {
  readonly title: string;
  readonly children?: ComponentChildren;
}): JSX.Element {
  // Before the viewer sees the page: later it would take the focus from whoever had begun to type, and miss a page that is left at once.
  useLayoutEffect(() => {
    if (!hasJustArrived()) return;
    scrollTo(0, 0);
    document.querySelector<HTMLElement>("main")?.focus({ preventScroll: true });
  }, []);
  return (
    <header class="page-head">
      <h1>{title}</h1>
      {children === undefined ? null : <div class="page-tools">{children}</div>}
    </header>
  );
}

/** A term and what it is, in a list of them. */
export function Facts({
  rows,
}: {
  readonly rows: readonly (readonly [string, ComponentChildren])[];
}): JSX.Element {
  return (
    <dl class="facts">
      {rows.map(([term, value]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
