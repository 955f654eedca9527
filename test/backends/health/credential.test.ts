// What is learned of several keys of one provider, how it is checked again, and what of it is kept.

import { describe, expect, test } from "bun:test";
import { createHealthTracker } from "../../../src/backends/health/health-tracker.ts";
import { type PersistedState, readPersistedState } from "../../../src/backends/health/persisted-state.ts";
import { Failure, type FailureDetail, type FailureKind } from "../../../src/canon/failure.ts";

const minute = 60_000;
const hour = 60 * minute;

function trackerForTest(ids: readonly string[] = ["aaaa", "bbbb"], startMs = 1_000_000) {
  let now = startMs;
  let changes = 0;
  const alarms: string[] = [];
  const tracker = createHealthTracker({
    settings: () => ({ ejectAfter: 5, openMs: 30_000 }),
    nowMs: () => now,
    redact: (text) => text,
    alarm: (_provider, message) => void alarms.push(message),
    changed: () => void (changes += 1),
  });
  tracker.register("p", ids);
  return {
    tracker,
    alarms,
    changes: () => changes,
    now: () => now,
    advance: (ms: number) => void (now += ms),
    fail: (kind: FailureKind, credential: string, detail: FailureDetail = {}, model = "m") =>
      tracker.failed("p", model, new Failure(kind, "it broke", detail), credential),
    succeed: (credential: string, latencyMs = 0, model = "m") =>
      tracker.succeeded("p", model, latencyMs, credential),
    go: (model = "m") => tracker.judge("p", model).go,
    pick: (session: string | null = null, tried: readonly string[] = [], model = "m") =>
      tracker.pickCredential("p", model, session, tried),
    /** What a request does: the key it got, and whether it is the probe. */
    send(session: string | null = null, model = "m") {
      const credential = tracker.pickCredential("p", model, session, []);
      return { credential, isProbe: tracker.attemptStarted("p", model, credential) };
    },
    kept: () => tracker.persistedStates("p"),
    state: (id: string) => tracker.view("p").credentials.find((each) => each.id === id),
  };
}

describe("which key", () => {
  test("the one that rested longest", () => {
    const { send } = trackerForTest(["a", "b", "c"]);
    const seen = Array.from({ length: 6 }, () => send().credential);
    expect(seen).toEqual(["a", "b", "c", "a", "b", "c"]);
  });

  test("a session has one of its own, and only the sessions of a lost key move", () => {
    const { pick, fail } = trackerForTest(["a", "b", "c", "d"]);
    const sessions = Array.from({ length: 400 }, (_, i) => `s-${i}`);
    const before = sessions.map((session) => pick(session));
    expect(sessions.map((session) => pick(session))).toEqual(before);
    for (const id of ["a", "b", "c", "d"]) {
      const share = before.filter((each) => each === id).length;
      expect(share).toBeGreaterThan(50);
      expect(share).toBeLessThan(150);
    }
    fail("credentials-rejected", "b");
    for (const [at, session] of sessions.entries()) {
      const now = pick(session);
      if (before[at] === "b") expect(now).not.toBe("b");
      else expect(now).toBe(before[at] ?? null);
    }
    // The order of the config does not matter.
    const turned = trackerForTest(["d", "c", "b", "a"]);
    expect(sessions.map((session) => turned.pick(session))).toEqual(before);
  });

  test("none twice in one request, and none that is held", () => {
    const { pick, fail } = trackerForTest(["a", "b", "c"]);
    fail("rate-limited", "a");
    expect(pick(null, ["a"])).toBe("b");
    expect(pick("s", ["a", "b"])).toBe("c");
    expect(pick(null, ["a", "b", "c"])).toBeNull();
    fail("rate-limited", "c");
    expect(pick(null, ["a", "b"])).toBeNull();
  });

  test("the last resort is the one that is back first", () => {
    const { pick, fail, go } = trackerForTest(["a", "b"]);
    fail("rate-limited", "a", { retryAfterMs: 20_000 });
    expect(go()).toBe("yes");
    fail("rate-limited", "b", { retryAfterMs: 10_000 });
    expect(go()).toBe("no");
    expect(pick()).toBe("b");
    expect(pick("s")).toBe("b");
  });

  test("a provider with one key or none has nothing to choose", () => {
    expect(trackerForTest(["a"]).pick("s")).toBe("a");
    expect(trackerForTest(["a"]).pick(null, ["a"])).toBeNull();
    const keyless = trackerForTest([]);
    expect(keyless.pick()).toBeNull();
    keyless.tracker.failed("p", "m", new Failure("rate-limited", "slow down"));
    expect(keyless.go()).toBe("no");
  });
});

