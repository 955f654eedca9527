// What is learned about providers from their failures, with a clock that the test moves.

import { describe, expect, test } from "bun:test";
import { createHealthTracker } from "../../../src/backends/health/health-tracker.ts";
import { consequences, Failure, type FailureDetail, type FailureKind } from "../../../src/canon/failure.ts";

function trackerForTest(settings = { ejectAfter: 5, openMs: 30_000 }) {
  let now = 1_000_000;
  const alarms: string[] = [];
  const tracker = createHealthTracker({
    settings: () => settings,
    nowMs: () => now,
    redact: (text) => text.replaceAll("secret-key", "***"),
    alarm: (provider, message) => void alarms.push(`${provider} ${message}`),
  });
  return {
    tracker,
    alarms,
    advance: (ms: number) => void (now += ms),
    fail: (kind: FailureKind, detail: FailureDetail = {}, model = "m") =>
      tracker.failed("p", model, new Failure(kind, "it broke with secret-key", detail)),
    succeed: (latencyMs = 0) => tracker.succeeded("p", "m", latencyMs),
    go: (model = "m") => tracker.judge("p", model).go,
  };
}

const times = (count: number, run: () => void): void => {
  for (let i = 0; i < count; i++) run();
};

describe("the circuit", () => {
  test("five failures in a row eject, four and a success do not", () => {
    const { fail, succeed, go, advance } = trackerForTest();
    times(4, () => fail("upstream-error"));
    succeed();
    times(4, () => fail("overloaded"));
    expect(go()).toBe("yes");
    fail("bad-output");
    expect(go()).toBe("no");
    advance(29_999);
    expect(go()).toBe("no");
    advance(1);
    expect(go()).toBe("probe");
  });

  test("two refused connections in a row eject; another failure between them breaks the row", () => {
    const { fail, go } = trackerForTest();
    fail("unreachable");
    fail("upstream-error");
    fail("unreachable");
    expect(go()).toBe("yes");
    fail("unreachable");
    expect(go()).toBe("no");
  });

  test("each ejection is longer, up to 300 s, and a success starts again at 30 s", () => {
    const { tracker, fail, succeed, go, advance } = trackerForTest();
    times(5, () => fail("overloaded"));
    for (const seconds of [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300]) {
      const view = tracker.view("p");
      expect(view.circuit).toBe("open");
      advance(seconds * 1000 - 1);
      expect(go()).toBe("no");
      advance(1);
      expect(go()).toBe("probe");
      fail("overloaded");
    }
    advance(300_000);
    succeed();
    expect(tracker.view("p")).toMatchObject({
      circuit: "closed",
      ejections: 0,
      consecutiveFailures: 0,
      healthy: true,
    });
    times(5, () => fail("overloaded"));
    advance(30_000);
    expect(go()).toBe("probe");
  });

  test("only one probe at a time, and it is given back when its client leaves", () => {
    const { tracker, fail, go, advance } = trackerForTest();
    times(5, () => fail("overloaded"));
    expect(tracker.attemptStarted("p", "m")).toBe(false);
    advance(30_000);
    expect(go()).toBe("probe");
    expect(tracker.attemptStarted("p", "m")).toBe(true);
    expect(go()).toBe("no");
    expect(tracker.attemptStarted("p", "m")).toBe(false);
    tracker.endProbe("p");
    expect(go()).toBe("probe");
  });

  test("another request's end does not give the probe away", () => {
    const { tracker, fail, go, advance } = trackerForTest();
    times(5, () => fail("overloaded"));
    advance(30_000);
    expect(tracker.attemptStarted("p", "m")).toBe(true);
    fail("invalid-request");
    expect(go()).toBe("no");
  });

  test("a stream that began before the trouble does not end it by ending well", () => {
    const { tracker, fail, succeed, go, advance } = trackerForTest();
    advance(60_000);
    times(5, () => fail("overloaded"));
    advance(1_000);
    succeed(30_000);
    expect(go()).toBe("no");
    succeed(500);
    expect(go()).toBe("yes");
    fail("rate-limited", { retryAfterMs: 60_000 });
    advance(1_000);
    succeed(30_000);
    expect(tracker.view("p").credential).toBe("rate-limited");
    succeed(500);
    expect(go()).toBe("yes");
  });

  test("a probe whose answer has begun closes the circuit; breaking off later is a failure as any other", () => {
    const { tracker, fail, succeed, go, advance, alarms } = trackerForTest();
    times(5, () => fail("overloaded"));
    advance(30_000);
    expect(tracker.attemptStarted("p", "m")).toBe(true);
    advance(2_000);
    tracker.answerStarted("p", 2_000);
    expect(go()).toBe("yes");
    expect(alarms.filter((each) => each.includes("is back"))).toHaveLength(1);
    times(4, () => fail("bad-output"));
    expect(tracker.view("p")).toMatchObject({ circuit: "closed", consecutiveFailures: 4 });
    // It was never heard to the end in between: the next ejection is longer.
    fail("bad-output");
    advance(59_999);
    expect(go()).toBe("no");
    advance(1);
    expect(tracker.attemptStarted("p", "m")).toBe(true);
    tracker.answerStarted("p", 0);
    succeed();
    expect(tracker.view("p")).toMatchObject({ circuit: "closed", ejections: 0, healthy: true });
    expect(alarms.filter((each) => each.includes("is back"))).toHaveLength(2);
  });

  test("a probe that began before the newest trouble ends as a probe and closes nothing", () => {
    const { tracker, fail, go, advance } = trackerForTest();
    times(5, () => fail("overloaded"));
    advance(30_000);
    expect(tracker.attemptStarted("p", "m")).toBe(true);
    advance(1_000);
    fail("overloaded");
    advance(1_000);
    tracker.answerStarted("p", 2_000);
    expect(go()).toBe("no");
    advance(60_000);
    expect(go()).toBe("probe");
  });

  test("failures while it is open do not make it longer", () => {
    const { tracker, fail, advance, go } = trackerForTest();
    times(50, () => fail("overloaded"));
    expect(tracker.view("p").ejections).toBe(1);
    advance(30_000);
    expect(go()).toBe("probe");
  });
});

