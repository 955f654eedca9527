// What a gateway and its successor tell each other: nothing is lost, nothing counts twice, and neither waits for one that is gone.

import { describe, expect, test } from "bun:test";
import { GivenState } from "../../src/app/handover/given-state.ts";
import { predecessorVariable, type ToSuccessor } from "../../src/app/handover/messages.ts";
import { type Channel, predecessorOf } from "../../src/app/handover/predecessor.ts";
import { NoSuccessor, Successor } from "../../src/app/handover/successor.ts";
import { TakenState } from "../../src/app/handover/taken-state.ts";
import { createSavedSessions } from "../../src/app/persistence/saved-sessions.ts";
import { createSavedVendorIds } from "../../src/app/persistence/saved-vendor-ids.ts";
import { createSavedSpending } from "../../src/app/persistence/saved-spending.ts";
import type { RequestRecord } from "../../src/canon/record.ts";
import { disabledMetricsStore } from "../../src/metrics/disabled-metrics-store.ts";
import { createStickiness } from "../../src/routing/stickiness.ts";
import { createMemoryStore } from "../../src/state/memory-store.ts";
import { systemClock } from "../../src/system/clock.ts";
import { noLimits } from "../../src/tenants/limit-store.ts";
import { zeroAmount } from "../../src/tenants/spending.ts";
import { eventually } from "../support/eventually.ts";

const silent = { warn: () => undefined };
const day = { usdPerDay: 1, usdPerMonth: null, tokensPerDay: null, tokensPerMonth: null };
const cent = 10_000_000;

/** One gateway's services, as far as they are handed over; both read the same state. */
function services(state = createMemoryStore(systemClock.nowMs)) {
  const written: RequestRecord[] = [];
  const store = {
    ...disabledMetricsStore(),
    request: (id: string) => Promise.resolve((written.some((each) => each.id === id) ? {} : null) as never),
  };
  const spending = createSavedSpending({
    store: state,
    slots: null,
    records: store,
    clock: systemClock,
    log: silent,
  });
  const forwarding: { forwardTo: ((record: RequestRecord) => void) | null } = { forwardTo: null };
  const recorder = Object.assign(forwarding, {
    take(record: RequestRecord) {
      if (forwarding.forwardTo === null) written.push(record);
      else forwarding.forwardTo(record);
    },
  });
  const nothing = () => Promise.resolve();
  return {
    state,
    store,
    spending,
    recorder: recorder as typeof recorder & GivenState["services"]["recorder"],
    savedSessions: createSavedSessions({ store: state, clock: systemClock, log: silent }),
    savedVendorIds: createSavedVendorIds({ store: state, clock: systemClock, log: silent }),
    stickiness: createStickiness({ nowMs: systemClock.monotonicMs, ttlMs: () => 60_000 }),
    completeRecords: nothing,
    alerts: { save: nothing } as never,
    savedHealth: { flush: nothing } as never,
    keptAnswers: { written: nothing, follow: () => undefined } as never,
    written,
  };
}
type Services = ReturnType<typeof services>;

const recordOf = (id: string): RequestRecord => ({ id }) as RequestRecord;

function spend({ spending: { limits } }: Services, nanoUsd: number): void {
  limits.settle(limits.accountAt("alice", Date.now()), zeroAmount, { tokens: 1, nanoUsd });
}
const spent = ({ spending }: Services): number => spending.limits.spent("alice").day.nanoUsd;

