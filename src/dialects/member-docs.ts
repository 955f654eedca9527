// Renders a member table for the manual: what each format's members become. It must never say more than the rows.

import { kebab } from "./adaptation-notes.ts";
import type { Dialect } from "./dialect.ts";
import type { MemberRow } from "./member-row.ts";

/** Markdown, one line a row, and a sentence on what no model gets; empty for a dialect without a table. */
export function memberTable({ members }: Pick<Dialect, "members">): readonly string[] {
  if (members === undefined) return [];
  const rows = Object.entries(members.rows);
  const barred = rows.filter(([, { home }]) => home === "upstream").map(([name]) => `\`${name}\``);
  return [
    "| Member | Value | For a model of another format | Note |",
    "| --- | --- | --- | --- |",
    ...rows
      .filter(([, { home }]) => home !== "upstream")
      .map(
        ([name, row]) =>
          `| \`${name}\` | ${cell(row.check?.wanted)}| ${elsewhereOf(name, row)} | ${cell(row.docs)}|`,
      ),
    ...(barred.length === 0
      ? []
      : [
          "",
          `Refused for every model, because the configuration decides where requests go: ${barred.join(", ")}.`,
        ]),
  ];
}

const cell = (words: string | undefined): string =>
  words === undefined ? "" : `${words.replaceAll("|", "\\|")} `;

function elsewhereOf(name: string, { home, elsewhere, instead, usual }: MemberRow): string {
  if (home === "obsolete") return `refused for every model; use \`${instead}\``;
  if (typeof elsewhere === "object") return `refused when it is ${elsewhere.when}`;
  switch (elsewhere) {
    case "carried":
      return "carried over";
    case "silent":
      return "left out; the answer is the same";
    case "named":
      return `left out, noted as \`member-dropped:${name}\` unless it is auto or default`;
    case "noted":
      return `left out, noted as \`${kebab(name)}-dropped\`${usual === undefined ? "" : ` unless it is ${JSON.stringify(usual)}`}`;
  }
}