describe("what holds what", () => {
  test("a rate limit: one model on one key", () => {
    const { fail, go, pick, state } = trackerForTest();
    fail("rate-limited", "aaaa", { retryAfterMs: 10_000 });
    expect(go()).toBe("yes");
    expect(pick()).toBe("bbbb");
    expect(pick(null, ["bbbb"], "other")).toBe("aaaa");
    expect(state("aaaa")).toMatchObject({ state: "rate-limited", coolingModels: { m: 1_010_000 } });
    fail("rate-limited", "bbbb", { retryAfterMs: 10_000 });
    expect(go()).toBe("no");
    expect(go("other")).toBe("yes");
  });

  test.each(["quota-exhausted", "credentials-rejected"] as const)("%s: every model on that key", (kind) => {
    const { fail, go, pick, tracker, alarms } = trackerForTest();
    fail(kind, "aaaa");
    expect(pick(null, ["bbbb"])).toBeNull();
    expect(pick(null, ["bbbb"], "other")).toBeNull();
    expect(go()).toBe("yes");
    expect(tracker.view("p")).toMatchObject({ healthy: true, credential: "ok", retryAtMs: null });
    fail(kind, "bbbb");
    expect(go("other")).toBe("no");
    expect(tracker.view("p")).toMatchObject({ healthy: false });
    expect(alarms).toHaveLength(2);
    expect(alarms[0]).toContain("credential aaaa is");
  });

  test("a missing model: that model on every key", () => {
    const { fail, go } = trackerForTest();
    fail("model-missing", "aaaa");
    expect(go()).toBe("no");
    expect(go("other")).toBe("yes");
  });

  test("names of models that clients make up do not pile up", () => {
    const { fail, state } = trackerForTest();
    for (let i = 0; i < 5_000; i++) fail("rate-limited", "aaaa", {}, `made-up-${i}`);
    expect(Object.keys(state("aaaa")?.coolingModels ?? {}).length).toBeLessThanOrEqual(200);
  });
});

