import { describe, expect, test } from "bun:test";
import { Failure } from "../../src/canon/failure.ts";
import { type AccessOptions, createAccess, type RouteClass } from "../../src/pipeline/access.ts";
import { createDirectory } from "../../src/tenants/directory.ts";
import { createGuesses } from "../../src/tenants/guesses.ts";

type House = { keys?: string[]; adminKey?: string; trustedProxies?: string[] };

function house(config: House = {}) {
  const options: AccessOptions = {
    directory: createDirectory({
      keys: config.keys ?? [],
      adminKey: config.adminKey ?? null,
      stateToken: "token",
    }),
    guesses: createGuesses({ nowMs: () => 0 }),
    trustedProxies: config.trustedProxies ?? [],
  };
  const access = createAccess(options);
  /** "ok", "ok admin", "ok <keyId>", or the kind of the failure. */
  return (routeClass: RouteClass, peer: string | null, headers: Record<string, string> = {}): string => {
    try {
      const caller = access(routeClass, { headers: new Headers(headers), peer: () => peer });
      expect(caller.tenant).toBeNull();
      return ["ok", caller.isAdmin ? "admin" : "", caller.keyId ?? ""]
        .filter((word) => word !== "")
        .join(" ");
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown;
      return thrown.kind;
    }
  };
}

const local = "127.0.0.1";
const remote = "10.0.0.9";
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const keyId = createDirectory({ keys: [], adminKey: null, stateToken: null }).fingerprint("sk-1");

describe("the contract's table", () => {
  const open = {};
  const keyed = { keys: ["sk-1"] };
  const administered = { keys: ["sk-1"], adminKey: "sk-admin" };
  type Row = [House, RouteClass, string | null, Record<string, string>, string];
  const rows: Row[] = [
    [open, "public", remote, {}, "ok"],
    [administered, "public", remote, { "x-forwarded-for": "1.2.3.4" }, "ok"],

    [open, "data", local, {}, "ok"],
    [open, "data", "::1", {}, "ok"],
    [open, "data", "::ffff:127.0.0.1", {}, "ok"],
    [open, "data", local, bearer("anything"), "ok"],
    [open, "data", remote, {}, "forbidden"],
    [open, "data", remote, bearer("anything"), "forbidden"],
    [open, "data", null, {}, "forbidden"],
    [keyed, "data", local, {}, "unauthorized"],
    [keyed, "data", local, bearer("wrong"), "unauthorized"],
    [keyed, "data", local, bearer("sk-1"), `ok ${keyId}`],
    [keyed, "data", remote, bearer("sk-1"), `ok ${keyId}`],
    [keyed, "data", remote, { authorization: "bearer  sk-1 " }, `ok ${keyId}`],
    [keyed, "data", remote, { "x-api-key": "sk-1" }, `ok ${keyId}`],
    [keyed, "data", remote, { ...bearer("wrong"), "x-api-key": "sk-1" }, `ok ${keyId}`],
    [keyed, "data", remote, { ...bearer("sk-1"), "x-api-key": "wrong" }, `ok ${keyId}`],
    [keyed, "data", remote, { authorization: "Basic sk-1" }, "unauthorized"],
    [keyed, "data", remote, { authorization: "Bearer " }, "unauthorized"],
    [keyed, "data", remote, { ...bearer("sk-1"), "x-forwarded-for": "1.2.3.4" }, `ok ${keyId}`],
    [administered, "data", local, bearer("sk-admin"), "unauthorized"],

    [open, "read", local, {}, "ok admin"],
    [open, "read", remote, {}, "forbidden"],
    [open, "read", remote, bearer("token"), "ok admin"],
    [keyed, "read", local, bearer("sk-1"), "ok admin"],
    [keyed, "read", remote, bearer("sk-1"), "forbidden"],
    [keyed, "read", local, { ...bearer("sk-1"), "x-forwarded-for": "1.2.3.4" }, "forbidden"],
    [administered, "read", local, {}, "unauthorized"],
    [administered, "read", local, bearer("sk-1"), "unauthorized"],
    [administered, "read", remote, bearer("sk-admin"), "ok admin"],
    [administered, "read", remote, { "x-api-key": "token" }, "ok admin"],

    [open, "write", local, {}, "unauthorized"],
    [open, "write", local, bearer("token"), "ok admin"],
    [open, "write", local, { "x-api-key": "token" }, "ok admin"],
    [keyed, "write", local, bearer("sk-1"), "unauthorized"],
    [administered, "write", local, {}, "unauthorized"],
    [administered, "write", remote, bearer("sk-admin"), "ok admin"],
    [{ adminKey: " " }, "write", local, bearer(" "), "unauthorized"],
    [{ adminKey: "" }, "read", remote, {}, "forbidden"],
    [{ keys: [""] }, "data", local, {}, "unauthorized"],
  ];
  test.each(rows)("%j: %s from %s with %j: %s", (config, routeClass, peer, headers, expected) => {
    expect(house(config)(routeClass, peer, headers)).toBe(expected);
  });
});

