import { expect, test } from "bun:test";
import { networkInterfaces } from "node:os";
import fc from "fast-check";
import {
  addressesIn,
  addressOfUrl,
  isLoopbackName,
  isPublic,
  isThisMachine,
  readAddress,
} from "../../../../src/backends/agent-process/jail/network-addresses.ts";

test("the internet is public; this machine, private networks, metadata services and addresses that mean them are not", () => {
  for (const address of ["1.1.1.1", "8.8.8.8", "160.79.104.10", "2606:4700:4700::1111", "2a00:1450:4001::1"])
    expect([address, isPublic(address)]).toEqual([address, true]);
  const closed =
    "127.0.0.1 127.8.8.8 0.0.0.0 10.1.2.3 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1 100.100.100.200 198.18.0.1 224.0.0.1 255.255.255.255 192.0.0.192 ::1 :: ::ffff:127.0.0.1 ::ffff:10.0.0.1 fe80::1 fe80::1%eth0 fc00::1 fd00:ec2::254 ff02::1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 2002:7f00:1:: 2001::1 2001:db8::1 fec0::1 localhost 2130706433 0x7f.1";
  for (const address of closed.split(" ")) expect([address, isPublic(address)]).toEqual([address, false]);
  for (const all of Object.values(networkInterfaces()))
    for (const { address } of all ?? [])
      expect([address, isPublic(address), isThisMachine(address)]).toEqual([address, false, true]);
});

test("no address of a private network is public, however it is written", () => {
  const byte = fc.integer({ min: 0, max: 255 });
  const net = fc.constantFrom([10], [127], [0], [192, 168], [169, 254], [172, 20], [100, 99]);
  fc.assert(
    fc.property(net, fc.array(byte, { minLength: 3, maxLength: 3 }), (head, tail) => {
      const bytes = [...head, ...tail].slice(0, 4);
      const address = bytes.join(".");
      const hex = bytes.map((each) => each.toString(16).padStart(2, "0"));
      const mapped = `::ffff:${hex.slice(0, 2).join("")}:${hex.slice(2).join("")}`;
      return !isPublic(address) && !isPublic(`::ffff:${address}`) && !isPublic(mapped);
    }),
  );
});

test("addresses as people write them, and those in URLs", () => {
  expect(readAddress("db.internal:5432")).toEqual({ host: "db.internal", port: 5432 });
  expect(readAddress("[::1]:80")).toEqual({ host: "::1", port: 80 });
  for (const wrong of ["db", "db:0", "db:70000", ":80", "a b:80", "http://a:80", "a:b:80", "user@a:80", ""])
    expect([wrong, readAddress(wrong)]).toEqual([wrong, null]);
  expect(addressOfUrl("https://api.example.com/v1")).toEqual({ host: "api.example.com", port: 443 });
  expect(addressOfUrl("postgres://u:p@127.0.0.1/db")).toEqual({ host: "127.0.0.1", port: 5432 });
  expect(addressOfUrl("file:///etc/passwd")).toBeNull();
  expect(addressOfUrl("/etc/passwd")).toBeNull();
  expect(addressesIn(["http://127.0.0.1:9", "x", "http://[::1]:8/", "http://127.0.0.1:9/again"])).toEqual([
    "127.0.0.1:9",
    "[::1]:8",
  ]);
  expect(["localhost", "LOCALHOST.", "127.1.2.3", "[::1]", "example.com"].map(isLoopbackName)).toEqual([
    true,
    true,
    true,
    true,
    false,
  ]);
});
