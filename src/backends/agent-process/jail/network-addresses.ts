// Which addresses a jailed program may reach: the internet, and what the operator named. Never this machine, private
// networks or a cloud's metadata service unless named.

import { BlockList, isIP } from "node:net";
import { networkInterfaces } from "node:os";

export type Address = { readonly host: string; readonly port: number };

const refused4: readonly (readonly [string, number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
];
/** Ranges within the routed space (2000::/3) that represent an IPv4 address or no host. */
const refused6: readonly (readonly [string, number])[] = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
];

const special = listOf(refused4, refused6);
const routed6 = listOf([], [["2000::", 3]]);

function listOf(four: typeof refused4, six: typeof refused6): BlockList {
  const list = new BlockList();
  for (const [net, bits] of four) list.addSubnet(net, bits, "ipv4");
  for (const [net, bits] of six) list.addSubnet(net, bits, "ipv6");
  return list;
}

/** For an IP address: whether it is on the internet and not this machine. */
export function isPublic(address: string): boolean {
  const bare = bareHost(address);
  const version = isIP(bare);
  if (version === 0) return false;
  const isOrdinary =
    version === 4
      ? !special.check(bare, "ipv4")
      : routed6.check(bare, "ipv6") && !special.check(bare, "ipv6");
  return isOrdinary && !isOfThisMachine(bare);
}

/** One of this machine's addresses: a service that listens on all interfaces answers there too. */
export function isThisMachine(address: string): boolean {
  const bare = bareHost(address);
  return (
    /^(?:127\.|0\.)/.test(bare) ||
    bare === "::1" ||
    bare === "::" ||
    /^::ffff:/i.test(bare) ||
    isOfThisMachine(bare)
  );
}

function isOfThisMachine(address: string): boolean {
  return Object.values(networkInterfaces()).some(
    (all) => all?.some((each) => each.address === address) === true,
  );
}

export function isLoopbackName(host: string): boolean {
  const bare = bareHost(host).replace(/\.$/, "");
  return bare === "localhost" || bare === "::1" || /^127(?:\.\d{1,3}){3}$/.test(bare);
}

export const bareHost = (host: string): string =>
  host
    .replace(/^\[|\]$/g, "")
    .replace(/%.*$/, "")
    .toLowerCase();

export const addressText = ({ host, port }: Address): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;

/** `host:port`, `[::1]:80`; null: not an address. */
export function readAddress(text: string): Address | null {
  const [, six, name, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/@[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  const host = six ?? name;
  return host === undefined || !(port >= 1 && port <= 65_535) ? null : { host: host.toLowerCase(), port };
}

const usualPorts: Readonly<Record<string, number>> = {
  "http:": 80,
  "https:": 443,
  "ws:": 80,
  "wss:": 443,
  "postgres:": 5432,
  "postgresql:": 5432,
  "mysql:": 3306,
  "redis:": 6379,
  "rediss:": 6379,
  "mongodb:": 27_017,
  "amqp:": 5672,
};

/** The address of a URL; null for any other text. */
export function addressOfUrl(text: string): Address | null {
  if (!/^[a-z][a-z0-9+.-]*:\/\/\S+$/i.test(text) || !URL.canParse(text)) return null;
  const url = new URL(text);
  const port = url.port === "" ? usualPorts[url.protocol] : Number(url.port);
  const host = bareHost(url.hostname);
  return host === "" || port === undefined ? null : { host, port };
}

/** Every address in the values, without duplicates, sorted. */
export function addressesIn(values: readonly string[]): readonly string[] {
  const found = values.flatMap((value) => {
    const address = addressOfUrl(value);
    return address === null ? [] : [addressText(address)];
  });
  return [...new Set(found)].toSorted();
}