describe("credentials", () => {
  const waits: readonly (readonly [string, number | null, number])[] = [
    ["its own word", 7_000, 7_000],
    ["at most 300 s", 1e12, 300_000],
    ["30 s where nothing is said", null, 30_000],
    ["nothing where nothing is asked", 0, 0],
    ["never a negative time", -5_000, 0],
  ];
  test.each([...waits])("a rate limit holds for %s", (_, retryAfterMs, heldMs) => {
    const { fail, go, advance, tracker } = trackerForTest();
    fail("rate-limited", { retryAfterMs });
    if (heldMs > 0) {
      advance(heldMs - 1);
      expect(go()).toBe("no");
      advance(1);
    }
    expect(go()).toBe("yes");
    expect(tracker.view("p")).toMatchObject({ consecutiveFailures: 0, circuit: "closed" });
  });

  test("a rejected credential rests for 10 minutes and is reported once", () => {
    const { fail, go, advance, alarms, tracker } = trackerForTest();
    fail("credentials-rejected");
    expect(go()).toBe("no");
    expect(tracker.view("p")).toMatchObject({ healthy: false, credential: "rejected" });
    advance(600_000);
    expect(go()).toBe("yes");
    fail("credentials-rejected");
    expect(alarms.filter((each) => each.includes("rejected"))).toHaveLength(1);
    expect(alarms[0]).not.toContain("secret-key");
  });

  test("an exhausted quota rests for 300 s unless the vendor says less", () => {
    const { fail, go, advance } = trackerForTest();
    fail("quota-exhausted");
    advance(299_999);
    expect(go()).toBe("no");
    advance(1);
    expect(go()).toBe("yes");
  });
});

test("a missing model hurts that model only", () => {
  const { fail, go, advance, tracker } = trackerForTest();
  fail("model-missing", {}, "gone");
  expect(go("gone")).toBe("no");
  expect(go("other")).toBe("yes");
  expect(Object.keys(tracker.view("p").coolingModels)).toEqual(["gone"]);
  advance(600_000);
  expect(go("gone")).toBe("yes");
});