describe("looking again", () => {
  test("the first request after a cooldown is its probe; others use other keys", () => {
    const { fail, send, advance, tracker, state } = trackerForTest();
    fail("rate-limited", "aaaa", { retryAfterMs: 10_000 });
    advance(10_000);
    expect(send()).toEqual({ credential: "aaaa", isProbe: true });
    expect(send()).toEqual({ credential: "bbbb", isProbe: false });
    expect(send()).toEqual({ credential: "bbbb", isProbe: false });
    fail("rate-limited", "aaaa", { retryAfterMs: 5_000 });
    tracker.endProbe("p", "m", "aaaa");
    expect(send().credential).toBe("bbbb");
    advance(5_000);
    expect(send()).toEqual({ credential: "aaaa", isProbe: true });
    tracker.answerStarted("p", 0, "m", "aaaa");
    expect(state("aaaa")?.state).toBe("ok");
    // Well again: it takes its turns as any other.
    expect([send(), send()].map((each) => each.isProbe)).toEqual([false, false]);
  });

  test("with one key the others wait for the probe", () => {
    const { fail, send, go, advance, tracker } = trackerForTest(["only"]);
    fail("rate-limited", "only", { retryAfterMs: 10_000 });
    advance(10_000);
    expect(go()).toBe("yes");
    expect(send().isProbe).toBe(true);
    expect(tracker.judge("p", "m")).toMatchObject({ go: "no", why: "a probe is under way" });
    expect(go("other")).toBe("yes");
    tracker.endProbe("p", "m", "only");
    expect(go()).toBe("yes");
  });

  test("success of an older request clears no newer trouble", () => {
    const { fail, succeed, advance, state } = trackerForTest();
    advance(minute);
    fail("quota-exhausted", "aaaa", { retryAfterMs: hour });
    advance(1_000);
    succeed("aaaa", 30_000);
    expect(state("aaaa")?.state).toBe("exhausted");
    succeed("bbbb", 500);
    expect(state("aaaa")?.state).toBe("exhausted");
    succeed("aaaa", 500);
    expect(state("aaaa")?.state).toBe("ok");
  });

  test("a quota is checked less and less often, and never later than its stated end", () => {
    const { tracker, fail, send, advance, now } = trackerForTest(["only"]);
    const resetMs = now() + 4 * hour;
    const looks: number[] = [];
    for (let i = 0; i < 20 && now() < resetMs; i++) {
      fail("quota-exhausted", "only", { retryAfterMs: resetMs - now() });
      const startedMs = now();
      for (let step = 0; step < 500 && !send().isProbe; step++) advance(10_000);
      tracker.endProbe("p", "m", "only");
      looks.push((now() - startedMs) / minute);
    }
    expect(looks.slice(0, 5)).toEqual([5, 10, 20, 40, 60]);
    expect(Math.max(...looks)).toBeLessThanOrEqual(60);
    expect(now()).toBe(resetMs);
  });

  test("a stated end of days is a day, and of seconds is seconds", () => {
    const { fail, kept, now, go, advance } = trackerForTest(["only"]);
    fail("quota-exhausted", "only", { retryAfterMs: 18 * 24 * hour });
    expect(kept()[0]).toMatchObject({ untilMs: now() + 24 * hour, retryAtMs: now() + 5 * minute });
    advance(24 * hour);
    fail("quota-exhausted", "only", { retryAfterMs: 7_000 });
    advance(6_999);
    expect(go()).toBe("no");
    advance(1);
    expect(go()).toBe("yes");
  });

  test("requests that fail together are one strike", () => {
    const { fail, kept, advance } = trackerForTest(["only"]);
    for (let i = 0; i < 10; i++) fail("quota-exhausted", "only");
    expect(kept()[0]).toMatchObject({ count: 1 });
    advance(5 * minute);
    for (let i = 0; i < 10; i++) fail("quota-exhausted", "only");
    expect(kept()[0]).toMatchObject({ count: 2 });
  });
});

describe("load", () => {
  test("counts what is under way and knows the first word's time", () => {
    const { tracker, advance } = trackerForTest();
    expect(tracker.load("p")).toEqual({ inFlight: 0, peakEwmaMs: null });
    tracker.attemptStarted("p", "m", "aaaa");
    tracker.attemptStarted("p", "m", "bbbb");
    expect(tracker.load("p").inFlight).toBe(2);
    tracker.firstWord("p", 100);
    tracker.firstWord("p", 900);
    expect(tracker.load("p").peakEwmaMs).toBe(900);
    advance(minute);
    const later = tracker.load("p").peakEwmaMs ?? 0;
    expect(later).toBeGreaterThan(300);
    expect(later).toBeLessThan(350);
    tracker.firstWord("p", 100);
    expect(tracker.load("p").peakEwmaMs).toBeLessThan(500);
    tracker.attemptEnded("p");
    tracker.reset("p");
    expect(tracker.load("p")).toEqual({ inFlight: 1, peakEwmaMs: null });
    tracker.attemptEnded("p");
    tracker.attemptEnded("p");
    expect(tracker.load("p").inFlight).toBe(0);
  });

  test("a request that goes well changes nothing that is kept", () => {
    const { tracker, send, succeed, changes } = trackerForTest();
    for (let i = 0; i < 50; i++) {
      const { credential } = send("s");
      tracker.firstWord("p", 10);
      succeed(credential ?? "", 20);
      tracker.attemptEnded("p");
    }
    expect(changes()).toBe(0);
  });
});

