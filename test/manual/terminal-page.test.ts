import { describe, expect, test } from "bun:test";
import { pageText } from "../../src/manual/page-text.ts";
import { topics } from "../../src/manual/topics.ts";
import { terminalPage } from "../../src/manual/terminal-page.ts";

const typed = (page: string): string | null => (page === "routing" ? "clawgate help routing" : null);
const plain = (markdown: string, columns = 80): string =>
  terminalPage(markdown, { columns, hasColour: false, typed });

describe("a page on a terminal", () => {
  test.each(topics.map((topic) => [topic.name, topic] as const))(
    "%s keeps to the width, code apart",
    async (_name, topic) => {
      for (const columns of [80, 200]) {
        const lines = plain(await pageText(topic), columns).split("\n");
        const prose = lines.filter((line) => !line.startsWith("│ ") || line.endsWith(" │"));
        const long = prose.filter(
          (line) => Bun.stringWidth(line) > Math.min(columns, 100) && /\s\S+\s/.test(line.trim()),
        );
        expect(long.filter((line) => !line.startsWith("  "))).toEqual([]);
      }
    },
  );

  test("links are words, and what they name is listed once", () => {
    const text = plain(
      "See [Routing](routing.md#rules), [again](routing.md), [here](#here), [out](https://example.com/).\n",
    );
    expect(text).toBe(
      "See Routing, again, here, out.\n\nNamed on this page:\n  clawgate help routing\n  out: https://example.com/\n",
    );
  });

  test("no escape where colour is not wanted, some where it is", () => {
    expect(plain("# A\n\n**b** `c` [d](routing.md)\n")).not.toContain("\u001b");
    const coloured = terminalPage("# A [d](routing.md)\n", { columns: 80, hasColour: true, typed });
    expect(coloured).toContain("\u001b[1m");
    expect(coloured).not.toContain("\u001b]8");
  });

  const table =
    "| key | type | meaning |\n| --- | --- | --- |\n| `a.long_name_of_a_key` | a \\| b | words of it |\n";

  test("a table that fits is one", () => {
    expect(plain(table)).toContain("│ a.long_name_of_a_key │ a | b │ words of it │");
  });

  test("a table whose names would be broken is a list", () => {
    const text = plain(table, 40);
    expect(text).toContain("a.long_name_of_a_key\n");
    expect(text).toContain("type: a | b\n");
    expect(text).toContain("meaning: words of it\n");
  });

  test("what looks like a table in code stays", () => {
    expect(plain(`\`\`\`\n${table}\`\`\`\n`, 40)).toContain("| --- | --- | --- |");
  });
});
