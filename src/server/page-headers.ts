// The headers of a page for a browser: what it may load, and that no site may frame it or guess its type.

export function pageHeaders(contentPolicy: string): Readonly<Record<string, string>> {
  return {
    "content-security-policy": contentPolicy,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    // A newer version of the program has other pages at the same addresses.
    "cache-control": "no-cache",
  };
}
