// Upstreams that cannot be asked, each in its own way, on loopback. They never answer a request.

import { createServer, type Server } from "node:net";

export const unreachableKinds = [
  { id: "refused", words: "refused", isBilled: false },
  { id: "nowhere", words: "name was not found", isBilled: false },
  { id: "untrusted", words: "NODE_EXTRA_CA_CERTS", isBilled: false },
  { id: "plain", words: "plain HTTP", isBilled: false },
  { id: "reset", words: "closed or reset", isBilled: true },
  { id: "silent", words: "timed out after", isBilled: true },
] as const;

export type UnreachableKind = (typeof unreachableKinds)[number]["id"];
export type UnreachableUpstreams = { urlOf(way: UnreachableKind): string; stop(): void };

// Made only for this test (openssl req -x509, CN=localhost, valid for a hundred years); nothing trusts it.
const pem = (what: string, lines: readonly string[]): string =>
  [`-----BEGIN ${what}-----`, ...lines, `-----END ${what}-----`, ""].join("\n");
const certificate = pem("CERTIFICATE", [
  "MIIBkTCCATagAwIBAgIUAglR8bulfRHJu94VuqmLduVga8UwCgYIKoZIzj0EAwIw",
  "FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEzMDA5MDkxM1oYDzIxMjYxMTA2",
  "MDkwOTEzWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO",
  "PQMBBwNCAASn5wr0/fewe2JX2r7QM2qIAPwG57aXtzYtk/ZUxoz5tnFWcD5i25Xn",
  "s6tnNl+F285O6UkbbVAPSTOnVVHCKiAvo2QwYjAdBgNVHQ4EFgQUnSH8Onhwd+/C",
  "tfGtb6pyUKj+eCEwHwYDVR0jBBgwFoAUnSH8Onhwd+/CtfGtb6pyUKj+eCEwDwYD",
  "VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0kAMEYC",
  "IQC7LO0vwOnhWVHgIAW4Qtbjfz8JFL6Q9rdfSwpkLrqcYwIhAP2q+qwTb3v9RfIr",
  "xvevqYFCYO+rEBwVvBJw2+h+pwX8",
]);
const privateKey = pem("PRIVATE KEY", [
  "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgk/4hIE7brrEvotvF",
  "zhvNALRpYu3BxGzODERNbD4gkwihRANCAASn5wr0/fewe2JX2r7QM2qIAPwG57aX",
  "tzYtk/ZUxoz5tnFWcD5i25Xns6tnNl+F285O6UkbbVAPSTOnVVHCKiAv",
]);

export function startUnreachableUpstreams(): UnreachableUpstreams {
  const tls = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    tls: { cert: certificate, key: privateKey },
    fetch: () => new Response("never"),
  });
  const sockets: Server[] = [];
  const listen = (onData: "reset" | "keep"): number => {
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.on("data", () => (onData === "reset" ? socket.resetAndDestroy() : undefined));
    }).listen(0, "127.0.0.1");
    sockets.push(server);
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  };
  const plain = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("never") });
  const urls: Readonly<Record<UnreachableKind, string>> = {
    refused: "http://127.0.0.1:1",
    nowhere: "http://nobody.invalid:8080",
    untrusted: `https://127.0.0.1:${tls.port}`,
    plain: `https://127.0.0.1:${plain.port}`,
    reset: `http://127.0.0.1:${listen("reset")}`,
    silent: `http://127.0.0.1:${listen("keep")}`,
  };
  return {
    urlOf: (way) => urls[way],
    stop() {
      void tls.stop(true);
      void plain.stop(true);
      for (const server of sockets) server.close();
    },
  };
}
