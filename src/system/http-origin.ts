// A host and a port as they are written in an address: IPv6 in brackets, and the address by which this machine reaches a server that
// listens on all of its addresses.

const bracketed = (host: string): string =>
  host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;

export const hostAndPort = (host: string, port: number): string => `${bracketed(host)}:${port}`;

/** `host`: what a server listens on. */
export function reachableHost(host: string): string {
  const bare = host.replace(/^\[|\]$/g, "");
  if (bare === "0.0.0.0" || bare === "") return "127.0.0.1";
  return bracketed(bare === "::" ? "::1" : bare);
}

/** Without a slash at the end. */
export const reachableOrigin = (host: string, port: number): string =>
  `http://${reachableHost(host)}:${port}`;
