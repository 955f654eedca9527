// What is learned about providers from their failures, with a clock that the test moves.

import { describe, expect, test } from "bun:test";
import { createHealthTracker } from "../../../src/backends/health/health-tracker.ts";
import { consequences, Failure, type FailureDetail, type FailureKind } from "../../../src/canon/failure.ts";

function bookForTest(settings = { ejectAfter: 5, openMs: 30_000 }) {
  let now = 1_000_000;
  const alarms: string[] = [];
  const book = createHealthTracker({
    settings: () => settings,
    nowMs: () => now,
    redact: (text) => text.replaceAll("secret-key", "***"),
    alarm: (provider, message) => void alarms.push(`${provider} ${message}`),
  });
  return {
    book,
    alarms,
    advance: (ms: number) => void (now += ms),
    fail: (kind: FailureKind, detail: FailureDetail = {}, model = "m") =>
      book.failed("p", model, new Failure(kind, "it broke with secret-key", detail)),
    succeed: (latencyMs = 0) => book.succeeded("p", "m", latencyMs),
    go: (model = "m") => book.judge("p", model).go,
  };
}

const times = (count: number, run: () => void): void => {
  for (let i = 0; i < count; i++) run();
};

describe("the circuit", () => {
  test("five failures in a row eject, four and a success do not", () => {
    const { fail, succeed, go, advance } = bookForTest();
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
    const { fail, go } = bookForTest();
    fail("unreachable");
    fail("upstream-error");
    fail("unreachable");
    expect(go()).toBe("yes");
    fail("unreachable");
    expect(go()).toBe("no");
  });

  test("each ejection is longer, up to 300 s, and a success starts again at 30 s", () => {
    const { book, fail, succeed, go, advance } = bookForTest();
    times(5, () => fail("overloaded"));
    for (const seconds of [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300]) {
      const view = book.view("p");
      expect(view.circuit).toBe("open");
      advance(seconds * 1000 - 1);
      expect(go()).toBe("no");
      advance(1);
      expect(go()).toBe("probe");
      fail("overloaded");
    }
    advance(300_000);
    succeed();
    expect(book.view("p")).toMatchObject({
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
    const { book, fail, go, advance } = bookForTest();
    times(5, () => fail("overloaded"));
    expect(book.attemptStarted("p", "m")).toBe(false);
    advance(30_000);
    expect(go()).toBe("probe");
    expect(book.attemptStarted("p", "m")).toBe(true);
    expect(go()).toBe("no");
    expect(book.attemptStarted("p", "m")).toBe(false);
    book.endProbe("p");
    expect(go()).toBe("probe");
  });

  test("another request's end does not give the probe away", () => {
    const { book, fail, go, advance } = bookForTest();
    times(5, () => fail("overloaded"));
    advance(30_000);
    expect(book.attemptStarted("p", "m")).toBe(true);
    fail("invalid-request");
    expect(go()).toBe("no");
  });

  test("a stream that began before the trouble does not end it by ending well", () => {
    const { book, fail, succeed, go, advance } = bookForTest();
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
    expect(book.view("p").credential).toBe("rate-limited");
    succeed(500);
    expect(go()).toBe("yes");
  });

  test("a probe whose answer has begun closes the circuit; breaking off later is a failure as any other", () => {
    const { book, fail, succeed, go, advance, alarms } = bookForTest();
    times(5, () => fail("overloaded"));
    advance(30_000);
    expect(book.attemptStarted("p", "m")).toBe(true);
    advance(2_000);
    book.answerStarted("p", 2_000);
    expect(go()).toBe("yes");
    expect(alarms.filter((each) => each.includes("is back"))).toHaveLength(1);
    times(4, () => fail("bad-output"));
    expect(book.view("p")).toMatchObject({ circuit: "closed", consecutiveFailures: 4 });
    // It was never heard to the end in between: the next ejection is longer.
    fail("bad-output");
    advance(59_999);
    expect(go()).toBe("no");
    advance(1);
    expect(book.attemptStarted("p", "m")).toBe(true);
    book.answerStarted("p", 0);
    succeed();
    expect(book.view("p")).toMatchObject({ circuit: "closed", ejections: 0, healthy: true });
    expect(alarms.filter((each) => each.includes("is back"))).toHaveLength(2);
  });

  test("a probe that began before the newest trouble ends as a probe and closes nothing", () => {
    const { book, fail, go, advance } = bookForTest();
    times(5, () => fail("overloaded"));
    advance(30_000);
    expect(book.attemptStarted("p", "m")).toBe(true);
    advance(1_000);
    fail("overloaded");
    advance(1_000);
    book.answerStarted("p", 2_000);
    expect(go()).toBe("no");
    advance(60_000);
    expect(go()).toBe("probe");
  });

  test("failures while it is open do not make it longer", () => {
    const { book, fail, advance, go } = bookForTest();
    times(50, () => fail("overloaded"));
    expect(book.view("p").ejections).toBe(1);
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
    const { fail, go, advance, book } = bookForTest();
    fail("rate-limited", { retryAfterMs });
    if (heldMs > 0) {
      advance(heldMs - 1);
      expect(go()).toBe("no");
      advance(1);
    }
    expect(go()).toBe("yes");
    expect(book.view("p")).toMatchObject({ consecutiveFailures: 0, circuit: "closed" });
  });

  test("a rejected credential rests for 10 minutes and is told once", () => {
    const { fail, go, advance, alarms, book } = bookForTest();
    fail("credentials-rejected");
    expect(go()).toBe("no");
    expect(book.view("p")).toMatchObject({ healthy: false, credential: "rejected" });
    advance(600_000);
    expect(go()).toBe("yes");
    fail("credentials-rejected");
    expect(alarms.filter((each) => each.includes("rejected"))).toHaveLength(1);
    expect(alarms[0]).not.toContain("secret-key");
  });

  test("an exhausted quota rests for 300 s unless the vendor says less", () => {
    const { fail, go, advance } = bookForTest();
    fail("quota-exhausted");
    advance(299_999);
    expect(go()).toBe("no");
    advance(1);
    expect(go()).toBe("yes");
  });
});

test("a missing model hurts that model only", () => {
  const { fail, go, advance, book } = bookForTest();
  fail("model-missing", {}, "gone");
  expect(go("gone")).toBe("no");
  expect(go("other")).toBe("yes");
  expect(Object.keys(book.view("p").coolingModels)).toEqual(["gone"]);
  advance(600_000);
  expect(go("gone")).toBe("yes");
});

test("what the client did hurts nobody", () => {
  const kinds = Object.entries(consequences).flatMap(([kind, each]) =>
    each.penalizes === "nobody" ? [kind as FailureKind] : [],
  );
  expect(kinds).toContain("invalid-request");
  expect(kinds).toContain("cancelled");
  for (const kind of kinds) {
    const { fail, go, book, alarms } = bookForTest();
    times(20, () => fail(kind));
    expect(go()).toBe("yes");
    expect(book.view("p")).toMatchObject({ healthy: true, consecutiveFailures: 0, lastError: null });
    expect(alarms).toEqual([]);
  }
});

test("a reset forgets everything", () => {
  const { book, fail, go } = bookForTest();
  times(5, () => fail("overloaded"));
  fail("credentials-rejected");
  expect(book.reset("p")).toBe(true);
  expect(book.reset("p")).toBe(false);
  expect(go()).toBe("yes");
  expect(book.view("p")).toMatchObject({ healthy: true, lastError: null, ejections: 0 });
});

test("a liveness probe counts bad news, and good news closes nothing", () => {
  const { book, go, advance } = bookForTest();
  const dead = new Failure("unreachable", "nobody there");
  book.probed("p", dead);
  book.probed("p", new Failure("credentials-rejected", "not its business"));
  expect(go()).toBe("yes");
  book.probed("p", dead);
  expect(go()).toBe("no");
  book.probed("p", dead);
  expect(book.view("p").ejections).toBe(1);
  book.probed("p", null);
  expect(go()).toBe("no");
  advance(30_000);
  book.probed("p", null);
  expect(go()).toBe("probe");
});

test("the view shows the mean of the last 20 and hides secrets", () => {
  const { book, succeed, fail } = bookForTest();
  times(30, () => succeed(100));
  expect(book.view("p").avgLatencyMs).toBe(100);
  times(20, () => succeed(10));
  expect(book.view("p").avgLatencyMs).toBe(10);
  fail("upstream-error");
  expect(book.view("p").lastError).toBe("upstream-error: it broke with ***");
  expect(book.lastUsedMs("never")).toBeNull();
});

describe("a program that is not there", () => {
  const failure = new Failure("unreachable", "It cannot be started.", { why: "/opt/claude is not there" });

  test("is down at once, told once, and asked all the same", () => {
    const { book, alarms } = absentBook();
    book.setAbsent("cli", failure);
    book.setAbsent("cli", failure);
    expect(book.view("cli")).toMatchObject({
      healthy: false,
      circuit: "open",
      lastError: "unreachable: /opt/claude is not there",
      lastShort: "unreachable: It cannot be started.",
      retryAtMs: null,
    });
    expect(alarms).toEqual(["is down: unreachable: /opt/claude is not there"]);
    expect(book.judge("cli", "m").go).toBe("yes");
  });

  test("comes back whole, whatever failed for want of it", () => {
    const { book, alarms } = absentBook();
    book.setAbsent("cli", null);
    book.setAbsent("cli", failure);
    for (let i = 0; i < 5; i++) book.failed("cli", "m", failure);
    expect(book.judge("cli", "m").go).toBe("no");
    book.setAbsent("cli", null);
    expect(book.view("cli")).toMatchObject({ healthy: true, circuit: "closed" });
    expect(book.judge("cli", "m").go).toBe("yes");
    expect(alarms.at(-1)).toBe("is back");
  });

  test("an operator's reset does not put it there", () => {
    const { book } = absentBook();
    book.setAbsent("cli", failure);
    book.reset("cli");
    expect(book.view("cli").healthy).toBe(false);
  });

  function absentBook() {
    const alarms: string[] = [];
    const book = createHealthTracker({
      settings: () => ({ ejectAfter: 3, openMs: 1_000 }),
      nowMs: () => 1_000_000,
      redact: (text) => text,
      alarm: (_, message) => void alarms.push(message),
    });
    return { book, alarms };
  }
});