describe("what is kept", () => {
  const carry = (rows: readonly PersistedState[], ids: readonly string[], atMs: number) => {
    const next = trackerForTest(ids, atMs);
    for (const row of JSON.parse(JSON.stringify(rows)) as unknown[]) {
      const read = readPersistedState(row);
      if (read !== null) next.tracker.restore("p", read);
    }
    return next;
  };

  test("holds and open circuits come back as they were", () => {
    const { fail, kept, now, tracker } = trackerForTest();
    fail("rate-limited", "aaaa", { retryAfterMs: 100_000 });
    fail("quota-exhausted", "bbbb", { retryAfterMs: 2 * hour });
    fail("model-missing", "aaaa", {}, "gone");
    for (let i = 0; i < 5; i++) fail("overloaded", "aaaa");
    const next = carry(kept(), ["bbbb", "aaaa"], now() + 1_000);
    expect(next.tracker.view("p").circuit).toBe("open");
    expect(next.go("gone")).toBe("no");
    expect(next.state("aaaa")).toEqual(tracker.view("p").credentials[0]);
    expect(next.state("bbbb")).toEqual(tracker.view("p").credentials[1]);
    next.advance(30_000);
    expect(next.tracker.view("p").circuit).toBe("half-open");
  });

  test("what is over stays over, and a new key starts fresh", () => {
    const { fail, kept, now } = trackerForTest();
    fail("rate-limited", "aaaa", { retryAfterMs: 10_000 });
    fail("credentials-rejected", "bbbb");
    const rows = kept();
    expect(rows).toHaveLength(2);
    const later = carry(rows, ["aaaa", "bbbb"], now() + 10_000);
    expect(later.state("aaaa")?.state).toBe("ok");
    expect(later.state("bbbb")?.state).toBe("rejected");
    const changed = carry(rows, ["aaaa", "cccc"], now());
    expect(changed.state("cccc")?.state).toBe("ok");
    expect(changed.pick()).toBe("cccc");
  });

  test("between its next look and its end a quota comes back as due for a look", () => {
    const { fail, kept, now } = trackerForTest(["only"]);
    fail("quota-exhausted", "only", { retryAfterMs: 2 * hour });
    const next = carry(kept(), ["only"], now() + 10 * minute);
    expect(next.go()).toBe("yes");
    expect(next.send().isProbe).toBe(true);
    next.fail("quota-exhausted", "only", { retryAfterMs: hour });
    expect(next.kept()[0]).toMatchObject({ count: 2 });
  });

  test("a clock that was set back makes nothing longer than it may be", () => {
    const { fail, kept, now } = trackerForTest(["only"]);
    fail("rate-limited", "only", { retryAfterMs: 10_000 });
    const next = carry(kept(), ["only"], now() - 1_000 * hour);
    next.advance(300_000);
    expect(next.go()).toBe("yes");
  });

  test("a token without a fingerprint is not kept: it cannot be known whether it is still the same", () => {
    const { tracker, kept } = trackerForTest([]);
    tracker.failed("p", "m", new Failure("credentials-rejected", "no"));
    expect(kept()).toEqual([]);
  });

  test("only rows are read", () => {
    const row = {
      credential: "a",
      model: null,
      kind: "rejected",
      sinceMs: 1,
      retryAtMs: 2,
      untilMs: 2,
      count: 1,
    };
    expect(readPersistedState(row)).toEqual(row as PersistedState);
    for (const broken of [
      null,
      7,
      "x",
      [],
      { ...row, kind: "other" },
      { ...row, untilMs: null },
      { ...row, retryAtMs: "soon" },
      { ...row, credential: 4 },
      { ...row, count: -1 },
      { ...row, count: 1e9 },
    ])
      expect(readPersistedState(broken)).toBeNull();
  });

  test("a reset leaves nothing to keep; a key of an earlier config is remembered", () => {
    const { tracker, fail, kept, state } = trackerForTest();
    fail("credentials-rejected", "aaaa");
    tracker.register("p", ["bbbb"]);
    expect(tracker.view("p").credentials.map((each) => each.id)).toEqual(["bbbb"]);
    tracker.register("p", ["aaaa", "bbbb"]);
    expect(state("aaaa")?.state).toBe("rejected");
    tracker.reset("p");
    expect(state("aaaa")?.state).toBe("ok");
    expect(kept()).toEqual([]);
  });
});
