// The manual's list of the series of `GET /metrics`, from the table that defines them.

import { seriesTable } from "../src/metrics/exposition/series-table.ts";

export function seriesText(): string {
  const rows = seriesTable.map(({ name, type, labels, help }) => {
    const named = labels.length === 0 ? "" : labels.map((label) => `\`${label}\``).join(", ");
    return `| \`${name}\` | ${type} | ${named} | ${help.replaceAll("|", "\\|").replace(/\.$/, "")} |`;
  });
  return ["| series | type | labels | says |", "| --- | --- | --- | --- |", ...rows].join("\n");
}
