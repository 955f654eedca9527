// The markdown of a page as a reader gets it.

import type { Topic } from "./topics.ts";

/** Comments are markers of generated parts and of the formatter. */
const comments = /^<!--.*-->\n+/gm;
const codeBlocks = /^```[\s\S]*?^```/gm;

export async function pageText(topic: Topic): Promise<string> {
  return (await Bun.file(topic.path).text()).replace(comments, "");
}

/** Headings of a page that contain these words. */
export async function sectionsWith(topic: Topic, words: string): Promise<readonly string[]> {
  const wanted = words.toLowerCase();
  const headings = (await pageText(topic)).replace(codeBlocks, "").matchAll(/^##+ (.+)$/gm);
  return Array.from(headings, ([, heading = ""]) => heading.replaceAll("`", "")).filter((heading) =>
    heading.toLowerCase().includes(wanted),
  );
}

/** The page and heading that a link of a page leads to; null: it leads out of the manual. */
export function pageLink(href: string): { readonly page: string; readonly anchor: string } | null {
  const [, page = "", anchor = ""] = /^([a-z0-9-]+)\.md(#.*)?$/.exec(href) ?? [];
  return page === "" ? null : { page, anchor };
}