describe("what is handed over", () => {
  async function handOver() {
    const old = services();
    spend(old, 5 * cent);
    const hold = old.savedSessions.sessions.hold("session", { named: 50 * cent, tenant: null });
    hold?.charge(2 * cent);
    old.stickiness.remember("pool", "session", "vendor");
    const told: ToSuccessor[] = [];
    const given = new GivenState(
      old,
      (message) => void told.push(JSON.parse(JSON.stringify(message))),
      silent,
    );
    const { limits } = old.spending;
    const account = limits.accountAt("alice", Date.now());
    const want = { tokens: 100, nanoUsd: 90 * cent };
    limits.reserve(account, noLimits, {
      want,
      own: zeroAmount,
      granted: null,
      expectedTokens: 100,
      isBeyondBudget: false,
    });
    await given.give();
    // The successor starts only now, and reads the state.
    const young = services(old.state);
    await young.spending.follow([{ name: "alice", limits: { budget: { usd_per_day: 1 } } }]);
    await young.savedSessions.load();
    const kept: number[] = [];
    const taken = new TakenState(young, systemClock, (count) => void kept.push(count));
    const deliver = (): void => {
      for (const message of told.splice(0)) taken.take(message);
    };
    deliver();
    return { old, young, given, taken, deliver, account, want, kept };
  }

  test("spending is exact to the end, and what runs is reserved until then", async () => {
    const { old, young, deliver, account, want } = await handOver();
    expect(spent(young)).toBe(5 * cent);
    const asks = (nanoUsd: number) =>
      young.spending.limits.judge(
        young.spending.limits.accountAt("alice", Date.now()),
        { ...noLimits, budget: day },
        {
          want: { tokens: 1, nanoUsd },
          own: zeroAmount,
          granted: null,
          expectedTokens: 1,
          isBeyondBudget: false,
        },
      );
    expect(asks(10 * cent)).toMatchObject({ why: "taken" });
    spend(young, 3 * cent);
    old.spending.limits.settle(account, want, { tokens: 7, nanoUsd: 4 * cent });
    deliver();
    expect(spent(young)).toBe(12 * cent);
    expect(asks(10 * cent)).toBeNull();
    expect(young.spending.limits.usage("alice").reserved).toEqual(zeroAmount);
    expect(young.spending.limits.usage("alice").tokens).toBe(1 + 1 + 7);
  });

  test("whose a vendor's answer is, the new process knows of every one", async () => {
    const { old, young, deliver } = await handOver();
    old.savedVendorIds.ids.given("resp_late", "alice");
    deliver();
    expect(young.savedVendorIds.ids.mayContinue("resp_late", "alice", false)).toBe(true);
    expect(young.savedVendorIds.ids.mayContinue("resp_late", "bob", false)).toBe(false);
    expect(young.savedVendorIds.ids.mayContinue("resp_unknown", "bob", false)).toBe(false);
  });

  test("sessions keep their cap and what they spent, and their provider", async () => {
    const { old, young, deliver } = await handOver();
    old.savedSessions.sessions.hold("session", { named: null, tenant: null })?.charge(3 * cent);
    old.savedSessions.sessions.hold("new", { named: 9 * cent, tenant: null })?.charge(cent);
    deliver();
    const { sessions } = young.savedSessions;
    expect(sessions.saved("session")).toEqual({ key: "session", nanoUsd: 5 * cent, capNanoUsd: 50 * cent });
    expect(sessions.saved("new")).toEqual({ key: "new", nanoUsd: cent, capNanoUsd: 9 * cent });
    expect(young.stickiness.lastOf("pool", "session")).toBe("vendor");
  });

  test("a successor that dies gives everything back: no record is lost or there twice", async () => {
    const { old, young, given, taken, deliver, kept } = await handOver();
    for (const id of ["a", "b", "c"]) old.recorder.take(recordOf(id));
    deliver();
    expect(young.written.map(({ id }) => id)).toEqual(["a", "b", "c"]);
    await eventually(() => expect(kept).toEqual([3]));
    given.areKept(2);
    // "c" was written too, but that was not said any more: both write the same file.
    old.written.push(...young.written);
    old.recorder.take(recordOf("d"));
    spend(old, cent);
    await given.takeBack();
    expect(old.written.map(({ id }) => id)).toEqual(["a", "b", "c", "d"]);
    old.recorder.take(recordOf("e"));
    expect(old.written.at(-1)?.id).toBe("e");
    expect(spent(old)).toBe(6 * cent);
    await old.spending.close();
    const next = services(old.state);
    await next.spending.follow([{ name: "alice", limits: { budget: { usd_per_day: 1 } } }]);
    expect(spent(next)).toBe(6 * cent);
    taken.close();
    expect(young.spending.limits.usage("alice").reserved).toEqual(zeroAmount);
  });
});

