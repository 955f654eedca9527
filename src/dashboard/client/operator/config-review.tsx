// What a check found: the problems, each with a way to its line, what needs a restart, and the diff that saving would write.

import type { JSX, RefObject } from "preact";
import { Badge } from "../components/badge.tsx";
import { shown } from "../formatting.ts";
import { diffCounts, type DiffLine, diffLines, lineRange } from "./config-model.ts";
import type { ConfigCheck, ConfigTextProblem } from "./shapes.ts";

type ConfigReviewProps = {
  readonly check: ConfigCheck;
  readonly editor: RefObject<HTMLTextAreaElement | null>;
};

function goToLine(area: HTMLTextAreaElement | null, line: number): void {
  if (area === null) return;
  const [start, end] = lineRange(area.value, line);
  area.focus();
  area.setSelectionRange(start, end);
  const height = Number.parseFloat(getComputedStyle(area).lineHeight) || 20;
  area.scrollTop = Math.max(0, (line - 4) * height);
}

type ProblemRowProps = { readonly problem: ConfigTextProblem; goTo(line: number): void };

function ProblemRow({ problem, goTo }: ProblemRowProps): JSX.Element {
  const { line, path, message, severity } = problem;
  return (
    <li class="finding">
      <Badge tone={severity === "warning" ? "warn" : "bad"}>{shown(severity, 20)}</Badge>
      <div class="wraps">
        {path === null || path === "" ? null : <code>{shown(path, 160)}</code>} {shown(message, 600)}{" "}
        {line === null ? null : (
          <button type="button" class="quiet" onClick={() => goTo(line)}>
            line {line}
          </button>
        )}
      </div>
    </li>
  );
}

const signs: Readonly<Record<DiffLine["kind"], string>> = { added: "+", removed: "−", same: " ", gap: "⋯" };
const spoken: Readonly<Record<DiffLine["kind"], string>> = {
  added: "added: ",
  removed: "removed: ",
  same: "",
  gap: "lines left out",
};

function Diff({ lines }: { readonly lines: readonly DiffLine[] }): JSX.Element {
  return (
    <div class="diff" role="region" aria-label="What saving changes in the file" tabIndex={0}>
      <ol>
        {lines.map(({ kind, text, oldLine, newLine }, index) => (
          <li key={index} class={`diff-${kind}`}>
            <span class="diff-number" aria-hidden="true">
              {oldLine ?? ""}
            </span>
            <span class="diff-number" aria-hidden="true">
              {newLine ?? ""}
            </span>
            <span class="diff-sign" aria-hidden="true">
              {signs[kind]}
            </span>
            <span class="visually-hidden">{spoken[kind]}</span>
            <code>{text}</code>
          </li>
        ))}
      </ol>
    </div>
  );
}

export function ConfigReview({ check, editor }: ConfigReviewProps): JSX.Element {
  const { ok, problems, needs_restart: waiting } = check;
  const lines = diffLines(check.diff);
  const { added, removed } = diffCounts(lines);
  return (
    <section class="review" aria-label="Review">
      <p class={`outcome ${ok ? "outcome-good" : "outcome-bad"}`} role="status">
        {ok
          ? lines.length === 0
            ? "Valid, and nothing changes."
            : `Valid. ${added} ${added === 1 ? "line" : "lines"} added, ${removed} removed.`
          : shown(check.refusal ?? "This text cannot be used, so it cannot be saved.", 400)}
      </p>
      {problems.length === 0 ? null : (
        <ul class="findings">
          {problems.map((problem, index) => (
            <ProblemRow key={index} problem={problem} goTo={(line) => goToLine(editor.current, line)} />
          ))}
        </ul>
      )}
      {waiting.length === 0 ? null : (
        <p class="notice">Takes effect only after a restart: {shown(waiting.join(", "), 400)}.</p>
      )}
      {lines.length === 0 ? null : <Diff lines={lines} />}
    </section>
  );
}
