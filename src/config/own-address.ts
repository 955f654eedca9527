// Addresses that lead back to this gateway: a provider there would call the gateway again and again until the machine has no sockets
// left. It must never resolve a name: an address that it cannot recognize from the text alone passes.

import type { Finding } from "./findings.ts";
import type { Config } from "./schema.ts";

const loopback = /^(?:localhost|127(?:\.\d+){3}|\[::1\]|0\.0\.0\.0)$/;

export function isOwnAddress(baseUrl: string, port: number): boolean {
  const url = URL.parse(baseUrl);
  return url !== null && loopback.test(url.hostname) && url.port === String(port);
}

export function ownAddressFindings({
  providers,
  server,
}: Pick<Config, "providers" | "server">): readonly Finding[] {
  return Object.entries(providers).flatMap(([id, { base_url: baseUrl }]) =>
    baseUrl !== null && isOwnAddress(baseUrl, server.port)
      ? [
          {
            path: ["providers", id, "base_url"],
            message: "is this gateway's own address: requests would loop",
            hint: null,
            expected: null,
          },
        ]
      : [],
  );
}
