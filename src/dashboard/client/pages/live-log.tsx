// The log as it is written: from a level on, with a pause, following its end until the viewer scrolls up.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { LogEntry } from "../api-shapes.ts";
import { Icon } from "../components/icon.tsx";
import { Panel } from "../components/panel.tsx";
import { Segments } from "../components/segments.tsx";
import { shown, time } from "../formatting.ts";
import { linesAfter, linesFrom, type LogLevel, type LogLine } from "../live-view.ts";

const choices = [
  ["debug", "Debug"],
  ["info", "Info"],
  ["warn", "Warn"],
  ["error", "Error"],
] as const satisfies readonly (readonly [LogLevel, string])[];

const fieldsText = (fields: LogEntry["fields"]): string =>
  Object.entries(fields ?? {})
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" ");

function Line({ line }: { readonly line: LogLine }): JSX.Element {
  return (
    <li class={`log-line log-${line.level}`}>
      <time>{time(line.at_ms, "clock")}</time>
      <span class="log-level">{shown(line.level, 8)}</span>
      <span class="log-text">
        {shown(line.message, 1_000)}{" "}
        <span class="muted">
          {fieldsText(line.fields) === "" ? "" : shown(fieldsText(line.fields), 2_000)}
        </span>
      </span>
    </li>
  );
}

export function LogStream({ lines }: { readonly lines: readonly LogLine[] }): JSX.Element {
  const [level, setLevel] = useState<LogLevel>("info");
  const [paused, setPaused] = useState<readonly LogLine[] | null>(null);
  const frame = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const visible = linesFrom(paused ?? lines, level);
  const missed = paused === null ? 0 : linesFrom(linesAfter(lines, paused), level).length;
  useEffect(() => {
    const { current } = frame;
    if (current !== null && follows.current) current.scrollTop = current.scrollHeight;
  }, [visible.length, visible.at(-1)?.id]);
  return (
    <Panel
      title="Log"
      note={paused === null ? "as the terminal shows it" : `paused, ${missed} newer`}
      actions={
        <>
          <Segments label="Least level" choices={choices} chosen={level} choose={(name) => setLevel(name)} />
          <button
            type="button"
            class="button"
            aria-pressed={paused !== null}
            onClick={() => setPaused(paused === null ? lines : null)}
          >
            <Icon name={paused === null ? "pause" : "play"} />
            {paused === null ? "Pause" : "Go on"}
          </button>
        </>
      }
    >
      <div
        class="log-frame"
        ref={frame}
        tabIndex={0}
        role="log"
        aria-label="Log lines"
        aria-live="off"
        onScroll={({ currentTarget }) => {
          const { scrollHeight, scrollTop, clientHeight } = currentTarget;
          follows.current = scrollHeight - scrollTop - clientHeight < 24;
        }}
      >
        {visible.length === 0 ? (
          <p class="muted log-empty">No line at this level yet.</p>
        ) : (
          <ol>
            {visible.map((line) => (
              <Line key={line.id} line={line} />
            ))}
          </ol>
        )}
      </div>
    </Panel>
  );
}
