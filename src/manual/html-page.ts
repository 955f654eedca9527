// A page of the manual for a browser: its markdown as HTML, in the layout that all pages share.
// It must never contain a script or an inline style: its content security policy forbids both.

import { pageLink, pageText } from "./page-text.ts";
import { type Topic, topicGroups, topicNamed, topics } from "./topics.ts";

export const manualPath = "/docs";
const stylePath = "/docs/style.css";

const addressOf = (name: string): string => `${manualPath}/${name}`;
const link = (address: string, text: string, attributes = ""): string =>
  `<a href="${Bun.escapeHTML(address)}"${attributes}>${Bun.escapeHTML(text)}</a>`;
const toTopic = ({ name, title }: Topic): string => link(addressOf(name), title);

/** The pages use the gateway's default address; the gateway that serves them may listen elsewhere. */
const defaultAddress = /^http:\/\/127\.0\.0\.1:8090(?=\/)/;

/** Where a long name may be broken: after `_`, `/` and `=` in it, and after dots between words. */
const breakPoints = /(?<![:/])\/(?=\w)|[_=](?=\w)|\.(?=[a-z&])/g;

/** A page with at least this many sections lists them. */
const minSections = 4;

function bodyOf(markdown: string): string {
  const options = { headings: { ids: true }, noHtmlBlocks: true, noHtmlSpans: true } as const;
  let columns: string[] = [];
  let column = 0;
  return new HTMLRewriter()
    .on("a[href]", {
      element(anchor) {
        const href = anchor.getAttribute("href") ?? "";
        const inside = pageLink(href);
        if (inside !== null) anchor.setAttribute("href", addressOf(inside.page) + inside.anchor);
        else anchor.setAttribute("href", href.replace(defaultAddress, ""));
      },
    })
    .on("h2[id], h3[id], h4[id]", {
      element(heading) {
        const anchor = `#${heading.getAttribute("id") ?? ""}`;
        heading.append(` ${link(anchor, "#", ' class="here" aria-label="Link to this section"')}`, {
          html: true,
        });
      },
    })
    .on("table", {
      element(table) {
        columns = [];
        table.before('<div class="table" tabindex="0">', { html: true });
        table.after("</div>", { html: true });
      },
    })
    .on("th", {
      element: () => void columns.push(""),
      text({ text }) {
        columns[columns.length - 1] += text;
      },
    })
    .on("tr", { element: () => void (column = 0) })
    .on("td", {
      // A narrow screen shows a row as a list: the name of the column, then the cell.
      element: (cell) => void cell.setAttribute("data-column", columns[column++] ?? ""),
    })
    .on("td code", {
      text: (chunk) => void chunk.replace(chunk.text.replace(breakPoints, "$&<wbr>"), { html: true }),
    })
    .transform(Bun.markdown.html(markdown, options));
}

