// What a session may spend: reserved before, settled after, remembered although memory is bounded.

import { describe, expect, test } from "bun:test";
import { type SessionHold, SessionSpending } from "../../src/tenants/session-spending.ts";

function open(maxSessions?: number) {
  const changed: string[] = [];
  const forgotten: string[] = [];
  const sessions = new SessionSpending({
    onChange: (key) => void changed.push(key),
    onForgotten: (key) => void forgotten.push(key),
    ...(maxSessions === undefined ? {} : { maxSessions }),
  });
  const hold = (key: string | null, named: number | null, tenant: number | null = null): SessionHold => {
    const held = sessions.hold(key, { named, tenant });
    if (held === null) throw new Error("nothing limits it");
    return held;
  };
  return { sessions, hold, changed, forgotten };
}

describe("a session's cap", () => {
  test("costs nothing where there is none", () => {
    const { sessions } = open();
    expect(sessions.hold("a:1", { named: null, tenant: null })).toBeNull();
    expect(sessions.hold(null, { named: null, tenant: null })).toBeNull();
  });

  test("lets one answer go beyond it, and nothing after that", () => {
    const { hold } = open();
    const first = hold("a:1", 100);
    expect(first.reserve(80, false)).toBeNull();
    first.charge(60);
    const second = hold("a:1", 100);
    expect(second.usedUp()).toBeNull();
    // A single request may have the rest.
    expect(second.reserve(500, false)).toBeNull();
    second.charge(70);
    const third = hold("a:1", 100);
    expect(third.usedUp()?.what).toContain("session");
    expect(third.reserve(1, false)?.why).toBe("used-up");
    // What costs nothing still passes.
    expect(third.reserve(0, false)).toBeNull();
  });

  test("parallel requests never reserve more than is left", () => {
    const { hold } = open();
    const holds = Array.from({ length: 10 }, () => hold("a:1", 100));
    const refusals = holds.map((each) => each.reserve(30, false)?.why ?? "granted");
    expect(refusals.filter((why) => why === "granted")).toHaveLength(3);
    expect(new Set(refusals)).toEqual(new Set(["granted", "taken"]));
    for (const each of holds) each.charge(0);
    expect(hold("a:1", 100).reserve(100, false)).toBeNull();
  });

  test("can only be lowered, by whichever request comes", () => {
    const { hold, sessions } = open();
    hold("a:1", 100).charge(90);
    expect(hold("a:1", 1_000).reserve(50, false)).toBeNull();
    hold("a:1", 1_000).charge(20);
    expect(hold("a:1", 1_000).reserve(1, false)?.why).toBe("used-up");
    // Nor does a request that names none get around it.
    expect(sessions.hold("a:1", { named: null, tenant: null })?.reserve(1, false)?.why).toBe("used-up");
    expect(hold("a:2", 100).reserve(1, false)).toBeNull();
  });

  test("of the tenant and of the header: the lower one; beyond the budget only the client's own", () => {
    const { hold } = open();
    const both = hold("a:1", 50, 100);
    expect(both.reserve(60, false)).toBeNull();
    both.charge(55);
    expect(hold("a:1", null, 100).reserve(10, false)?.why).toBe("used-up");
    expect(hold("a:1", null, 100).reserve(10, true)?.why).toBe("used-up");
    const tenants = hold("a:2", null, 100);
    tenants.charge(100);
    expect(hold("a:2", null, 100).reserve(10, false)?.why).toBe("used-up");
    expect(hold("a:2", null, 100).reserve(10, true)).toBeNull();
  });

  test("without a session is the request's own, to the last dollar", () => {
    const { hold, changed } = open();
    expect(hold(null, 100).reserve(101, false)?.why).toBe("too-dear");
    const fits = hold(null, 100);
    expect(fits.reserve(100, false)).toBeNull();
    fits.charge(100);
    expect(hold(null, 100).reserve(100, false)).toBeNull();
    expect(changed).toEqual([]);
  });
});

describe("the memory of sessions", () => {
  test("is bounded, and inventing sessions does not make it forget what one has spent", () => {
    const { hold, sessions, forgotten } = open(100);
    hold("a:spender", 100).charge(150);
    for (let made = 0; made < 10_000; made++) hold(`a:${made}`, 100).charge(1);
    expect(hold("a:spender", 100).reserve(1, false)?.why).toBe("used-up");
    expect(forgotten).toHaveLength(9_901);
    expect(sessions.saved("a:0")).toBeNull();
  });

  test("keeps a session whose request is running", () => {
    const { hold, sessions } = open(2);
    const running = hold("a:1", 100);
    running.reserve(10, false);
    for (let made = 0; made < 50; made++) hold(`b:${made}`, 100).charge(20);
    running.charge(10);
    expect(sessions.saved("a:1")).toEqual({ key: "a:1", nanoUsd: 10, capNanoUsd: 100 });
  });

  test("goes on where an earlier process stopped", () => {
    const before = open();
    before.hold("a:1", 100).charge(100);
    const saved = before.sessions.saved("a:1");
    if (saved === null) throw new Error("it was forgotten");
    const after = open();
    after.sessions.restore(saved);
    expect(after.sessions.hold("a:1", { named: null, tenant: null })?.usedUp()?.what).toContain("session");
  });
});
