// Network addresses as text: loopback, literals, ranges. It must never resolve a name.

import { BlockList, isIP } from "node:net";

/** 127.0.0.0/8, ::1, and IPv4 loopback in IPv6 form (a dual-stack socket reports ::ffff:127.0.0.1). */
export function isLoopback(address: string): boolean {
  if (address === "127.0.0.1" || address === "::1") return true;
  const plain = unmapped(address);
  return plain.startsWith("127.") && isIP(plain) === 4;
}

/** Whether the host part of a Host header is an address rather than a name. Brackets belong to IPv6. */
export function isAddressLiteral(host: string): boolean {
  return host.startsWith("[") ? host.endsWith("]") && isIP(host.slice(1, -1)) === 6 : isIP(host) === 4;
}

export type AddressSet = { holds(address: string): boolean };

/** Addresses and CIDR ranges. Throws an Error that names an entry it cannot read. */
export function addressSet(entries: readonly string[]): AddressSet {
  if (entries.length === 0) return { holds: () => false };
  const list = new BlockList();
  for (const entry of entries) {
    const slash = entry.indexOf("/");
    const address = slash < 0 ? entry : entry.slice(0, slash);
    const family = isIP(address);
    const bits = slash < 0 ? null : Number(entry.slice(slash + 1));
    const isReadable =
      family !== 0 &&
      (bits === null || (/^\d{1,3}$/.test(entry.slice(slash + 1)) && bits <= (family === 4 ? 32 : 128)));
    if (!isReadable) throw new Error(`"${entry}" is neither an IP address nor a CIDR range`);
    if (bits === null) list.addAddress(address, family === 4 ? "ipv4" : "ipv6");
    else list.addSubnet(address, bits, family === 4 ? "ipv4" : "ipv6");
  }
  return {
    holds(address) {
      const plain = unmapped(address);
      const family = isIP(plain);
      return family !== 0 && list.check(plain, family === 4 ? "ipv4" : "ipv6");
    },
  };
}

function unmapped(address: string): string {
  return address.slice(0, 7).toLowerCase() === "::ffff:" && isIP(address.slice(7)) === 4
    ? address.slice(7)
    : address;
}
