// A sheet over the page: the browser's own dialog, so that Esc closes it, the focus stays inside and the page behind is inert.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "./icon.tsx";

type SheetProps = {
  readonly title: string;
  /** "side": from the right, for details. "center": for a question or a form. */
  readonly place?: "side" | "center";
  close(): void;
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
};

export function Sheet({ title, place = "side", close, actions, children }: SheetProps): JSX.Element {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    if (dialog === null) return;
    // Where the focus was is remembered and given back by the browser.
    dialog.showModal();
    return () => dialog.close();
  }, []);
  return (
    <dialog
      ref={ref}
      class={`sheet sheet-${place}`}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onClick={(event) => {
        if (event.target === ref.current) close();
      }}
    >
      <div class="sheet-body">
        <header class="sheet-head">
          <h2>{title}</h2>
          {actions === undefined ? null : <div class="panel-actions">{actions}</div>}
          <button type="button" class="icon-button" aria-label="Close" onClick={close}>
            <Icon name="close" />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