describe("the process before this one", () => {
  function channel() {
    const sent: object[] = [];
    let hear: (message: unknown) => void = () => undefined;
    let close = (): void => undefined;
    const made: Channel = {
      send: (message) => void sent.push(message),
      onMessage: (take) => void (hear = take),
      onClosed: (take) => void (close = take),
    };
    return { made, sent, hear: (message: unknown) => hear(message), close: () => close() };
  }

  test("is none where nobody says so, and an error where it speaks another way", () => {
    const { made } = channel();
    expect(predecessorOf({}, made)).toBeNull();
    for (const told of ["2 17 8090 lock", "", "x"])
      expect(() => predecessorOf({ [predecessorVariable]: told }, made)).toThrow("does not know");
    expect(() => predecessorOf({ [predecessorVariable]: "1 17 8090 lock" }, null)).toThrow("does not know");
  });

  test("is waited for, and what it says by then is kept in its order; what is unknown is not", async () => {
    const { made, sent, hear } = channel();
    const predecessor = predecessorOf({ [predecessorVariable]: "1 17 8090 lock" }, made);
    expect(predecessor).toMatchObject({ pid: 17, port: 8090, lockDescriptor: 3 });
    const started = predecessor?.mayTakeOver();
    expect(sent).toEqual([{ kind: "loaded" }]);
    const session = { kind: "session", key: "s", nanoUsd: 1, capNanoUsd: null };
    for (const message of [null, 7, "go", { kind: 7 }, session, { kind: "go" }]) hear(message);
    await started;
    const heard: string[] = [];
    predecessor?.listen(({ kind }) => void heard.push(kind));
    hear({ kind: "held", tenant: "alice", tokens: 0, nanoUsd: 0 });
    hear({ kind: "end" });
    expect(heard).toEqual(["session", "held"]);
    expect(sent.at(-1)).toEqual({ kind: "ended" });
  });

  test("that dies leaves this one alone with everything", async () => {
    const { made, sent, close } = channel();
    const predecessor = predecessorOf({ [predecessorVariable]: "1 17 8090 none" }, made);
    const started = predecessor?.mayTakeOver();
    expect([predecessor?.lockDescriptor, predecessor?.isGone()]).toEqual([null, false]);
    close();
    await Promise.all([started, predecessor?.released, predecessor?.gone]);
    expect(predecessor?.isGone()).toBe(true);
    predecessor?.tell({ kind: "listening" });
    expect(sent).toEqual([{ kind: "loaded" }]);
  });
});

describe("the successor", () => {
  const startedWith = (script: string, onExit: () => void = () => undefined): Successor =>
    new Successor(
      { argv: ["/bin/sh", "-c", script], env: { PATH: "/usr/bin:/bin", WATCHDOG_PID: "1" }, cwd: "/" },
      {
        clock: systemClock,
        port: 8090,
        lockDescriptor: null,
        onKept: () => undefined,
        onCutOff: () => undefined,
        onCancelled: () => undefined,
        onExit,
      },
    );

  test("that ends, is killed or says nothing is reported in words", async () => {
    await expect(startedWith("exit 3").until("loaded", 5_000)).rejects.toThrow(
      new NoSuccessor("the new process ended with exit code 3"),
    );
    const { promise, resolve } = Promise.withResolvers<void>();
    const hanging = startedWith("exec sleep 60", resolve);
    await expect(hanging.until("loaded", 50)).rejects.toThrow("did not get ready within");
    hanging.kill();
    await promise;
    expect(hanging.isGone).toBe(true);
    await expect(hanging.until("loaded", 5_000)).rejects.toThrow("signal SIGKILL");
    expect(
      () =>
        new Successor(
          { argv: ["/no/such/program"], env: {}, cwd: "/" },
          {
            clock: systemClock,
            port: 1,
            lockDescriptor: null,
            onKept: () => undefined,
            onCutOff: () => undefined,
            onCancelled: () => undefined,
            onExit: () => undefined,
          },
        ),
    ).toThrow("/no/such/program could not be started");
  });

  test("passes on what its clients cancel of the answers that the old process makes", async () => {
    const heard = Promise.withResolvers<readonly unknown[]>();
    const message = JSON.stringify({ kind: "cancel-answer", id: "resp_clawgate_1", tenant: "alice" });
    const successor = new Successor(
      { argv: [process.execPath, "-e", `process.send(${message})`], env: {}, cwd: "/" },
      {
        clock: systemClock,
        port: 8090,
        lockDescriptor: null,
        onKept: () => undefined,
        onCutOff: () => undefined,
        onCancelled: (...told) => heard.resolve(told),
        onExit: () => undefined,
      },
    );
    expect(await heard.promise).toEqual(["resp_clawgate_1", "alice"]);
    successor.kill();
  });

  test("is told who hands over, and nothing that was meant for another number", async () => {
    const check = `[ "$${predecessorVariable}" = "1 ${process.pid} 8090 none" ] && [ -z "$WATCHDOG_PID" ] && exit 5; exit 6`;
    await expect(startedWith(check).until("loaded", 5_000)).rejects.toThrow("exit code 5");
  });
});
