// What the documents of the repository link to and name, read by the same parser that shows them.
// It must never judge: that is the tests' business.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

export const root = dirname(dirname(import.meta.dir));
export const textOf = (path: string): string => readFileSync(join(root, path), "utf8");

const markdownIn = (folder: string): string[] =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith(".md"))
    .toSorted()
    .map((name) => join(folder, name));

export const pages = markdownIn("src/manual");
export const documents = ["README.md", "CHANGELOG.md", "src/README.md", ...markdownIn(".github"), ...pages];

export type Heading = { readonly id: string; readonly text: string };
export type CodePiece = { readonly text: string; readonly language: string | null };
export type Contents = {
  readonly links: readonly string[];
  readonly headings: readonly Heading[];
  /** Within a line: one piece each, `language` null. */
  readonly code: readonly CodePiece[];
};

export function contentsOf(markdown: string): Contents {
  const links: string[] = [];
  const headings: Heading[] = [];
  const code: CodePiece[] = [];
  Bun.markdown.render(
    markdown,
    {
      link(text, { href }) {
        links.push(href);
        return text;
      },
      image(text, { src }) {
        links.push(src);
        return text;
      },
      heading(text, { id = "" }) {
        headings.push({ id, text });
        return text;
      },
      code(text, meta) {
        code.push({ text, language: meta?.language ?? "" });
        return text;
      },
      codespan(text) {
        code.push({ text, language: null });
        return text;
      },
    },
    { headings: { ids: true } },
  );
  return { links, headings, code };
}
