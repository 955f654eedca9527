// The markdown of a page as a reader gets it.

import type { Topic } from "./table.ts";

/** Comments are marks of generated parts and of the formatter. */
const marks = /^<!--.*-->\n+/gm;

export async function pageText(topic: Topic): Promise<string> {
  return (await Bun.file(topic.path).text()).replace(marks, "");
}

/** The page that a link of a page leads to, and the heading there; null: it leads out of the manual. */
export function pageLink(href: string): { readonly page: string; readonly anchor: string } | null {
  const [, page = "", anchor = ""] = /^([a-z0-9-]+)\.md(#.*)?$/.exec(href) ?? [];
  return page === "" ? null : { page, anchor };
}
