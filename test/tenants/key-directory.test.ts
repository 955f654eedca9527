import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createKeyDirectory, fingerprintOfEntry } from "../../src/tenants/key-directory.ts";

const sha256 = (text: string): string => new Bun.CryptoHasher("sha256").update(text).digest("hex");
const directory = createKeyDirectory({
  keys: ["sk-plain", ` sha256:${sha256("sk-hashed").toUpperCase()} `, "schlüssel-日本"],
  adminKey: `sha256:${sha256("sk-admin")}`,
  stateToken: "token",
});

describe("identify", () => {
  test.each(["sk-plain", "sk-hashed", "schlüssel-日本"])("%s is known by the head of its hash", (key) => {
    expect(directory.identify(key)?.keyId).toBe(sha256(key).slice(0, 8));
    expect(fingerprintOfEntry(key)).toBe(sha256(key).slice(0, 8));
  });

  test("a key outside ASCII is known as a header carries it", () => {
    const asHeader = Buffer.from("schlüssel-日本").toString("latin1");
    expect(directory.identify(asHeader)?.keyId).toBe(sha256("schlüssel-日本").slice(0, 8));
  });

  test.each([null, "", "sk-plai", "sk-plainn", "SK-PLAIN", "sk-admin", "token", sha256("sk-plain")])(
    "%p is not",
    (key) => {
      expect(directory.identify(key)).toBeNull();
    },
  );

  test("the hash itself does not open the door", () => {
    expect(directory.identify(`sha256:${sha256("sk-hashed")}`)).toBeNull();
  });

  test("515 odd strings: nobody, and nothing thrown", () => {
    const odd = [
      "__proto__",
      "constructor",
      "hasOwnProperty",
      "undefined",
      "null",
      "\u0000",
      "\ud800",
      "' OR 1=1 --",
      "${ENV}",
      "../../etc/passwd",
      "<script>",
      "\ufeff",
      "x".repeat(100_000),
    ];
    odd.push(
      ...fc.sample(fc.string({ unit: "binary", minLength: 1 }), { numRuns: 515 - odd.length, seed: 7 }),
    );
    for (const key of odd) {
      expect(directory.identify(key)).toBeNull();
      expect(directory.isAdmin(key)).toBe(false);
    }
    expect(odd.length).toBe(515);
  });
});

describe("isAdmin", () => {
  test("the admin key and the state token, nobody else", () => {
    expect(["sk-admin", "token"].map(directory.isAdmin)).toEqual([true, true]);
    expect([null, "", "sk-plain", "sk-admi", "toke"].map((key) => directory.isAdmin(key))).not.toContain(
      true,
    );
  });
});

describe("blank entries", () => {
  test("a blank key shuts the door instead of opening it", () => {
    const blank = createKeyDirectory({ keys: [" "], adminKey: " ", stateToken: "" });
    expect(blank.hasKeys).toBe(true);
    expect(blank.hasAdminKey).toBe(false);
    for (const key of ["", " ", null]) {
      expect(blank.identify(key)).toBeNull();
      expect(blank.isAdmin(key)).toBe(false);
    }
  });

  test("no keys at all is said so", () => {
    const empty = createKeyDirectory({ keys: [], adminKey: null, stateToken: null });
    expect([empty.hasKeys, empty.hasAdminKey]).toEqual([false, false]);
  });

  test("a broken hash is refused without being shown", () => {
    const make = () => createKeyDirectory({ keys: ["sha256:secret"], adminKey: null, stateToken: null });
    expect(make).toThrow("64 hex digits");
    expect(make).not.toThrow("secret");
  });
});

test("a tenant's key tells whose it is, any other key tells nobody", () => {
  const named = createKeyDirectory({
    keys: ["plain-key"],
    tenants: [{ name: "alice", key: "alice-key" }],
    adminKey: null,
    stateToken: null,
  });
  expect(named.identify("alice-key")?.tenant).toBe("alice");
  expect(named.identify("plain-key")?.tenant).toBeNull();
  expect([named.hasKeys, named.identify("other-key")]).toEqual([true, null]);
});

describe("keys that expire", () => {
  const open = (nowMs?: () => number) => {
    const expired: string[] = [];
    const [lasting, passing] = ["lasting-key", "passing-key"];
    const tenants = [
      { name: "alice", key: lasting },
      { name: "alice", key: passing, expiresAtMs: 1_000 },
    ];
    const directory = createKeyDirectory({
      keys: [],
      tenants,
      adminKey: null,
      stateToken: null,
      onExpired: (tenant, keyId) => void expired.push(`${tenant} ${keyId}`),
      ...(nowMs === undefined ? {} : { nowMs }),
    });
    return { directory, expired, lasting, passing };
  };

  test("are known until that millisecond, and then only told of to the house", () => {
    let now = 999;
    const { directory, expired, lasting, passing } = open(() => now);
    expect(directory.identify(passing)?.tenant).toBe("alice");
    now = 1_000;
    expect(directory.identify(passing)).toBeNull();
    expect(directory.identify("another-key")).toBeNull();
    expect(expired).toEqual([`alice ${sha256(passing).slice(0, 8)}`]);
    expect(directory.identify(lasting)?.tenant).toBe("alice");
  });

  test("without a clock are no keys", () => {
    const { directory, lasting, passing } = open();
    expect([directory.identify(passing), directory.identify(lasting)?.tenant]).toEqual([null, "alice"]);
  });

  test("all of them expired: the door stays shut", () => {
    const tenants = [{ name: "alice", key: "passing-key", expiresAtMs: 0 }];
    expect(createKeyDirectory({ keys: [], tenants, adminKey: null, stateToken: null }).hasKeys).toBe(true);
  });

  test("fingerprintOfEntry names a written key by the head of its hash", () => {
    expect(fingerprintOfEntry(`sha256:${sha256("passing-key")}`)).toBe(sha256("passing-key").slice(0, 8));
    expect(fingerprintOfEntry("passing-key")).toBe(sha256("passing-key").slice(0, 8));
  });
});
