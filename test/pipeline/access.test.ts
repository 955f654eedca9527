import { describe, expect, test } from "bun:test";
import { Failure } from "../../src/canon/failure.ts";
import { type AccessOptions, createAccess, type RouteClass } from "../../src/pipeline/access.ts";
import { createKeyDirectory, fingerprintOfEntry } from "../../src/tenants/key-directory.ts";
import { createGuessLimiter } from "../../src/tenants/guess-limiter.ts";

type AccessConfig = { keys?: string[]; adminKey?: string; trustedProxies?: string[] };

function accessOf(config: AccessConfig) {
  const options: AccessOptions = {
    directory: createKeyDirectory({
      keys: config.keys ?? [],
      adminKey: config.adminKey ?? null,
      stateToken: "token",
    }),
    guessLimiter: createGuessLimiter({ nowMs: () => 0, maxHeld: 10_000 }),
    trustedProxies: config.trustedProxies ?? [],
  };
  return createAccess(options);
}

function accessWith(config: AccessConfig = {}) {
  const access = accessOf(config);
  /** "ok", "ok admin", "ok <keyId>", or the kind of the failure, with ", later" when it is kept back. */
  return (routeClass: RouteClass, peer: string | null, headers: Record<string, string> = {}): string => {
    try {
      const caller = access(routeClass, { headers: new Headers(headers), peer: () => peer });
      expect(caller.tenant).toBeNull();
      return ["ok", caller.isAdmin ? "admin" : "", caller.keyId ?? ""]
        .filter((word) => word !== "")
        .join(" ");
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown;
      return thrown.holdMs > 0 ? `${thrown.kind}, later` : thrown.kind;
    }
  };
}

const local = "127.0.0.1";
const remote = "10.0.0.9";
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const keyId = fingerprintOfEntry("sk-1");

describe("read access, which refuses no caller", () => {
  const look = (config: AccessConfig, peer: string | null, headers: Record<string, string> = {}) =>
    accessOf(config).readAccess({ headers: new Headers(headers), peer: () => peer }).mayRead;
  const keyed = { keys: ["sk-1"], adminKey: "sk-admin" };
  type Row = readonly [string, AccessConfig, string | null, Record<string, string>, boolean];
  const rows: Row[] = [
    ["no admin key: this machine", {}, local, {}, true],
    ["no admin key: this machine with a client's key", { keys: ["sk-1"] }, local, bearer("sk-1"), true],
    ["no admin key: another machine", {}, remote, {}, false],
    ["no admin key: nobody knows from where", {}, null, {}, false],
    ["no admin key: through a proxy of this machine", {}, local, { "x-forwarded-for": remote }, false],
    ["no admin key: through a tunnel", {}, local, { via: "1.1 tunnel" }, false],
    ["the token of the state directory", {}, remote, bearer("token"), true],
    ["admin key: nothing sent, this machine", keyed, local, {}, false],
    ["admin key: the key", keyed, remote, { "x-clawgate-key": "sk-admin" }, true],
    [
      "admin key: the key beside a client's",
      keyed,
      remote,
      { ...bearer("sk-1"), "x-api-key": "sk-admin" },
      true,
    ],
    ["admin key: a client's key", keyed, local, bearer("sk-1"), false],
    ["admin key: a wrong one", keyed, local, bearer("wrong"), false],
  ];
  test.each(rows)("%s", (_, config, peer, headers, mayRead) =>
    expect(look(config, peer, headers)).toBe(mayRead),
  );

  test("wrong keys are guesses here too, and slowed; a client's own key is none", () => {
    const access = accessOf(keyed);
    const holdOf = (key: string): number =>
      access.readAccess({ headers: new Headers(bearer(key)), peer: () => remote }).holdMs;
    for (let i = 0; i < 200; i++) expect(holdOf("sk-1")).toBe(0);
    const holds = Array.from({ length: 40 }, (_, at) => holdOf(`guess-${at}`));
    expect(holds[0]).toBe(0);
    expect(holds.at(-1)).toBeGreaterThan(0);
    expect(holdOf("sk-1")).toBe(0);
    expect(holdOf("sk-admin")).toBe(0);
  });
});

describe("the table of access", () => {
  const open = {};
  const keyed = { keys: ["sk-1"] };
  const administered = { keys: ["sk-1"], adminKey: "sk-admin" };
  type Row = [AccessConfig, RouteClass, string | null, Record<string, string>, string];
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
    [keyed, "data", local, { ...bearer("a vendor's"), "x-clawgate-key": "sk-1" }, `ok ${keyId}`],
    [keyed, "data", local, { "x-clawgate-key": "wrong" }, "unauthorized"],
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
    expect(accessWith(config)(routeClass, peer, headers)).toBe(expected);
  });
});

