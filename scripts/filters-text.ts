// The manual's list of the parameters that select requests, from the table that reads them.

import { filterParameters, seriesParameters } from "../src/canon/request-filters.ts";

export function filtersText(): string {
  const rows = [...filterParameters, ...seriesParameters].map(({ name, choices, description }) => {
    const values = choices === undefined ? "" : ` One of ${choices.map((each) => `\`${each}\``).join(", ")}.`;
    return `| \`${name}\` | ${(description + values).replaceAll("|", "\\|").replace(/\.$/, "")} |`;
  });
  return ["| parameter | selects |", "| --- | --- |", ...rows].join("\n");
}
