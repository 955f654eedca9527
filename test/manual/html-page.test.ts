import { describe, expect, test } from "bun:test";
import { indexPage, missingPage, topicPage, welcomePage } from "../../src/manual/html-page.ts";
import { type Topic, topicNamed, topics } from "../../src/manual/topics.ts";

const shown = new Map(
  await Promise.all(topics.map(async (topic) => [topic.name, await topicPage(topic, "1.2.3")] as const)),
);
const page = (name: string): string => shown.get(name) ?? "";

/** A page of one's own words. */
async function pageOf(markdown: string): Promise<string> {
  const path = `${import.meta.dir}/${crypto.randomUUID()}.tmp`;
  await Bun.write(path, markdown);
  try {
    const topic: Topic = { name: "x", title: "<x>", summary: "", path };
    return await topicPage(topic, "1.2.3");
  } finally {
    await Bun.file(path).delete();
  }
}

describe("every page", () => {
  test.each([
    ...topics.map(({ name }) => [name, page(name)]),
    ["index", indexPage("1.2.3")],
    ["/", welcomePage("1")],
  ])("%s needs no script, no inline style and nothing from elsewhere", (_name, html = "") => {
    expect(html).not.toMatch(/<script|\sstyle=|\son\w+=|<img|<iframe|javascript:/i);
    expect(html.match(/<link[^>]*>/g)).toEqual(['<link rel="stylesheet" href="/docs/style.css">']);
  });

  test.each(topics.map(({ name }) => name))("%s links to pages and headings that are there", (name) => {
    const html = page(name);
    for (const [, address = ""] of html.matchAll(/<a href="([^"]*)"/g)) {
      if (/^https?:/.test(address) || /^\/(?:$|swagger|health|docs$)/.test(address)) continue;
      const [, target = name, anchor] = /^(?:\/docs\/([a-z-]+))?(?:#(.+))?$/.exec(address) ?? [];
      expect(topicNamed(target), `${address}`).not.toBeNull();
      if (anchor !== undefined) expect(page(target), address).toContain(`id="${anchor}"`);
    }
    expect(html).not.toContain('.md"');
    expect(html).not.toContain("<!--");
  });

  test("one page is marked as the one that is read", () => {
    expect(page("routing").match(/<a [^>]*aria-current[^>]*>/g)).toEqual([
      '<a href="/docs/routing" aria-current="page">',
    ]);
    expect(indexPage("1.2.3")).not.toContain("aria-current");
  });

  test("the index has all of them", () => {
    for (const { name, title } of topics)
      expect(indexPage("1.2.3")).toContain(`<a href="/docs/${name}">${title}</a>`);
  });
});

describe("a page", () => {
  test("shows HTML of its markdown as text", async () => {
    const html = await pageOf("# <x>\n\n<b onclick=1>bold</b> & `<id>`\n\n<script>\nalert(1)\n</script>\n");
    expect(html).not.toMatch(/<b |<script/);
    expect(html).toContain("&lt;b onclick=1&gt;bold");
    expect(html).toContain("<code>&lt;id&gt;</code>");
    expect(html).toContain("<title>&lt;x&gt; · ClawGate</title>");
  });

  test("leads to the gateway that serves it, and to pages by their address", async () => {
    const html = await pageOf(
      "[a](http://127.0.0.1:8090/swagger) [b](routing.md#rules) [c](https://example.com/a.md)",
    );
    expect(html).toContain('<a href="/swagger">a</a>');
    expect(html).toContain('<a href="/docs/routing#rules">b</a>');
    expect(html).toContain('<a href="https://example.com/a.md">c</a>');
  });

  test("a cell says its column, and a long name may be broken", async () => {
    const html = await pageOf(
      '| key | a \\| "b" |\n| --- | --- |\n| `server.body_mb` | `http://127.0.0.1/a/b` |\n',
    );
    expect(html).toContain('<td data-column="key"><code>server.<wbr>body_<wbr>mb</code></td>');
    expect(html).toContain("<code>http://127.0.0.1/<wbr>a/<wbr>b</code>");
    expect(html).toMatch(/<td data-column="a \| (?:"|&quot;)b/);
  });

  test("that is missing names near ones and shows what was asked as text", () => {
    const html = missingPage("<i>rotuing", ["routing"], "1");
    expect(html).toContain("&lt;i&gt;rotuing");
    expect(html).toContain('Did you mean <a href="/docs/routing">Routing</a>?');
  });
});
