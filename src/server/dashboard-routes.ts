// Serves the dashboard: the same page at /dashboard and every path below it, its assets at /dashboard/assets/.
// The pages are public, so they must never show data: the page asks /api for it, with the viewer's own rights.

import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Asset, Site } from "../dashboard/site.ts";
import { notFound } from "./answers.ts";
import { pageHeaders } from "./page-headers.ts";
import { routeDescriptions } from "./route-descriptions.ts";
import type { Call, Route } from "./routes.ts";

const headersOfPages = pageHeaders(
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
);
const assetFolder = "assets/";
const compress = promisify(gzip);

type Loaded = { readonly site: Site; readonly compressed: ReadonlyMap<string, Uint8Array> };

/** Nothing is loaded or compressed before somebody opens the dashboard. */
async function load(): Promise<Loaded> {
  const { dashboardSite } = await import("../dashboard/site.ts");
  const site = dashboardSite();
  const compressed = new Map<string, Uint8Array>();
  for (const [name, { text }] of site.assets) compressed.set(name, await compress(text, { level: 9 }));
  return { site, compressed };
}

function answerAsset(asset: Asset, compressed: Uint8Array | undefined, { headers }: Request): Response {
  const isCompressed = compressed !== undefined && /\bgzip\b/.test(headers.get("accept-encoding") ?? "");
  return new Response(isCompressed ? new Uint8Array(compressed) : asset.text, {
    headers: {
      ...headersOfPages,
      "content-type": asset.type,
      // Another text has another name.
      "cache-control": "public, max-age=31536000, immutable",
      vary: "accept-encoding",
      ...(isCompressed ? { "content-encoding": "gzip" } : {}),
    },
  });
}

export function dashboardRoutes(): readonly Route[] {
  let loading: Promise<Loaded> | null = null;
  const serve = async ({ request, name }: Call): Promise<Response> => {
    loading ??= load();
    const { site, compressed } = await loading;
    if (name.startsWith(assetFolder)) {
      const file = name.slice(assetFolder.length);
      const asset = site.assets.get(file);
      if (asset === undefined) throw notFound("The dashboard has no such file. Reload the page.");
      return answerAsset(asset, compressed.get(file), request);
    }
    return new Response(site.page, {
      headers: { ...headersOfPages, "content-type": "text/html; charset=utf-8" },
    });
  };
  const get = (path: string): Route => ({
    method: "GET",
    path,
    routeClass: "public",
    takesBody: false,
    isEndpoint: false,
    detail: routeDescriptions.hidden,
    answer: serve,
  });
  return [get("/dashboard"), get("/dashboard/*"), get("/dashboard/")];
}
