// Serves the manual: its index at `/docs`, one page for each topic, the markdown of each, the stylesheet; and `/`.
// The pages are public, so they must never show data; they load nothing from another host.

import { nearestNames } from "../canon/nearest.ts";
import { indexPage, manualPath, missingPage, topicPage, welcomePage } from "../manual/html-page.ts";
import { pageText } from "../manual/page-text.ts";
import style from "../manual/style.css" with { type: "file" };
import { topicNamed, topics } from "../manual/topics.ts";
import { pageHeaders } from "./page-headers.ts";
import { routeDescriptions } from "./route-descriptions.ts";
import type { Call, Route } from "./routes.ts";

const headersOfPages = pageHeaders(
  "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

type Kind = "html" | "markdown" | "css" | "plain";
type Page = { readonly kind: Kind; readonly text: string; readonly etag: string };

const page = (kind: Kind, text: string): Page => ({
  kind,
  text,
  etag: `"${Bun.hash(text).toString(36)}"`,
});

function answerWith({ kind, text, etag }: Page, { headers }: Request, status = 200): Response {
  const sent = { ...headersOfPages, etag, vary: "accept" };
  const isKnown = status === 200 && headers.get("if-none-match")?.includes(etag) === true;
  if (isKnown) return new Response(null, { status: 304, headers: sent });
  return new Response(text, {
    status,
    headers: { ...sent, "content-type": `text/${kind}; charset=utf-8` },
  });
}

/** The page for a path below `/docs/`; null: there is no such page. */
async function pageNamed(name: string, version: string): Promise<Page | null> {
  if (name === "") return page("html", indexPage(version));
  if (name === "style.css") return page("css", await Bun.file(style).text());
  const topic = topicNamed(name);
  if (topic === null) return null;
  return name === topic.name
    ? page("html", await topicPage(topic, version))
    : page("markdown", await pageText(topic));
}

function missing(name: string, version: string): Page {
  const names = topics.map((topic) => topic.name);
  return page("html", missingPage(name, nearestNames(name, names, 3), version));
}

/** `greeting`: the answer of `/` to anything but a browser. */
export function manualRoutes(version: string, greeting: string): readonly Route[] {
  // A page is rendered on its first request. Only names of pages become keys.
  const rendered = new Map<string, Page>();
  const plainGreeting = page("plain", greeting);
  const servePage = async ({ request, name }: Call): Promise<Response> => {
    const found = rendered.get(name) ?? (await pageNamed(name, version));
    if (found === null) return answerWith(missing(name, version), request, 404);
    rendered.set(name, found);
    return answerWith(found, request);
  };
  const serveRoot = ({ request }: Call): Response => {
    const isBrowser = request.headers.get("accept")?.includes("text/html") === true;
    return answerWith(isBrowser ? page("html", welcomePage(version)) : plainGreeting, request);
  };
  const get = (path: string, answer: Route["answer"]): Route => ({
    method: "GET",
    path,
    routeClass: "public",
    takesBody: false,
    isEndpoint: false,
    detail: routeDescriptions.hidden,
    answer,
  });
  return [get("/", serveRoot), get(manualPath, servePage), get(`${manualPath}/*`, servePage)];
}