describe("proxies", () => {
  const through = house({ trustedProxies: [local, "10.1.0.0/16"] });

  test.each(["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Whatever"])(
    "a keyless request with %s was not sent from here",
    (name) => {
      for (const routeClass of ["data", "read"] as const) {
        expect(house()(routeClass, local, { [name]: "127.0.0.1" })).toBe("forbidden");
        expect(house()(routeClass, local, { [name]: "" })).toBe("forbidden");
      }
    },
  );

  test.each([
    ["127.0.0.5", "ok"],
    ["1.2.3.4", "forbidden"],
    ["127.0.0.5, 1.2.3.4", "forbidden"],
    ["1.2.3.4, 127.0.0.5", "ok"],
    ["127.0.0.5, 10.1.2.3", "ok"],
    ["1.2.3.4, 10.1.2.3, 10.1.2.4", "forbidden"],
    ["10.1.2.3", "forbidden"],
    ["", "forbidden"],
    ["127.0.0.5,", "forbidden"],
    ["unknown", "forbidden"],
  ])("behind a declared proxy the client is the last undeclared hop: %p is %s", (chain, expected) => {
    expect(through("data", local, { "x-forwarded-for": chain })).toBe(expected);
  });

  test("a declared proxy that names no client vouches for nobody", () => {
    expect(through("data", local, { via: "1.1 proxy" })).toBe("forbidden");
  });

  test("a proxy that is not declared cannot claim to be one", () => {
    expect(through("data", remote, { "x-forwarded-for": "127.0.0.1" })).toBe("forbidden");
  });
});

describe("guessing", () => {
  test("the 21st wrong key of a minute is 429 with a time to wait, and a guesser's right key is not heard either", () => {
    const ask = house({ keys: ["sk-1"] });
    for (let i = 0; i < 20; i++) expect(ask("data", remote, bearer(`guess-${i}`))).toBe("unauthorized");
    expect(ask("data", remote, bearer("guess-20"))).toBe("over-limit");
    expect(ask("data", remote, bearer("sk-1"))).toBe("over-limit");
    expect(ask("data", "10.0.0.10", bearer("sk-1"))).toBe(`ok ${keyId}`);
  });

  test("one stale key does not lock out its neighbours", () => {
    const ask = house({ keys: ["sk-1"] });
    for (let i = 0; i < 30; i++) ask("data", remote, bearer("stale"));
    expect(ask("data", remote, bearer("stale"))).toBe("over-limit");
    expect(ask("data", remote, bearer("sk-1"))).toBe(`ok ${keyId}`);
  });

  test("asking without a key is no guess", () => {
    const ask = house({ keys: ["sk-1"], adminKey: "sk-admin" });
    for (let i = 0; i < 30; i++) expect(ask("data", remote)).toBe("unauthorized");
    expect(ask("data", remote, bearer("wrong"))).toBe("unauthorized");
  });

  test("operator's routes count as well", () => {
    const ask = house({ adminKey: "sk-admin" });
    for (let i = 0; i < 20; i++) expect(ask("write", local, bearer(`guess-${i}`))).toBe("unauthorized");
    expect(ask("read", local, bearer("guess-20"))).toBe("over-limit");
  });

  test("behind a declared proxy the client is blamed, not the proxy", () => {
    const ask = house({ keys: ["sk-1"], trustedProxies: [local] });
    const from = (client: string, key: string) =>
      ask("data", local, { ...bearer(key), "x-forwarded-for": client });
    for (let i = 0; i < 20; i++) from("1.2.3.4", `guess-${i}`);
    expect(from("1.2.3.4", "sk-1")).toBe("over-limit");
    expect(from("5.6.7.8", "sk-1")).toBe(`ok ${keyId}`);
  });
});
