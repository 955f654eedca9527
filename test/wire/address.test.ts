import { describe, expect, test } from "bun:test";
import { addressSet, isAddressLiteral, isLoopback } from "../../src/wire/address.ts";

test.each(["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1", "::FFFF:127.0.0.2"])(
  "%s is loopback",
  (address) => {
    expect(isLoopback(address)).toBe(true);
  },
);

test.each([
  "",
  "localhost",
  "10.0.0.1",
  "128.0.0.1",
  "127.0.0.1.evil.example",
  "127.1",
  "::2",
  "::ffff:10.0.0.1",
  "127.",
])("%p is not loopback", (address) => {
  expect(isLoopback(address)).toBe(false);
});

test.each([
  ["10.0.0.1", true],
  ["[::1]", true],
  ["[fe80::1]", true],
  ["::1", false],
  ["[::1", false],
  ["[10.0.0.1]", false],
  ["10.1", false],
  ["2130706433", false],
  ["example", false],
] as const)("%s as a literal: %p", (host, isLiteral) => {
  expect(isAddressLiteral(host)).toBe(isLiteral);
});

describe("addressSet", () => {
  test("holds addresses and ranges of both families", () => {
    const set = addressSet(["10.0.0.0/8", "192.168.1.7", "fd00::/8", "::1"]);
    for (const inside of ["10.255.0.1", "192.168.1.7", "::ffff:10.1.1.1", "fd12::1", "::1"])
      expect(set.holds(inside)).toBe(true);
    for (const outside of ["11.0.0.1", "192.168.1.8", "fe80::1", "", "10.0.0.1, 10.0.0.2", "unknown"])
      expect(set.holds(outside)).toBe(false);
    expect(addressSet([]).holds("127.0.0.1")).toBe(false);
  });

  test.each(["proxy.example", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::1/129", ""])(
    "refuses %p",
    (entry) => {
      expect(() => addressSet([entry])).toThrow("neither an IP address nor a CIDR range");
    },
  );
});
