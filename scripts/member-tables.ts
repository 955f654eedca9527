// What becomes of each member of a request, format by format, for the manual. The rows stand in src/dialects/*/members.ts.

import { memberTable } from "../src/dialects/member-docs.ts";
import { dialects } from "../src/dialects/dialect-table.ts";

/** Markdown: a heading and a table for each format. */
export const memberTables = (): string =>
  Object.values(dialects)
    .map((dialect) => [`### Members of ${dialect.title}`, "", ...memberTable(dialect)].join("\n"))
    .join("\n\n");
