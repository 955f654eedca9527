// Every link of the documents leads somewhere, on GitHub and in the program's own pages alike.

import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { topics } from "../../src/manual/topics.ts";
import { contentsOf, documents, pages, root, textOf } from "./documents.ts";

const isOutside = (link: string): boolean => /^(?:https?|mailto):/.test(link);

/** As GitHub makes an anchor of a heading. */
const githubAnchor = (text: string): string =>
  text
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(/\s/g, "-");

const anchorsOf = (path: string): readonly string[] => contentsOf(textOf(path)).headings.map(({ id }) => id);

describe("links", () => {
  test.each(documents)("of %s lead to files and headings that are there", (document) => {
    const broken = contentsOf(textOf(document))
      .links.filter((link) => !isOutside(link))
      .filter((link) => {
        const [file = "", anchor] = link.split("#");
        const target = file === "" ? document : normalize(join(dirname(document), decodeURI(file)));
        if (!existsSync(join(root, target))) return true;
        return anchor !== undefined && !anchorsOf(target).includes(anchor);
      });
    expect(broken).toEqual([]);
  });

  test.each(documents)("of %s to the outside are addresses", (document) => {
    for (const link of contentsOf(textOf(document)).links.filter(isOutside))
      expect(URL.canParse(link)).toBe(true);
  });

  test.each(pages)("%s links to pages and addresses only: the program has no other files to show", (page) => {
    const wrong = contentsOf(textOf(page)).links.filter(
      (link) => !isOutside(link) && !/^(?:[a-z0-9-]+\.md)?(?:#[a-z0-9-]+)?$/.test(link),
    );
    expect(wrong).toEqual([]);
  });

  test.each(documents)("headings of %s have the same anchors here as on GitHub", (document) => {
    const seen = new Map<string, number>();
    const { headings } = contentsOf(textOf(document));
    const expected = headings.map(({ text }) => {
      const anchor = githubAnchor(text);
      const count = seen.get(anchor) ?? 0;
      seen.set(anchor, count + 1);
      return count === 0 ? anchor : `${anchor}-${count}`;
    });
    expect(headings.map(({ id }) => id)).toEqual(expected);
  });
});

describe("the table of topics", () => {
  test("has every page of the folder, and no other", () => {
    expect(topics.map(({ name }) => `src/manual/${name}.md`).toSorted()).toEqual([...pages]);
  });

  test.each(topics.map((topic) => [topic.name, topic] as const))("%s has its page's title", (name, topic) => {
    expect(textOf(`src/manual/${name}.md`)).toStartWith(`# ${topic.title}\n`);
    expect(topic.summary).not.toBe("");
  });

  test.each(["README.md", "src/manual/start.md"])(
    "%s, where people begin, links to every page",
    (document) => {
      const { links } = contentsOf(textOf(document));
      const linked = new Set(links.map((link) => /([a-z0-9-]+)\.md(?:#.*)?$/.exec(link)?.[1]));
      linked.add(document.replace(/^.*\/|\.md$/g, ""));
      expect(topics.filter(({ name }) => !linked.has(name)).map(({ name }) => name)).toEqual([]);
    },
  );
});
