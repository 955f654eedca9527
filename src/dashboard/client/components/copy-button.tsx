// Copies a text to the clipboard and says so.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Icon } from "./icon.tsx";

type State = "ready" | "copied" | "refused";

const words: Readonly<Record<State, string>> = {
  ready: "Copy",
  copied: "Copied",
  // Over plain HTTP from another machine the browser offers no clipboard.
  refused: "Select and copy by hand",
};

export function CopyButton({ text, label }: { readonly text: string; readonly label: string }): JSX.Element {
  const [state, setState] = useState<State>("ready");
  useEffect(() => {
    if (state === "ready") return;
    const timer = setTimeout(() => setState("ready"), 2_500);
    return () => clearTimeout(timer);
  }, [state]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setState("copied");
    } catch {
      setState("refused");
    }
  };
  return (
    <button
      type="button"
      class="button"
      aria-label={state === "ready" ? label : words[state]}
      onClick={() => void copy()}
    >
      <Icon name="copy" />
      <span role="status">{words[state]}</span>
    </button>
  );
}
