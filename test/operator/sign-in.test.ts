// Signing in on the dashboard, on the whole app: key, code, cookie, what the cookie may do and from where, and the audit of it.

import { describe, expect, test } from "bun:test";
import { cleanupsAfterEach } from "../support/cleanups.ts";
import { fakeClock } from "../support/clock.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";

const cleanups = cleanupsAfterEach();
const adminKey = "admin-key-0123456789";
const providers = { demo: { backend: "demo" } };
const json = { "content-type": "application/json" };

const open = async (
  config: object = { auth: { admin_key: adminKey } },
  clock?: ReturnType<typeof fakeClock>,
) =>
  cleanups.stopAtEnd(
    await startTestGateway({ config: { providers, ...config }, ...(clock === undefined ? {} : { clock }) }),
  );

const post = (gateway: TestGateway, path: string, headers: Record<string, string>, body?: object) =>
  fetch(gateway.url + path, {
    method: "POST",
    headers: { ...json, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
const signIn = (gateway: TestGateway, body: object, headers: Record<string, string> = {}) =>
  post(gateway, "/api/session", headers, body);

function cookieOf(answer: Response): string {
  return (answer.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
}
async function signedIn(gateway: TestGateway, body: object = { key: adminKey }): Promise<string> {
  const answer = await signIn(gateway, body);
  expect(answer.status).toBe(200);
  return cookieOf(answer);
}
const makeCode = async (gateway: TestGateway): Promise<string> => {
  const answer = await post(gateway, "/api/session/code", { authorization: `Bearer ${gateway.token()}` });
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { code: string }).code;
};
const read = (
  gateway: TestGateway,
  cookie: string,
  path = "/api/live",
  headers: Record<string, string> = {},
) => fetch(gateway.url + path, { headers: { cookie, ...headers } });
const stateOf = async (gateway: TestGateway, headers: Record<string, string> = {}): Promise<unknown> =>
  (await fetch(`${gateway.url}/api/session`, { headers })).json();
const audit = async (gateway: TestGateway): Promise<{ action: string; actor: string; detail: string }[]> => {
  const answer = await fetch(`${gateway.url}/api/audit?limit=500`, {
    headers: { authorization: `Bearer ${gateway.token()}` },
  });
  return ((await answer.json()) as { entries: { action: string; actor: string; detail: string }[] }).entries;
};
const ownPage = (gateway: TestGateway): Record<string, string> => ({ origin: gateway.url });

describe("the cookie", () => {
  test("comes with the admin key, and only with that", async () => {
    const gateway = await open();
    const right = await signIn(gateway, { key: adminKey });
    expect(right.headers.get("set-cookie")).toMatch(
      /^clawgate_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/,
    );
    expect(await right.json()).toEqual({
      signed_in: true,
      can_read: true,
      can_write: true,
      has_admin_key: true,
      expires_ms: expect.any(Number),
    });
    for (const key of ["wrong", `${adminKey}x`, `sha256:${"0".repeat(64)}`]) {
      const wrong = await signIn(gateway, { key });
      expect([wrong.status, wrong.headers.get("set-cookie")]).toEqual([401, null]);
      expect(await wrong.text()).not.toContain(key);
    }
  });

  test.each([
    ["nothing", {}],
    ["both", { key: adminKey, code: "AAAA-AAAA" }],
    ["something else", { key: adminKey, more: 1 }],
    ["a key that is no text", { key: [adminKey] }],
    ["an empty key", { key: "" }],
  ])("%s: 400, without what was sent", async (_name, body) => {
    const answer = await signIn(await open(), body);
    expect(answer.status).toBe(400);
    expect(await answer.text()).not.toContain(adminKey);
  });

  test("no JSON, a form, too much", async () => {
    const gateway = await open();
    const ask = async (body: string, type: string) =>
      (await fetch(`${gateway.url}/api/session`, { method: "POST", headers: { "content-type": type }, body }))
        .status;
    expect(await ask("{", "application/json")).toBe(400);
    expect(await ask(`key=${adminKey}`, "application/x-www-form-urlencoded")).toBe(415);
    expect(await ask(JSON.stringify({ key: "x".repeat(5_000) }), "application/json")).toBe(413);
  });

  test("reads and writes what the operator may, and is no client's key", async () => {
    const gateway = await open({ auth: { admin_key: adminKey, keys: ["client-key-0123456789"] } });
    const cookie = await signedIn(gateway);
    for (const path of ["/api/live", "/api/stats", "/api/config", "/metrics", "/api/audit"]) {
      expect([path, (await read(gateway, "")).status, (await read(gateway, cookie, path)).status]).toEqual([
        path,
        401,
        200,
      ]);
    }
    expect((await read(gateway, cookie, "/v1/models")).status).toBe(401);
    const reset = await post(gateway, "/api/providers/demo/reset", { cookie, ...ownPage(gateway) });
    expect(reset.status).toBe(200);
    const state = { signed_in: true, can_read: true, can_write: true };
    expect(await stateOf(gateway, { cookie })).toMatchObject(state);
    expect(await stateOf(gateway)).toEqual({
      signed_in: false,
      can_read: false,
      can_write: false,
      has_admin_key: true,
      expires_ms: null,
    });
  });

  test("a request with a key is judged by its key", async () => {
    const gateway = await open();
    const cookie = await signedIn(gateway);
    expect((await read(gateway, cookie, "/api/live", { authorization: "Bearer wrong" })).status).toBe(401);
  });

  test("without an admin key a page on this machine reads, and the code lets it write", async () => {
    const gateway = await open({});
    expect(await stateOf(gateway)).toMatchObject({
      signed_in: false,
      can_read: true,
      can_write: false,
      has_admin_key: false,
    });
    expect((await post(gateway, "/api/providers/demo/reset", ownPage(gateway))).status).toBe(401);
    const cookie = await signedIn(gateway, { code: await makeCode(gateway) });
    expect((await post(gateway, "/api/providers/demo/reset", { cookie, ...ownPage(gateway) })).status).toBe(
      200,
    );
  });

  test("ends after 12 hours, when it is signed out, and with a change of the admin key, for good", async () => {
    const clock = fakeClock();
    const gateway = await open({ auth: { admin_key: adminKey } }, clock);
    const cookies = [await signedIn(gateway), await signedIn(gateway)] as const;
    const signOut = await fetch(`${gateway.url}/api/session`, {
      method: "DELETE",
      headers: { cookie: cookies[0], ...ownPage(gateway) },
    });
    expect([signOut.status, signOut.headers.get("set-cookie")]).toEqual([
      204,
      expect.stringContaining("Max-Age=0"),
    ]);
    expect((await read(gateway, cookies[0])).status).toBe(401);
    expect((await read(gateway, cookies[1])).status).toBe(200);
    for (const admin_key of ["another-key-0123456789", adminKey]) {
      gateway.write({ providers, auth: { admin_key } });
      await gateway.app.reload("file");
      expect((await read(gateway, cookies[1])).status).toBe(401);
    }
    const third = await signedIn(gateway);
    await clock.advance(12 * 3_600_000 - 1);
    expect((await read(gateway, third)).status).toBe(200);
    await clock.advance(1);
    expect((await read(gateway, third)).status).toBe(401);
  });

  test("an old cookie is no guess: its page is never slowed down", async () => {
    const gateway = await open();
    const started = performance.now();
    for (let i = 0; i < 60; i++) await (await read(gateway, `clawgate_session=${"a".repeat(43)}`)).text();
    expect(performance.now() - started).toBeLessThan(15_000);
  });

  test.each([
    ["among others", (own: string) => `a=b; ${own}; c=d`, 200],
    ["behind a false one", (own: string) => `clawgate_session=${"b".repeat(43)}; ${own}`, 200],
    [
      "behind a crowd of false ones",
      (own: string) => `${`clawgate_session=${"b".repeat(43)}; `.repeat(50)}${own}`,
      401,
    ],
    ["cut off", (own: string) => own.slice(0, -1), 401],
    ["under another name", (own: string) => `x${own}`, 401],
  ])("%s", async (_name, header, status) => {
    const gateway = await open();
    expect((await read(gateway, header(await signedIn(gateway)))).status).toBe(status);
  });

  test("is marked Secure when a trusted proxy speaks https with the browser, and only then", async () => {
    const cookieWith = async (trusted_proxies: string[], proto: string) => {
      const gateway = await open({ auth: { admin_key: adminKey }, server: { trusted_proxies } });
      const answer = await signIn(
        gateway,
        { key: adminKey },
        { "x-forwarded-proto": proto, "x-forwarded-for": "10.0.0.1" },
      );
      return answer.headers.get("set-cookie") ?? "";
    };
    expect(await cookieWith(["127.0.0.1"], "https")).toEndWith("; Secure");
    expect(await cookieWith(["127.0.0.1"], "http")).not.toContain("Secure");
    expect(await cookieWith([], "https")).not.toContain("Secure");
  });
});

describe("a change by the cookie", () => {
  const cases: readonly (readonly [string, (url: string) => Record<string, string>, number])[] = [
    ["from our own page", (url) => ({ origin: url, "sec-fetch-site": "same-origin" }), 200],
    ["without an origin, but the browser says it is ours", () => ({ "sec-fetch-site": "same-origin" }), 200],
    ["from nowhere", () => ({}), 403],
    ["from another port of this machine", () => ({ origin: "http://127.0.0.1:1" }), 403],
    [
      "from our own page behind a proxy that gives us another Host",
      () => ({ origin: "https://app.example", "sec-fetch-site": "same-origin" }),
      200,
    ],
    [
      "from a foreign origin, whatever it says",
      () => ({ origin: "https://evil.example", "sec-fetch-site": "same-origin" }),
      403,
    ],
    ["from an allowed origin", () => ({ origin: "https://app.example" }), 403],
    ["from a sandboxed page", () => ({ origin: "null" }), 403],
    ["of the same site", () => ({ "sec-fetch-site": "same-site" }), 403],
    [
      "with an origin that the browser contradicts",
      (url) => ({ origin: url, "sec-fetch-site": "cross-site" }),
      403,
    ],
  ];
  test.each(cases)("%s", async (_name, headersOf, status) => {
    const gateway = await open({
      auth: { admin_key: adminKey },
      server: { allowed_origins: ["https://app.example"] },
    });
    const cookie = await signedIn(gateway);
    const headers = { cookie, ...headersOf(gateway.url) };
    expect((await post(gateway, "/api/providers/demo/reset", headers)).status).toBe(status);
    const signOut = await fetch(`${gateway.url}/api/session`, { method: "DELETE", headers });
    expect(signOut.status).toBe(status === 200 ? 204 : 403);
    const resets = (await audit(gateway)).filter(({ action }) => action === "provider.reset");
    expect(resets.length).toBe(status === 200 ? 1 : 0);
  });

  test("needs no origin with the key", async () => {
    const gateway = await open();
    const headers = { authorization: `Bearer ${adminKey}` };
    expect((await post(gateway, "/api/providers/demo/reset", headers)).status).toBe(200);
  });
});

describe("the one-time code", () => {
  test("is typed in any way, holds once, and the next one replaces it", async () => {
    const gateway = await open();
    const first = await makeCode(gateway);
    expect(first).toMatch(/^[2-9A-HJKMNP-Z]{4}-[2-9A-HJKMNP-Z]{4}$/);
    const second = await makeCode(gateway);
    expect((await signIn(gateway, { code: first })).status).toBe(401);
    expect((await signIn(gateway, { code: ` ${second.toLowerCase().replace("-", " ")}` })).status).toBe(200);
    expect((await signIn(gateway, { code: second })).status).toBe(401);
  });

  test("is dead after two minutes, and after five wrong tries", async () => {
    const clock = fakeClock();
    const gateway = await open({ auth: { admin_key: adminKey } }, clock);
    const late = await makeCode(gateway);
    await clock.advance(120_000);
    expect((await signIn(gateway, { code: late })).status).toBe(401);
    const guessed = await makeCode(gateway);
    for (let i = 0; i < 4; i++) await signIn(gateway, { code: "AAAA-AAAA" });
    expect((await signIn(gateway, { code: guessed })).status).toBe(200);
    const dead = await makeCode(gateway);
    for (let i = 0; i < 5; i++) await signIn(gateway, { code: "AAAA-AAAA" });
    expect((await signIn(gateway, { code: dead })).status).toBe(401);
  });

  test("is made with a key, never by a session, and not by everybody on this machine", async () => {
    const gateway = await open();
    const cookie = await signedIn(gateway);
    expect((await post(gateway, "/api/session/code", { cookie, ...ownPage(gateway) })).status).toBe(403);
    expect((await post(gateway, "/api/session/code", {})).status).toBe(401);
    expect((await post(gateway, "/api/session/code", { authorization: `Bearer ${adminKey}` })).status).toBe(
      200,
    );
  });

  test("who guesses is slowed down", async () => {
    const gateway = await open();
    const tookMs: number[] = [];
    for (let i = 0; i < 21; i++) {
      const started = performance.now();
      await (await signIn(gateway, { code: "AAAA-AAAA" })).text();
      tookMs.push(performance.now() - started);
    }
    expect(tookMs.at(-1)).toBeGreaterThan(900);
  });
});

describe("the audit", () => {
  test("tells who did what, without any key", async () => {
    const gateway = await open();
    const cookie = await signedIn(gateway);
    await signIn(gateway, { key: "wrong-key-in-the-audit" });
    await post(gateway, "/api/providers/demo/reset", { cookie, ...ownPage(gateway) });
    await post(gateway, "/api/providers/demo/test", { authorization: `Bearer ${adminKey}` });
    await post(gateway, "/api/reload", { authorization: `Bearer ${gateway.token()}` });
    gateway.write({ providers, auth: { admin_key: adminKey }, default_model: "demo" });
    await gateway.app.reload("file");
    gateway.write("providers: [");
    await gateway.app.reload("signal");
    const code = await makeCode(gateway);
    const seen = (await audit(gateway)).map(({ actor, action, detail }) => [actor, action, detail]);
    expect(seen).toEqual([
      ["run token", "session.code", ""],
      ["signal", "config.reload", expect.stringMatching(/^not valid: \d+ problem/)],
      ["file", "config.reload", "changed: default_model"],
      ["run token", "config.reload", "nothing changed"],
      [expect.stringMatching(/^admin key [0-9a-f]{8}$/), "provider.test", ""],
      ["session", "provider.reset", ""],
      ["nobody", "session.refused", "by key"],
      [expect.stringMatching(/^admin key [0-9a-f]{8}$/), "session.sign_in", "by key"],
    ]);
    const everything = JSON.stringify(await audit(gateway)) + gateway.log.join("\n");
    for (const secret of [
      adminKey,
      gateway.token(),
      cookie.split("=")[1] ?? "",
      code,
      "wrong-key-in-the-audit",
    ])
      expect(everything).not.toContain(secret);
  });

  test("is paged, and refused sign-ins push out nothing", async () => {
    const gateway = await open();
    for (let i = 0; i < 7; i++) gateway.app.services.audit.note(event(`provider-${i}`));
    for (let i = 0; i < 30; i++)
      gateway.app.services.audit.note({ ...event(""), actor: "nobody", action: "session.refused" });
    const seen: string[] = [];
    let cursor: string | null = "";
    for (let pages = 0; cursor !== null && pages < 20; pages++) {
      const query: string = cursor === "" ? "" : `&cursor=${cursor}`;
      const answer = await fetch(`${gateway.url}/api/audit?limit=3${query}`, {
        headers: { authorization: `Bearer ${adminKey}` },
      });
      const page = (await answer.json()) as {
        entries: { subject: string; action: string }[];
        next: string | null;
      };
      seen.push(...page.entries.map(({ subject, action }) => subject || action));
      cursor = page.next;
    }
    expect(seen.slice(-7)).toEqual([6, 5, 4, 3, 2, 1, 0].map((at) => `provider-${at}`));
    expect(seen.filter((each) => each === "session.refused").length).toBeLessThanOrEqual(20);
    for (const limit of ["0", "501", "x"])
      expect((await read(gateway, await signedIn(gateway), `/api/audit?limit=${limit}`)).status).toBe(400);
  });
});

const event = (subject: string) =>
  ({ actor: "session", address: "127.0.0.1", action: "provider.reset", subject, detail: "" }) as const;
