// The text of the config in a plain text area: the browser's own undo, search and assistive technology work in it. Beside it the line
// numbers, those with a problem marked. Tab leaves it, as everywhere else on the page.

import type { JSX, RefObject } from "preact";
import { useRef } from "preact/hooks";
import { lineCount, problemLines } from "./config-model.ts";
import type { ConfigTextProblem } from "./shapes.ts";

type ConfigTextProps = {
  readonly area: RefObject<HTMLTextAreaElement | null>;
  readonly text: string;
  readonly problems: readonly ConfigTextProblem[];
  readonly isReadOnly: boolean;
  change(text: string): void;
  submit(): void;
};

export function ConfigText(props: ConfigTextProps): JSX.Element {
  const { area, text, problems, isReadOnly, change, submit } = props;
  const numbers = useRef<HTMLDivElement>(null);
  const marked = problemLines(problems);
  const lines = Array.from({ length: lineCount(text) }, (_, index) => index + 1);
  const follow = (): void => {
    if (numbers.current !== null && area.current !== null) numbers.current.scrollTop = area.current.scrollTop;
  };
  return (
    <div class="editor">
      <div class="editor-lines" ref={numbers} aria-hidden="true">
        {lines.map((line) => (
          <span key={line} class={marked.has(line) ? "marked" : undefined}>
            {line}
          </span>
        ))}
      </div>
      <textarea
        ref={area}
        class="editor-text"
        aria-label="Config file"
        aria-invalid={marked.size > 0}
        value={text}
        readOnly={isReadOnly}
        spellcheck={false}
        autocapitalize="off"
        autocomplete="off"
        wrap="off"
        onScroll={follow}
        onInput={({ currentTarget }) => change(currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "s" || !(event.ctrlKey || event.metaKey)) return;
          event.preventDefault();
          submit();
        }}
      />
    </div>
  );
}