function contentsOf(markdown: string): string {
  const headings: string[] = [];
  Bun.markdown.render(
    markdown,
    {
      heading(text, { level, id }) {
        if (level === 2 && id !== undefined) headings.push(`<li>${link(`#${id}`, text)}</li>`);
        return "";
      },
    },
    { headings: { ids: true } },
  );
  if (headings.length < minSections) return "";
  return `<details class="contents"><summary>On this page</summary><ul>${headings.join("")}</ul></details>`;
}

function navigation(current: string): string {
  const groups = topicGroups.map((group) => {
    const items = group.topics.map(({ name, title }) => {
      const attributes = name === current ? ' aria-current="page"' : "";
      return `<li>${link(addressOf(name), title, attributes)}</li>`;
    });
    return `<h2>${Bun.escapeHTML(group.title)}</h2><ul>${items.join("")}</ul>`;
  });
  return `<nav id="pages" aria-label="Pages of the manual">${groups.join("")}</nav>`;
}

type Layout = {
  readonly title: string;
  /** HTML. */
  readonly body: string;
  readonly version: string;
  /** The topic that is marked in the list of all pages; null: without that list. */
  readonly current: string | null;
};

/** The whole document: head, links of the header, the page, the list of all pages. */
function layout({ title, body, version, current }: Layout): string {
  const toPages = current === null ? "" : link("#pages", "Pages", ' class="to-pages"');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${Bun.escapeHTML(title)} · ClawGate</title>
<link rel="stylesheet" href="${stylePath}">
</head>
<body>
<header>${link("/", "ClawGate", ' class="name"')} <span class="version">${Bun.escapeHTML(version)}</span>
<span class="places">${link("/dashboard", "Dashboard")} ${link(manualPath, "Manual")} ${link("/swagger", "API")} ${link("/health", "Health")} ${toPages}</span></header>
<div class="${current === null ? "alone" : "columns"}">
<main>
${body}
</main>
${current === null ? "" : navigation(current)}
</div>
</body>
</html>
`;
}

export async function topicPage(topic: Topic, version: string): Promise<string> {
  const markdown = await pageText(topic);
  const at = topics.indexOf(topic);
  const [before, after] = [topics[at - 1], topics[at + 1]];
  const neighbours = [
    before === undefined ? "" : `<span>← ${toTopic(before)}</span>`,
    after === undefined ? "" : `<span class="after">${toTopic(after)} →</span>`,
  ];
  // The list of sections comes below the title.
  const body = bodyOf(markdown).replace("</h1>", () => `</h1>\n${contentsOf(markdown)}`);
  return layout({
    title: topic.title,
    body: `${body}<footer>${neighbours.join("")}</footer>`,
    version,
    current: topic.name,
  });
}

export function indexPage(version: string): string {
  const groups = topicGroups.map((group) => {
    const items = group.topics.map(
      (each) => `<dt>${toTopic(each)}</dt><dd>${Bun.escapeHTML(each.summary)}</dd>`,
    );
    return `<h2>${Bun.escapeHTML(group.title)}</h2>\n<dl>${items.join("\n")}</dl>`;
  });
  const body = `<h1>Manual</h1>
<p>The manual of this version. On a terminal: <code>clawgate help</code>.</p>
${groups.join("\n")}`;
  return layout({ title: "Manual", body, version, current: null });
}

/** The page for a browser at the gateway's own address. */
export function welcomePage(version: string): string {
  const begin = ["start", "clients", "operating"].flatMap((name) => topicNamed(name) ?? []);
  const body = `<h1>ClawGate is running</h1>
<p>One local endpoint between AI clients and AI models.</p>
<div class="table"><table>
<thead><tr><th>clients of</th><th>base URL</th></tr></thead>
<tbody>
<tr><td>OpenAI</td><td>this address and <code>/v1</code></td></tr>
<tr><td>Anthropic</td><td>this address</td></tr>
<tr><td>Google</td><td>this address</td></tr>
</tbody></table></div>
<ul>
<li>${link("/dashboard", "Dashboard")}: what runs, what it costs, what fails; ${link("/dashboard/requests", "requests")}: why each went where it went, and what it cost</li>
<li>${link(manualPath, "Manual")}: ${begin.map(toTopic).join(", ")}</li>
<li>${link("/swagger", "Every endpoint with its schema")}</li>
<li>${link("/health", "How the gateway and its providers are")}</li>
</ul>`;
  return layout({ title: "Running", body, version, current: null });
}

export function missingPage(name: string, near: readonly string[], version: string): string {
  const meant = near.flatMap((each) => topicNamed(each) ?? []).map(toTopic);
  const question = meant.length === 0 ? "" : ` Did you mean ${meant.join(" or ")}?`;
  const body = `<h1>No such page</h1>
<p>The manual has no page <code>${Bun.escapeHTML(name.slice(0, 100))}</code>.${question}</p>`;
  return layout({ title: "No such page", body, version, current: null });
}
