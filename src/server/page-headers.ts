// The headers of a page for a browser: what it may load, and that nobody may frame it or guess its type.

export function pageHeaders(contentPolicy: string): Readonly<Record<string, string>> {
  return {
    "content-security-policy": contentPolicy,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    // A newer program has other pages at the same addresses.
    "cache-control": "no-cache",
  };
}