describe("proxies", () => {
  const through = accessWith({ trustedProxies: [local, "10.1.0.0/16"] });

  test.each(["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Whatever"])(
    "a keyless request with %s was not sent from here",
    (name) => {
      for (const routeClass of ["data", "read"] as const) {
        expect(accessWith()(routeClass, local, { [name]: "127.0.0.1" })).toBe("forbidden");
        expect(accessWith()(routeClass, local, { [name]: "" })).toBe("forbidden");
      }
    },
  );

  test.each([
    "X-Fwd-For Teleport-Jwt-Assertion X-Authenticated-Userid X-Vouch-User X-Real-IP CF-Connecting-IP True-Client-IP X-Client-IP Fly-Client-IP",
    "X-Envoy-External-Address X-Cluster-Client-IP X-Original-Forwarded-For X-Original-Host",
    "X-AppEngine-User-IP Fastly-Client-IP CF-Ray CF-Visitor CDN-Loop X-Azure-ClientIP",
    "X-ARR-Log-Id X-Amz-Cf-Id X-Amzn-Trace-Id X-Vercel-Id X-NF-Client-Connection-IP",
    "Ngrok-Trace-Id Tailscale-User-Login X-ProxyUser-Ip X-Remote-Addr X-Remote-IP",
    "WL-Proxy-Client-IP Proxy-Client-IP X-Proxy-Id Proxy-Connection X-Forwarded",
    "X-Original-URL X-Rewrite-URL Client-IP X-HTTP-Host-Override Forwarded-For X_Real_IP",
    "Remote-User X-SSL-Client-Cert X-Auth-Request-User X-Varnish L5d-Client-Id X-Kong-Request-Id",
  ])("a keyless request with one of %s was not sent from here", (names) => {
    for (const name of names.split(" ")) {
      for (const routeClass of ["data", "read"] as const)
        expect(`${name} ${accessWith()(routeClass, local, { [name]: "127.0.0.1" })}`).toBe(
          `${name} forbidden`,
        );
      // Whoever has a key may come through whatever it likes.
      expect(accessWith({ keys: ["sk-1"] })("data", local, { ...bearer("sk-1"), [name]: "1" })).toBe(
        `ok ${keyId}`,
      );
    }
  });

  test("the refusal names the header and the ways out", () => {
    const access = createAccess({
      directory: createKeyDirectory({ keys: [], adminKey: null, stateToken: null }),
      guessLimiter: createGuessLimiter({ nowMs: () => 0 }),
      trustedProxies: [],
    });
    const ask = (name: string) => () =>
      access("data", { headers: new Headers({ [name]: "x" }), peer: () => local });
    expect(ask("CF-Connecting-IP")).toThrow(/cf-connecting-ip.*auth\.keys.*trusted_proxies/);
    expect(ask(`X-Proxy-${"a".repeat(10_000)}`)).toThrow(/^.{1,400}$/);
  });

  test("what SDKs, browsers and tracers send stays welcome", () => {
    const headers = Object.fromEntries(
      [
        "Accept Accept-Encoding Accept-Language Authorization Cache-Control Connection Cookie Expect Origin",
        "Referer User-Agent TE DNT Priority Sec-Fetch-Mode Sec-CH-UA Upgrade-Insecure-Requests X-Requested-With",
        "X-API-Key X-Goog-API-Key X-Goog-API-Client X-Goog-User-Project Anthropic-Version Anthropic-Beta X-App",
        "Anthropic-Dangerous-Direct-Browser-Access OpenAI-Organization OpenAI-Beta OpenAI-Project API-Key",
        "X-Stainless-Lang X-Stainless-Retry-Count X-Stainless-Timeout X-Client-Request-Id X-Request-Id Request-Id",
        "Session-Id Session_Id Thread-Id X-Session-Id X-Session-Affinity X-Claude-Code-Session-Id X-Codex-Window-Id",
        "X-Codex-Turn-Metadata Originator Traceparent Tracestate Baggage B3 X-B3-TraceId Sentry-Trace HTTP-Referer",
        "X-Title X-OpenRouter-Title Helicone-Auth X-Portkey-Provider X-ClawGate-Tags X-ClawGate-Fallback",
        "X-Amz-Date X-Amz-Security-Token X-MS-Client-Request-Id X-MS-UserAgent X-HTTP-Method-Override",
        "X-Initiator Editor-Version Idempotency-Key X-Correlation-Id CF-AIG-Authorization X-User-Id Max-Forwards",
      ]
        .join(" ")
        .split(" ")
        .map((name) => [name, "value"]),
    );
    for (const name of Object.keys(headers))
      expect(`${name} ${accessWith()("data", local, { [name]: "value" })}`).toBe(`${name} ok`);
    expect(accessWith()("data", local, headers)).toBe("ok");
  });

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
  const guess = (ask: ReturnType<typeof accessWith>, routeClass: RouteClass, address: string, times = 20) =>
    Array.from({ length: times }, (_, i) => ask(routeClass, address, bearer(`guess-${i}`)));

  test("the 21st wrong key of a minute hears the same, but later; one stale key counts like many", () => {
    const ask = accessWith({ keys: ["sk-1"] });
    expect(new Set(guess(ask, "data", remote))).toEqual(new Set(["unauthorized"]));
    expect(ask("data", remote, bearer("guess-20"))).toBe("unauthorized, later");
    expect(ask("data", "10.0.0.10", bearer("guess"))).toBe("unauthorized");
    for (let i = 0; i < 20; i++) ask("data", "10.0.0.11", bearer("stale"));
    expect(ask("data", "10.0.0.11", bearer("stale"))).toBe("unauthorized, later");
  });

  test.each(["data", "read", "write"] as const)(
    "a right secret is never held back: guesses at %s",
    (where) => {
      const ask = accessWith({ keys: ["sk-1"], adminKey: "sk-admin" });
      guess(ask, where, remote, 500);
      expect(ask(where, remote, bearer("guess"))).toBe("unauthorized, later");
      for (let i = 0; i < 50; i++) {
        expect(ask("data", remote, bearer("sk-1"))).toBe(`ok ${keyId}`);
        for (const secret of ["sk-admin", "token"])
          for (const routeClass of ["read", "write"] as const)
            expect(ask(routeClass, remote, bearer(secret))).toBe("ok admin");
        // Right ones forgive nothing either.
        expect(ask("read", remote, bearer("guess"))).toBe("unauthorized, later");
      }
      expect(ask("data", remote, { ...bearer("guess"), "x-api-key": "sk-1" })).toBe(`ok ${keyId}`);
    },
  );

  test("asking without a key is no guess, and hears 401 whatever its neighbours do", () => {
    const ask = accessWith({ keys: ["sk-1"], adminKey: "sk-admin" });
    for (let i = 0; i < 30; i++) expect(ask("data", remote)).toBe("unauthorized");
    expect(ask("data", remote, bearer("wrong"))).toBe("unauthorized");
    guess(ask, "data", remote, 50);
    for (const routeClass of ["data", "read", "write"] as const)
      expect(ask(routeClass, remote)).toBe("unauthorized");
  });

  test("operator's routes count as well", () => {
    const ask = accessWith({ adminKey: "sk-admin" });
    guess(ask, "write", local);
    expect(ask("read", local, bearer("guess-20"))).toBe("unauthorized, later");
  });

  test("an expired key counts as a wrong one", () => {
    const access = createAccess({
      directory: createKeyDirectory({
        keys: [],
        tenants: [{ name: "old", key: "sk-old", expiresAtMs: 1 }],
        nowMs: () => 2,
        adminKey: null,
        stateToken: null,
      }),
      guessLimiter: createGuessLimiter({ nowMs: () => 0 }),
      trustedProxies: [],
    });
    const ask = () => access("data", { headers: new Headers(bearer("sk-old")), peer: () => remote });
    const holdOf = (): number => {
      try {
        ask();
      } catch (thrown) {
        if (thrown instanceof Failure && thrown.kind === "unauthorized") return thrown.holdMs;
      }
      return Number.NaN;
    };
    for (let i = 0; i < 20; i++) expect(holdOf()).toBe(0);
    expect(holdOf()).toBe(1_000);
  });

  test("behind a declared proxy the client is blamed, not the proxy", () => {
    const ask = accessWith({ keys: ["sk-1"], trustedProxies: [local] });
    const from = (client: string, key: string) =>
      ask("data", local, { ...bearer(key), "x-forwarded-for": client });
    // Some proxies write the port, which is another one with every connection.
    for (let i = 0; i < 20; i++) from(i % 2 === 0 ? "1.2.3.4" : `1.2.3.4:${40_000 + i}`, `guess-${i}`);
    expect(from("1.2.3.4", "guess")).toBe("unauthorized, later");
    expect(from("1.2.3.4", "sk-1")).toBe(`ok ${keyId}`);
    expect(from("5.6.7.8", "guess")).toBe("unauthorized");
  });
});

describe("the word that names a client where no key is asked for", () => {
  const clientOf = (headers: Record<string, string>, leavesBearer: boolean): string | undefined => {
    const access = createAccess({
      directory: createKeyDirectory({ keys: [], adminKey: null, stateToken: null }),
      guessLimiter: createGuessLimiter({ nowMs: () => 0 }),
      trustedProxies: [],
      leavesBearer,
    });
    return access("data", { headers: new Headers(headers), peer: () => local }).client;
  };

  test("is read in every place of a key", () => {
    expect(clientOf(bearer("clawgate-codex"), false)).toBe("codex");
    expect(clientOf({ "x-api-key": "clawgate-zed" }, false)).toBe("zed");
    expect(clientOf({ ...bearer("another"), "x-clawgate-key": "clawgate-aider" }, false)).toBe("aider");
  });

  test("is not looked for in a bearer token while callers' own sign-ins are passed on", () => {
    expect(clientOf(bearer("clawgate-codex"), true)).toBeUndefined();
    expect(clientOf({ ...bearer("own"), "x-clawgate-key": "clawgate-claude-code" }, true)).toBe(
      "claude-code",
    );
  });
});
