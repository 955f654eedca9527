// A link inside the dashboard: an ordinary one, which changes the page without loading it again.

import type { ComponentChildren, JSX } from "preact";
import { navigate } from "./location.ts";

type LinkProps = {
  readonly to: string;
  readonly children: ComponentChildren;
  readonly class?: string;
  readonly label?: string;
  readonly isCurrent?: boolean;
  readonly title?: string;
};

export function Link({ to, children, label, isCurrent, title, class: names }: LinkProps): JSX.Element {
  const follow = (event: MouseEvent): void => {
    // A new tab or a download stays the browser's own matter.
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(to);
  };
  return (
    <a
      href={to}
      class={names}
      title={title}
      aria-label={label}
      aria-current={isCurrent === true ? "page" : undefined}
      onClick={follow}
    >
      {children}
    </a>
  );
}
