// The Host and Origin rules, which keep other websites and rebound DNS names away from a local port. They follow from the config
// alone; they must never depend on a path or a key.

import { Failure } from "../canon/failure.ts";
import { isAddressLiteral } from "../wire/address.ts";
import type { HostRules } from "./server-port.ts";

export type HostGuard = {
  /** Throws Failure invalid-request (no usable Host) or misdirected. */
  checkHost(host: string | null): void;
  /**
   * The origin to answer with CORS headers, null if there is none or it is our own page.
   * `host` must have passed checkHost. Throws Failure forbidden.
   */
  checkOrigin(origin: string | null, host: string): string | null;
};

const hostShape = /^(\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?)\.?(?::\d{1,5})?$/i;
const rememberedHosts = 64;

export function createHostGuard(rules: HostRules): HostGuard {
  const names = new Set(
    ["localhost", "host.docker.internal", rules.bindHost, ...rules.allowedHosts].map((name) =>
      name.toLowerCase(),
    ),
  );
  const origins = new Set(rules.allowedOrigins.map((origin) => origin.toLowerCase().replace(/\/$/, "")));
  const accepted = new Set<string>();
  return {
    checkHost(host) {
      if (host !== null && accepted.has(host)) return;
      // Two Host headers arrive joined as "a, b", which the shape refuses as well.
      const name = host === null || host.length > 255 ? undefined : hostShape.exec(host)?.[1];
      if (host === null || name === undefined)
        throw new Failure("invalid-request", "The Host header is missing or malformed.", {
          code: "invalid_host",
        });
      if (!isAddressLiteral(name) && !names.has(name.toLowerCase()))
        throw new Failure(
          "misdirected",
          "This Host name is not one of the gateway's. Add it to server.allowed_hosts if it should be.",
        );
      if (accepted.size >= rememberedHosts) accepted.clear();
      accepted.add(host);
    },
    checkOrigin(origin, host) {
      if (origin === null) return null;
      if (origins.has(origin.toLowerCase())) return origin;
      if (origin === `http://${host}` || origin === `https://${host}`) return null;
      throw new Failure(
        "forbidden",
        "Requests from other websites are refused. Add this Origin to server.allowed_origins if it is trusted.",
      );
    },
  };
}

/**
 * A browser sends no Origin for what another site's page merely embeds (an image, a script, a frame), and that page can still count
 * answers, hold connections open and take our time. A link that somebody follows is fine. Throws Failure forbidden.
 */
export function refuseEmbedding(headers: Headers): void {
  const site = headers.get("sec-fetch-site");
  if (site !== "cross-site" && site !== "same-site") return;
  if (headers.get("origin") !== null) return;
  if (
    headers.get("sec-fetch-mode") === "navigate" &&
    (headers.get("sec-fetch-dest") ?? "document") === "document"
  )
    return;
  throw new Failure("forbidden", "Pages of other websites may not embed what is answered here.", {
    code: "foreign_origin",
  });
}

/** Headers that let a page of an allowed origin read the answer. */
export function corsHeaders(origin: string): readonly (readonly [string, string])[] {
  return [
    ["access-control-allow-origin", origin],
    [
      "access-control-expose-headers",
      "x-request-id, request-id, retry-after, x-clawgate-provider, x-clawgate-model, x-clawgate-layer, x-clawgate-rule, x-clawgate-attempts, x-clawgate-hedged, x-clawgate-adapted, x-clawgate-overhead-ms",
    ],
    ["vary", "origin"],
  ];
}

/** The answer to a preflight of an allowed origin. */
export function preflight(wantedHeaders: string | null, methods: readonly string[]): Response {
  const headers = new Headers({
    "access-control-allow-methods": methods.join(", "),
    "access-control-max-age": "600",
  });
  if (wantedHeaders !== null && /^[\w!#$%&'*+.^`|~, -]{1,2000}$/.test(wantedHeaders))
    headers.set("access-control-allow-headers", wantedHeaders);
  return new Response(null, { status: 204, headers });
}
