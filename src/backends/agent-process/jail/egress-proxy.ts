// The egress of a jailed program: our HTTP proxy behind a unix socket, which reaches the internet and the addresses that the
// operator listed. It must never lead to this machine, private networks or the gateway itself because a program asks for it.

import { lookup } from "node:dns/promises";
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { proxyFor, type ProxyVariables } from "../../../system/proxy.ts";
import {
  type Address,
  addressText,
  bareHost,
  isPublic,
  isThisMachine,
  readAddress,
} from "./network-addresses.ts";

export type EgressRules = {
  /** `host:port` of what the operator named. */
  readonly allowedAddresses: ReadonlySet<string>;
  /** The operator's own proxies. */
  readonly proxies: ProxyVariables;
  /** Where the gateway itself listens; null: not yet. */
  readonly ownPort: () => number | null;
  /** Default: the machine's resolver. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
};

const headBytes = 64 * 1024;
const headMs = 15_000;
const connectMs = 15_000;

class Refused extends Error {
  override readonly name = "Refused";
}

/** Serves one connection of a program. Never throws. */
export function serveEgressProxy(client: Socket, rules: EgressRules): void {
  let head = Buffer.alloc(0);
  const refuse = (status: string, why: string): void => {
    const body = `${why}\n`;
    client.end(
      `HTTP/1.1 ${status}\r\ncontent-type: text/plain\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    );
  };
  client.on("error", () => client.destroy());
  client.setTimeout(headMs, () => client.destroy());
  const onData = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) {
      if (head.length > headBytes) refuse("431 Request Header Fields Too Large", "The head is too large.");
      return;
    }
    client.off("data", onData);
    client.pause();
    client.setTimeout(0);
    const asked = readHead(head.toString("latin1", 0, end));
    if (asked === null)
      return refuse("400 Bad Request", "A proxy takes CONNECT host:port or http:// addresses.");
    const rest = head.subarray(end + 4);
    openTo(asked, rules).then(
      (upstream) => {
        if (client.destroyed) return void upstream.destroy();
        if (asked.isTunnel) client.write("HTTP/1.1 200 Connection established\r\n\r\n");
        else upstream.write(asked.head(upstream.proxyLogin), "latin1");
        if (rest.length > 0) upstream.write(rest);
        pipeBoth(client, upstream);
      },
      (error: unknown) =>
        error instanceof Refused
          ? refuse("403 Forbidden", error.message)
          : refuse("502 Bad Gateway", `${addressText(asked.to)} cannot be reached.`),
    );
  };
  client.on("data", onData);
}

/** A direct connection to one address that the operator named. */
export function serveForward(client: Socket, to: Address, rules: EgressRules): void {
  client.on("error", () => client.destroy());
  client.pause();
  dialAllowed(to, rules).then(
    (upstream) => pipeBoth(client, upstream),
    () => client.destroy(),
  );
}

/** Closing one side closes the other. */
function pipeBoth(left: Socket, right: Socket): void {
  for (const [from, to] of [
    [left, right],
    [right, left],
  ] as const) {
    from.on("error", () => to.destroy());
    from.on("close", () => to.destroy());
    from.pipe(to);
  }
  left.resume();
}

type ProxyRequest = {
  readonly to: Address;
  readonly isTunnel: boolean;
  /** The head for the other side; with the proxy's own header line where there is one. */
  head(proxyLogin: string | undefined): string;
};

function readHead(text: string): ProxyRequest | null {
  const [first = "", ...lines] = text.split("\r\n");
  const [method = "", target = "", version = ""] = first.split(" ");
  if (!/^HTTP\/1\.[01]$/.test(version)) return null;
  if (method === "CONNECT") {
    const to = readAddress(target);
    return to === null ? null : { to, isTunnel: true, head: () => "" };
  }
  if (!/^http:\/\//i.test(target) || !URL.canParse(target)) return null;
  const url = new URL(target);
  const to = { host: bareHost(url.hostname), port: Number(url.port || 80) };
  // One request per connection: the next one may be for another host.
  const kept = lines.filter((line) => !/^(?:proxy-[a-z-]*|connection|keep-alive)\s*:/i.test(line));
  return {
    to,
    isTunnel: false,
    head: (proxyLogin) =>
      [
        `${method} ${proxyLogin === undefined ? url.pathname + url.search : url.href} ${version}`,
        ...kept,
        "Connection: close",
        `${proxyLogin ?? ""}\r\n`,
      ].join("\r\n"),
  };
}

/** With a login where the other end is one of the operator's proxies; "" where it needs none. */
type Upstream = Socket & { proxyLogin?: string };

async function openTo(asked: ProxyRequest, rules: EgressRules): Promise<Upstream> {
  const { to } = asked;
  const scheme = asked.isTunnel ? "https" : "http";
  const proxy = proxyFor(new URL(`${scheme}://${addressText(to)}/`), null, rules.proxies);
  const addresses = await resolved(to.host, rules).catch((error: unknown) => {
    // Behind a company's proxy, often only the proxy can resolve names.
    if (proxy !== null && isIP(to.host) === 0) return null;
    throw error;
  });
  refuseOurselves(addresses ?? [], to, rules);
  const open = rules.allowedAddresses.has(addressText(to)) ? addresses : addresses?.filter(isPublic);
  if (open?.length === 0)
    throw new Refused(
      `${addressText(to)} is not on the internet. What a jailed program reaches besides is named in cli.jail_hosts.`,
    );
  return proxy === null ? dialOne(open ?? [], to.port) : dialProxy(new URL(proxy), asked);
}

async function dialAllowed(to: Address, rules: EgressRules): Promise<Socket> {
  const addresses = await resolved(to.host, rules);
  refuseOurselves(addresses, to, rules);
  return dialOne(addresses, to.port);
}

function refuseOurselves(addresses: readonly string[], { port }: Address, rules: EgressRules): void {
  if (port === rules.ownPort() && addresses.some(isThisMachine))
    throw new Refused("A jailed program may not connect to the gateway that started it.");
}

async function resolved(host: string, rules: EgressRules): Promise<readonly string[]> {
  if (rules.resolve !== undefined) return rules.resolve(host);
  const found = await lookup(bareHost(host), { all: true });
  return found.map(({ address }) => address);
}

/** By IP address, so that the checked address is the one connected to. */
async function dialOne(addresses: readonly string[], port: number): Promise<Socket> {
  let trouble: unknown = new Error("it has no address");
  for (const host of addresses.slice(0, 4)) {
    try {
      return await dialed(connect({ host, port, allowHalfOpen: true }), "connect");
    } catch (error) {
      trouble = error;
    }
  }
  throw trouble;
}

function dialed(socket: Socket, ready: "connect" | "secureConnect"): Promise<Socket> {
  return new Promise((resolve, reject) => {
    socket.setTimeout(connectMs, () => socket.destroy(new Error("it took too long")));
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("it was closed")));
    socket.once(ready, () => {
      socket.setTimeout(0);
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

async function dialProxy(proxy: URL, asked: ProxyRequest): Promise<Upstream> {
  const isTls = proxy.protocol === "https:";
  if (!isTls && proxy.protocol !== "http:")
    throw new Refused(`A proxy by ${proxy.protocol} cannot be used from a jail; take http or https.`);
  const host = bareHost(proxy.hostname);
  const port = Number(proxy.port || (isTls ? 443 : 80));
  const socket: Upstream = isTls
    ? await dialed(connectTls({ host, port, servername: host }), "secureConnect")
    : await dialed(connect({ host, port, allowHalfOpen: true }), "connect");
  const secret = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const login = proxy.username === "" ? "" : `Proxy-Authorization: Basic ${btoa(secret)}\r\n`;
  if (!asked.isTunnel) {
    socket.proxyLogin = login;
    return socket;
  }
  const to = addressText(asked.to);
  socket.write(`CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\n${login}\r\n`);
  await tunnelled(socket);
  return socket;
}

/** Reads the proxy's answer; what follows it belongs to the tunnel. */
function tunnelled(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0);
    const fail = (): void => {
      socket.destroy();
      reject(new Error("the proxy refused"));
    };
    socket.once("close", fail);
    socket.once("error", fail);
    const onData = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return head.length > headBytes ? fail() : undefined;
      socket.off("data", onData);
      socket.off("close", fail);
      socket.off("error", fail);
      if (!/^HTTP\/1\.[01] 2\d\d/.test(head.toString("latin1", 0, end))) return fail();
      socket.pause();
      const rest = head.subarray(end + 4);
      if (rest.length > 0) socket.unshift(rest);
      resolve();
    };
    socket.on("data", onData);
  });
}
