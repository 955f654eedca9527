// The generated parts of the manual: the page, the name of the pair of markers around each, and its text. A new part is a row here
// and `<!-- name:begin -->`, `<!-- name:end -->` in its page.

import { referenceText } from "../src/config/reference.ts";
import { commandHelp, commandTable } from "./command-texts.ts";
import { filtersText } from "./filters-text.ts";
import { memberTables } from "./member-tables.ts";
import { providersText } from "./providers-table.ts";
import { seriesText } from "./series-text.ts";

export type GeneratedPart = {
  /** Relative to the top of the repository. */
  readonly page: string;
  readonly marker: string;
  text(): string;
};

export const generatedParts: readonly GeneratedPart[] = [
  { page: "src/manual/configuration.md", marker: "reference", text: referenceText },
  { page: "src/manual/providers.md", marker: "providers", text: providersText },
  { page: "src/manual/formats.md", marker: "members", text: memberTables },
  { page: "src/manual/commands.md", marker: "commands", text: commandTable },
  { page: "src/manual/commands.md", marker: "options", text: commandHelp },
  { page: "src/manual/operating.md", marker: "series", text: seriesText },
  { page: "src/manual/operating.md", marker: "filters", text: filtersText },
];

/** `page` with `text` between its markers, or null if it has no such pair. */
export function withPart(page: string, marker: string, text: string): string | null {
  const begin = `<!-- ${marker}:begin -->`;
  const from = page.indexOf(begin);
  const to = page.indexOf(`<!-- ${marker}:end -->`);
  if (from === -1 || to < from) return null;
  return `${page.slice(0, from + begin.length)}\n\n${text}\n\n${page.slice(to)}`;
}