test("the client's own faults count against no provider", () => {
  const kinds = Object.entries(consequences).flatMap(([kind, each]) =>
    each.penalizes === "nobody" ? [kind as FailureKind] : [],
  );
  expect(kinds).toContain("invalid-request");
  expect(kinds).toContain("cancelled");
  for (const kind of kinds) {
    const { fail, go, tracker, alarms } = trackerForTest();
    times(20, () => fail(kind));
    expect(go()).toBe("yes");
    expect(tracker.view("p")).toMatchObject({ healthy: true, consecutiveFailures: 0, lastError: null });
    expect(alarms).toEqual([]);
  }
});

test("a reset forgets everything", () => {
  const { tracker, fail, go } = trackerForTest();
  times(5, () => fail("overloaded"));
  fail("credentials-rejected");
  expect(tracker.reset("p")).toBe(true);
  expect(tracker.reset("p")).toBe(false);
  expect(go()).toBe("yes");
  expect(tracker.view("p")).toMatchObject({ healthy: true, lastError: null, ejections: 0 });
});

test("a liveness probe counts bad news, and good news closes nothing", () => {
  const { tracker, go, advance } = trackerForTest();
  const dead = new Failure("unreachable", "nobody there");
  tracker.probed("p", dead);
  tracker.probed("p", new Failure("credentials-rejected", "not its business"));
  expect(go()).toBe("yes");
  tracker.probed("p", dead);
  expect(go()).toBe("no");
  tracker.probed("p", dead);
  expect(tracker.view("p").ejections).toBe(1);
  tracker.probed("p", null);
  expect(go()).toBe("no");
  advance(30_000);
  tracker.probed("p", null);
  expect(go()).toBe("probe");
});

test("the view shows the mean of the last 20 and hides secrets", () => {
  const { tracker, succeed, fail } = trackerForTest();
  times(30, () => succeed(100));
  expect(tracker.view("p").avgLatencyMs).toBe(100);
  times(20, () => succeed(10));
  expect(tracker.view("p").avgLatencyMs).toBe(10);
  fail("upstream-error");
  expect(tracker.view("p").lastError).toBe("upstream-error: it broke with ***");
  expect(tracker.lastUsedMs("never")).toBeNull();
});

describe("a program that is not there", () => {
  const failure = new Failure("unreachable", "It cannot be started.", { why: "/opt/claude is not there" });

  test("is down immediately, reported once, and asked all the same", () => {
    const { tracker, alarms } = absentTracker();
    tracker.setAbsent("cli", failure);
    tracker.setAbsent("cli", failure);
    expect(tracker.view("cli")).toMatchObject({
      healthy: false,
      circuit: "open",
      lastError: "unreachable: /opt/claude is not there",
      lastShort: "unreachable: It cannot be started.",
      retryAtMs: null,
    });
    expect(alarms).toEqual(["is down: unreachable: /opt/claude is not there"]);
    expect(tracker.judge("cli", "m").go).toBe("yes");
  });

  test("comes back whole, whatever failed for want of it", () => {
    const { tracker, alarms } = absentTracker();
    tracker.setAbsent("cli", null);
    tracker.setAbsent("cli", failure);
    for (let i = 0; i < 5; i++) tracker.failed("cli", "m", failure);
    expect(tracker.judge("cli", "m").go).toBe("no");
    tracker.setAbsent("cli", null);
    expect(tracker.view("cli")).toMatchObject({ healthy: true, circuit: "closed" });
    expect(tracker.judge("cli", "m").go).toBe("yes");
    expect(alarms.at(-1)).toBe("is back");
  });

  test("an operator's reset does not put it there", () => {
    const { tracker } = absentTracker();
    tracker.setAbsent("cli", failure);
    tracker.reset("cli");
    expect(tracker.view("cli").healthy).toBe(false);
  });

  function absentTracker() {
    const alarms: string[] = [];
    const tracker = createHealthTracker({
      settings: () => ({ ejectAfter: 3, openMs: 1_000 }),
      nowMs: () => 1_000_000,
      redact: (text) => text,
      alarm: (_, message) => void alarms.push(message),
    });
    return { tracker, alarms };
  }
});
