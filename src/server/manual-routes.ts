// The manual's pages from the binary: `/docs`, a page a topic, its markdown, one stylesheet; and the welcome at `/`.
// They hold no data of anybody's, and load nothing from another host.

import { nearestNames } from "../canon/nearest.ts";
import { indexPage, manualPath, missingPage, topicPage, welcomePage } from "../manual/html-page.ts";
import { pageText } from "../manual/page-text.ts";
import style from "../manual/style.css" with { type: "file" };
import { topicNamed, topics } from "../manual/topics.ts";
import { routeDescriptions } from "./route-descriptions.ts";
import type { Call, Route } from "./routes.ts";

const pagePolicy =
  "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const pageHeaders = {
  "content-security-policy": pagePolicy,
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  // A newer program has other pages at the same addresses.
  "cache-control": "no-cache",
};

type Kind = "html" | "markdown" | "css" | "plain";
type Page = { readonly kind: Kind; readonly text: string; readonly etag: string };

const page = (kind: Kind, text: string): Page => ({
  kind,
  text,
  etag: `"${Bun.hash(text).toString(36)}"`,
});

function answerWith({ kind, text, etag }: Page, { headers }: Request, status = 200): Response {
  const sent = { ...pageHeaders, etag, vary: "accept" };
  const isKnown = status === 200 && headers.get("if-none-match")?.includes(etag) === true;
  if (isKnown) return new Response(null, { status: 304, headers: sent });
  return new Response(text, {
    status,
    headers: { ...sent, "content-type": `text/${kind}; charset=utf-8` },
  });
}

/** What is asked for below `/docs/`; null: there is no such page. */
async function pageNamed(name: string, version: string): Promise<Page | null> {
  if (name === "") return page("html", indexPage(version));
  if (name === "style.css") return page("css", await Bun.file(style).text());
  const topic = topicNamed(name);
  if (topic === null) return null;
  return name === topic.name
    ? page("html", await topicPage(topic, version))
    : page("markdown", await pageText(topic));
}

function noPage(name: string, version: string): Page {
  const names = topics.map((topic) => topic.name);
  return page("html", missingPage(name, nearestNames(name, names, 3), version));
}

/** `greeting`: what `/` says to whoever is no browser. */
export function manualRoutes(version: string, greeting: string): readonly Route[] {
  // A page is made when it is first asked for, and then kept.
  const made = new Map<string, Page>();
  const plain = page("plain", greeting);
  const shown = async ({ request, name }: Call): Promise<Response> => {
    const known = made.get(name) ?? (await pageNamed(name, version));
    if (known === null) return answerWith(noPage(name, version), request, 404);
    made.set(name, known);
    return answerWith(known, request);
  };
  const atRoot = ({ request }: Call): Response => {
    const isBrowser = request.headers.get("accept")?.includes("text/html") === true;
    return answerWith(isBrowser ? page("html", welcomePage(version)) : plain, request);
  };
  const row = (path: string, answer: Route["answer"]): Route => ({
    method: "GET",
    path,
    routeClass: "public",
    takesBody: false,
    isEndpoint: false,
    detail: routeDescriptions.hidden,
    answer,
  });
  return [row("/", atRoot), row(manualPath, shown), row(`${manualPath}/*`, shown)];
}
