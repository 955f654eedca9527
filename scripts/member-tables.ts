// The manual's table of each request member and what happens to it, by format. The rows are in src/dialects/*/members.ts.

import { memberTable } from "../src/dialects/member-docs.ts";
import { dialects } from "../src/dialects/dialect-table.ts";

/** Markdown: a heading and a table for each format. */
export const memberTables = (): string =>
  Object.values(dialects)
    .map((dialect) => [`### Members of ${dialect.title}`, "", ...memberTable(dialect)].join("\n"))
    .join("\n\n");
