// Which proxy, if any, is in front of an upstream. Bun would send even loopback through HTTP_PROXY, so the choice is
// made here and passed to fetch; it must never depend on anything in a request.

export type ProxyVariables = {
  readonly httpProxy: string | null;
  readonly httpsProxy: string | null;
  readonly noProxy: string | null;
};

export function readProxyVariables(
  environment: Readonly<Record<string, string | undefined>>,
): ProxyVariables {
  const read = (name: string): string | null => environment[name.toLowerCase()] || environment[name] || null;
  const all = read("ALL_PROXY");
  return {
    httpProxy: read("HTTP_PROXY") ?? all,
    httpsProxy: read("HTTPS_PROXY") ?? all,
    noProxy: read("NO_PROXY"),
  };
}

/** `configured` is the provider's own `proxy` and wins. Null: connect directly. */
export function proxyFor(url: URL, configured: string | null, variables: ProxyVariables): string | null {
  if (isLoopback(url.hostname)) return null;
  if (configured !== null) return configured === "direct" || configured === "none" ? null : configured;
  const proxy = url.protocol === "https:" ? variables.httpsProxy : variables.httpProxy;
  if (proxy === null || isExcluded(url, variables.noProxy)) return null;
  return proxy;
}

/** Whether a program that does not except loopback asks a proxy for this address. Some take HTTPS_PROXY for http too. */
export function goesThroughProxy(
  url: URL,
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  const names = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"];
  return names.some((name) => environment[name]) && !isExcluded(url, readProxyVariables(environment).noProxy);
}

export function isLoopback(hostname: string): boolean {
  const host = hostname
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "")
    .toLowerCase();
  return (
    host === "localhost" ||
    host.endsWith(".localhost") ||
    host === "::1" ||
    /^127(?:\.\d{1,3}){3}$/.test(host)
  );
}

function isExcluded(url: URL, noProxy: string | null): boolean {
  if (noProxy === null) return false;
  const host = url.hostname.toLowerCase().replace(/^\[|\]$/g, "");
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return noProxy.split(",").some((entry) => {
    let rule = entry.trim().toLowerCase();
    if (rule === "") return false;
    if (rule === "*") return true;
    // An IPv6 address contains colons: only one in brackets can have a port.
    const [, name, wantedPort] = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(rule) ?? [];
    if (name !== undefined) {
      if (wantedPort !== port) return false;
      rule = name;
    }
    rule = rule.replace(/^\[|\]$/g, "");
    if (rule.includes("/")) return isInsideCidr(host, rule);
    const bare = rule.replace(/^\*?\./, "");
    return host === bare || host.endsWith(`.${bare}`);
  });
}

function isInsideCidr(host: string, rule: string): boolean {
  const [base = "", bits = ""] = rule.split("/");
  const network = ipv4Number(base);
  const address = ipv4Number(host);
  const length = Number(bits);
  if (network === null || address === null || !Number.isInteger(length) || length < 0 || length > 32)
    return false;
  const size = 2 ** (32 - length);
  return Math.floor(network / size) === Math.floor(address / size);
}

function ipv4Number(text: string): number | null {
  const parts = text.split(".");
  if (parts.length !== 4) return null;
  let value = 0;
  for (const part of parts) {
    if (!/^\d{1,3}$/.test(part) || Number(part) > 255) return null;
    value = value * 256 + Number(part);
  }
  return value;
}
