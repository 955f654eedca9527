// Copies a text. Without the browser's permission it is shown to be copied by hand.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Icon } from "./icon.tsx";

export function CopyButton({ text, label }: { readonly text: string; readonly label: string }): JSX.Element {
  const [state, setState] = useState<"ready" | "copied" | "refused">("ready");
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setState("copied");
      setTimeout(() => setState("ready"), 1_800);
    } catch {
      // No permission, or a page that is not secure (http on another machine).
      setState("refused");
    }
  };
  return (
    <>
      <button type="button" class="button" onClick={() => void copy()}>
        <Icon name="copy" />
        <span aria-live="polite">{state === "copied" ? "Copied" : label}</span>
      </button>
      {state === "refused" ? (
        <textarea class="copy-text" readOnly aria-label={label} rows={4} value={text} />
      ) : null}
    </>
  );
}
