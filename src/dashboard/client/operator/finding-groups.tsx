// The findings of an examination, a section each: what failed is open with its advice, what is fine is a line.

import type { JSX } from "preact";
import { Badge, type Tone } from "../components/badge.tsx";
import { shown } from "../formatting.ts";
import type { FindingGroup } from "./claude-model.ts";
import type { Finding } from "./shapes.ts";

const states: Readonly<Record<Finding["state"], readonly [word: string, tone: Tone]>> = {
  ok: ["fine", "good"],
  warning: ["warning", "warn"],
  failed: ["failed", "bad"],
  skipped: ["skipped", "plain"],
};

/** The report's ids of sections, as people read them. */
const titles: Readonly<Record<string, string>> = {
  program: "This program",
  config: "Config",
  state: "State directory",
  database: "Database",
  gateway: "Gateway",
  providers: "Providers",
  cli: "Claude Code",
  memory: "Memory",
};

function FindingRow({ finding }: { readonly finding: Finding }): JSX.Element {
  const [word, tone] = states[finding.state];
  return (
    <li class="finding">
      <Badge tone={tone}>{word}</Badge>
      <div class="wraps">
        <p>
          {shown(finding.title, 300)}
          {finding.detail === null ? null : <span class="muted"> {shown(finding.detail, 500)}</span>}
        </p>
        {finding.advice === null ? null : <p class="advice">{shown(finding.advice, 500)}</p>}
      </div>
    </li>
  );
}

export function FindingGroups({ groups }: { readonly groups: readonly FindingGroup[] }): JSX.Element {
  return (
    <>
      {groups.map(({ section, findings }) => (
        <section key={section} class="finding-group" aria-label={titles[section] ?? section}>
          <h3>{titles[section] ?? shown(section, 60)}</h3>
          <ul>
            {findings.map((finding, index) => (
              <FindingRow key={`${finding.id}-${index}`} finding={finding} />
            ))}
          </ul>
        </section>
      ))}
    </>
  );
}
