// Turns what fetch threw into a Failure for the pipeline with a message for the operator: which host, which cause, what to do.
// The client's text must never name the upstream's address.

import { atCapacity, Failure, failureFrom, shortageFrom } from "../../canon/failure.ts";
import { FrameTooLarge } from "../../wire/sse.ts";
import { noConnectionLeft } from "./connection-tracker.ts";

const unreachable: Readonly<Record<string, string>> = {
  ConnectionRefused: "the connection was refused: nothing listens there",
  ECONNREFUSED: "the connection was refused: nothing listens there",
  ENOTFOUND: "the name was not found",
  EAI_AGAIN: "the name could not be looked up just now",
  FailedToOpenSocket: "no connection could be opened",
  EHOSTUNREACH: "no route to that host",
  ENETUNREACH: "no route to that network",
  ETIMEDOUT: "the system gave up connecting",
};
const never = (): boolean => false;
const resetCodes = new Set(["ECONNRESET", "ConnectionClosed", "EPIPE"]);

/** Error codes of OpenSSL and Bun for a failed handshake. Nothing of the request had been sent. */
const handshakeCode =
  /CERT|TLS|SSL|CRL|^EPROTO$|^UNABLE_TO_|SELF_SIGNED|HOSTNAME_MISMATCH|SIGNATURE|PATH_LENGTH|INVALID_(?:CA|PURPOSE)/i;

/** `host:port` of an address, and of the proxy in between. */
export function addressOf(baseUrl: string, proxy: string | null): string {
  const upstream = hostAndPort(baseUrl);
  return proxy === null ? upstream : `${upstream} through the proxy ${hostAndPort(proxy)}`;
}

function hostAndPort(url: string): string {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port === "" ? (protocol === "https:" ? "443" : "80") : port}`;
}

export function isReset(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && resetCodes.has(String(thrown.code));
}

/** The vendor had closed a kept-alive connection: the pipeline decides whether to resend, and with which key. */
export function staleConnection(cause: unknown): Failure {
  const message = "The upstream had closed a connection that was kept open.";
  return new Failure("unreachable", message, { cause, maybeBilled: true, isStale: true });
}

/** The other end hung up on the handshake: nothing of the request had been sent. */
export function brokenHandshake(cause: unknown, address: string): Failure {
  const why = `${address}: the connection was closed or reset in the TLS handshake: the other end wants another version of TLS, or no TLS`;
  return new Failure("unreachable", noHandshake, { cause, why });
}

/** Its text may contain the upstream's address and stays in `cause`. `address`: for the operator; null where unknown. */
export function networkFailure(
  thrown: unknown,
  lacksRoom: () => boolean = never,
  address: string | null = null,
): Failure {
  if (thrown instanceof Failure) return thrown;
  const lack = shortageFrom(thrown);
  if (lack !== null) return lack;
  if (thrown instanceof FrameTooLarge)
    return new Failure("bad-output", "The upstream sent an event beyond the size limit.");
  const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
  const why = (cause: string): string => `${address === null ? "" : `${address}: `}${cause}`;
  if (resetCodes.has(code))
    return new Failure("unreachable", "The upstream closed the connection.", {
      cause: thrown,
      why: why(`the connection was closed or reset (${code}) before the answer was whole`),
      maybeBilled: true,
    });
  const cause = Object.hasOwn(unreachable, code) ? unreachable[code] : undefined;
  // Without a descriptor a name is "not found", and of a host with two addresses Bun says that it refused (Bun 1.4.5).
  if (cause !== undefined && lacksRoom()) return atCapacity(noConnectionLeft, thrown);
  if (cause !== undefined)
    return new Failure("unreachable", "The upstream could not be reached.", {
      cause: thrown,
      why: why(`${cause} (${code})`),
    });
  if (handshakeCode.test(code))
    return new Failure("unreachable", isHandshakeItself(code) ? noHandshake : noTrust, {
      cause: thrown,
      why: why(handshakeWords(code)),
    });
  if (code === "ERR_PROXY_TUNNEL")
    return new Failure("unreachable", noTunnel, { cause: thrown, why: why(tunnelWords(thrown)) });
  if (code === "ZlibError" || /decompress/i.test(code))
    return new Failure("bad-output", "The upstream's answer could not be decompressed.", { cause: thrown });
  if (code === "Malformed_HTTP_Response")
    return new Failure("unreachable", failed, {
      cause: thrown,
      why: why(`the server does not speak HTTP (${code})`),
      maybeBilled: true,
    });
  // Without a code it is not a network error but our own bug, and no provider is responsible.
  if (thrown instanceof DOMException || code !== "")
    return new Failure("unreachable", failed, {
      cause: thrown,
      why: why(`the connection failed (${code === "" ? "no code" : code.slice(0, 60)})`),
      maybeBilled: true,
    });
  return failureFrom(thrown);
}

const failed = "The connection to the upstream failed.";
const noTunnel = "The proxy to the upstream refused the connection.";

/** Nothing of the request has been sent by then. */
function tunnelWords(thrown: unknown): string {
  const status = thrown instanceof Error && "status" in thrown ? Number(thrown.status) : Number.NaN;
  const shown = Number.isInteger(status) ? `HTTP ${status}, ` : "";
  const hint = status === 407 ? ": it needs a user name and password in its URL" : "";
  return `the proxy opened no tunnel (${shown}ERR_PROXY_TUNNEL)${hint}`;
}

/** The client's text where a certificate was not accepted. */
export const noTrust = "The upstream's certificate was not accepted.";
const noHandshake = "The TLS handshake with the upstream failed.";
const isHandshakeItself = (code: string): boolean =>
  code === "EPROTO" || /WRONG_VERSION|UNKNOWN_PROTOCOL/i.test(code);

function handshakeWords(code: string): string {
  if (isHandshakeItself(code))
    return `the TLS handshake failed (${code}): the server may speak plain HTTP, then base_url must begin with http://`;
  if (/ALTNAME|HOSTNAME/i.test(code)) return `its certificate is for another name (${code})`;
  if (/EXPIRED|NOT_YET_VALID/i.test(code))
    return `its certificate is not valid today (${code}): check the system clocks`;
  return `its certificate is not trusted (${code}): name the authority that signed it in NODE_EXTRA_CA_CERTS and restart`;
}
