// Headers that show that a request came through a proxy, a tunnel or a content network, and so perhaps not from this
// machine. The name is enough; it must never trust a value.

/**
 * Header names and patterns by kind, as these programs add them to the requests they forward (their documentation, November
 * 2026). What SDKs, browsers and tracers send themselves must not be listed: x-requested-with, x-stainless-*, traceparent,
 * x-request-id, x-client-request-id, x-amz-date, x-http-method-override, cf-aig-*.
 */
const kinds: Readonly<Record<string, readonly string[]>> = {
  /** Forwarded, Via, X-Forwarded-For, X-Original-Forwarded-For, X-Forward-For, Z-Forwarded-For, CloudFront-Forwarded-Proto, … */
  "any that forwards": [
    ".*forward(?:ed|er)?(?:[-_].*)?",
    "x-fwd(?:[-_].*)?",
    "via",
    "x-bluecoat-via",
    "x-imforwards",
  ],
  /** Proxy-Connection, X-Proxy-*, X-ProxyUser-IP, WL-Proxy-Client-IP, Proxy-Client-IP, X-HAProxy-*, … */
  "any that calls itself one": [".*prox(?:y|ied).*", "surrogate-capability", "x-varnish.*", "cdn-.*"],
  /** X-Real-IP, True-Client-IP, X-Client-IP, X-Cluster-Client-IP, X-Remote-Addr, Remote-Addr, Fly-Client-IP, CF-Connecting-IP, … */
  "the client's address": [
    "(?:.*[-_])?(?:ip|ipaddr|ipaddress|clientip|remoteip|realip|socketip|addr|address)(?:v?[46])?",
    "(?:.*[-_])?(?:client|remote|real|peer|source|viewer|origin|user)[-_]?(?:ip|addr|address|port)(?:[-_].*)?",
    "x-coming-from",
  ],
  /** X-Original-URL, X-Original-Host, X-Rewrite-URL, X-Host, X-HTTP-Host-Override, … (nginx, IIS, Envoy) */
  "the address that was asked for": [
    "x-original-.*",
    "x-rewrite-.*",
    "x-host",
    "x-http-(?!method(?:-override)?$).*",
    "x-(?:url-)?scheme",
    "front-end-https",
    "x-server-name",
    "x-request-start",
  ],
  /** What a proxy that checks certificates or users adds for its backend. */
  "a user that was checked": [
    "x-ssl-.*",
    "ssl-client-.*",
    "x-client-(?:cert|dn|verify|tls|ssl).*",
    "client-cert(?:-chain)?",
    "remote-(?:user|name|email|groups?)",
    "x-remote-.*",
    "x-auth-request-.*",
    "x-webauth-.*",
    "x-authentik-.*",
    "x-pomerium-.*",
    "x-goog-(?:iap|authenticated-user)-.*",
    "x-ms-(?:client-principal|token)-?.*",
    "x-consumer-.*",
    "x-authenticated-.*",
    "x-vouch-.*",
    "teleport-.*",
  ],
  Cloudflare: ["cf-(?!aig-|access-client-).*", "cdn-loop"],
  "Fastly, Akamai, Imperva, Sucuri": [
    "fastly-.*",
    "x-fastly-.*",
    "akamai-.*",
    "x-akamai-.*",
    "incap-.*",
    "x-iinfo",
    "x-sucuri-.*",
  ],
  Amazon: [
    "cloudfront-.*",
    "x-amz-cf-.*",
    "x-amzn-(?:trace-id|tls-.*|mtls-.*|oidc-.*|lambda-.*|remapped-.*|vpc.*)",
  ],
  Google: ["x-appengine-.*", "x-gfe-.*", "x-google-(?:internal|serverless|apps)-.*"],
  Azure: [
    "x-azure-.*",
    "x-fd-.*",
    "x-arr-.*",
    "x-appgw-.*",
    "x-waws-.*",
    "disguised-host",
    "was-default-hostname",
  ],
  hosters: [
    "x-vercel-(?!ai-).*",
    "x-nf-.*",
    "fly-.*",
    "x-railway-.*",
    "rndr-.*",
    "x-heroku-.*",
    "x-replit-.*",
    "x-koyeb-.*",
  ],
  tunnels: [
    "ngrok-.*",
    "x-ngrok-.*",
    "tailscale-.*",
    "x-tailscale-.*",
    "x-zrok-.*",
    "x-localtunnel-.*",
    "x-tunnel-.*",
  ],
  "meshes and gateways": [
    "x-envoy-.*",
    "x-istio-.*",
    "l5d-.*",
    "x-kong-.*",
    "x-traefik-.*",
    "x-nginx-.*",
    "x-cluster-.*",
  ],
};

const pattern = new RegExp(`^(?:${Object.values(kinds).flat().join("|")})$`);

/** Clients choose the names, so the number of cached verdicts is limited. */
const maxRemembered = 512;
const maxRememberedLength = 64;

/** The first header that shows a proxy; null when there is none. */
export type ProxyHeaderFinder = (headers: Headers) => string | null;

export function createProxyHeaderFinder(): ProxyHeaderFinder {
  const verdicts = new Map<string, boolean>();
  const isProxyHeader = (name: string): boolean => {
    const known = verdicts.get(name);
    if (known !== undefined) return known;
    const verdict = pattern.test(name);
    if (verdicts.size < maxRemembered && name.length <= maxRememberedLength) verdicts.set(name, verdict);
    return verdict;
  };
  return (headers) => {
    for (const name of headers.keys()) if (isProxyHeader(name)) return name;
    return null;
  };
}
