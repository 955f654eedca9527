// What systemd hears of a service, by a socket of the test's own.

import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServiceNotifier } from "../../src/system/service-notify.ts";
import { fakeClock } from "../support/clock.ts";
import { cleanupsAfterEach } from "../support/cleanups.ts";
import { canListen, listenForNotices } from "../support/notify-socket.ts";

const cleanups = cleanupsAfterEach();

function path(): string {
  const folder = mkdtempSync(join(tmpdir(), "clawgate-notify-"));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "notify");
}

const troubles = (): { readonly list: string[]; readonly onTrouble: (why: string) => void } => {
  const list: string[] = [];
  return { list, onTrouble: (why) => void list.push(why) };
};

describe("the notifier", () => {
  test("without NOTIFY_SOCKET there is none, and a socket that it does not know is said", () => {
    const { list, onTrouble } = troubles();
    const input = { clock: fakeClock(), pid: 1, onTrouble };
    expect(createServiceNotifier({ ...input, environment: {} })).toBeNull();
    expect(list).toEqual([]);
    expect(createServiceNotifier({ ...input, environment: { NOTIFY_SOCKET: "vsock:2:1" } })).toBeNull();
    expect(
      createServiceNotifier({ ...input, environment: { NOTIFY_SOCKET: `/${"a".repeat(200)}` } }),
    ).toBeNull();
    if (process.platform === "linux") expect(list).toHaveLength(2);
  });

  test("a socket that nobody reads is said and ends nothing", () => {
    const { list, onTrouble } = troubles();
    const environment = { NOTIFY_SOCKET: "/nonexistent/notify" };
    const notifier = createServiceNotifier({ environment, clock: fakeClock(), pid: 1, onTrouble });
    notifier?.ready("x");
    notifier?.close();
    if (process.platform === "linux")
      expect(list).toEqual(["systemd cannot be told of the service's state (errno 2)"]);
  });

  test.if(canListen)("says each state, on one line each, to a path and to an abstract name", async () => {
    for (const name of [path(), `@clawgate-test-${process.pid}`]) {
      const heard = cleanups.stopAtEnd(await listenForNotices(name));
      const { list, onTrouble } = troubles();
      const notifier = createServiceNotifier({
        environment: { NOTIFY_SOCKET: name },
        clock: fakeClock(),
        pid: process.pid,
        onTrouble,
      });
      notifier?.ready("listening\nMAINPID=1");
      expect(await heard.next()).toBe(String.raw`'READY=1\nSTATUS=listening MAINPID=1'`);
      notifier?.reloading();
      const [, micros] = /MONOTONIC_USEC=(\d+)/.exec(await heard.next()) ?? [];
      const uptime = Number((await Bun.file("/proc/uptime").text()).split(" ")[0]);
      expect(Math.abs(Number(micros) / 1e6 - uptime)).toBeLessThan(5);
      notifier?.handOver(4711);
      expect(await heard.next()).toBe("'MAINPID=4711'");
      notifier?.stopping("stopping", 45_000);
      expect(await heard.next()).toBe(
        String.raw`'STOPPING=1\nEXTEND_TIMEOUT_USEC=45000000\nSTATUS=stopping'`,
      );
      notifier?.close();
      expect(list).toEqual([]);
    }
  });

  test.if(canListen)(
    "gives a sign of life at half of the limit, only for its own process, and none after it is closed",
    async () => {
      const name = path();
      const heard = cleanups.stopAtEnd(await listenForNotices(name));
      const clock = fakeClock();
      const start = (watched: string) =>
        createServiceNotifier({
          environment: { NOTIFY_SOCKET: name, WATCHDOG_USEC: "30000000", WATCHDOG_PID: watched },
          clock,
          pid: 100,
          onTrouble: () => undefined,
        });
      const other = start("99");
      other?.ready("other");
      expect(await heard.next()).toContain("other");
      const own = start("100");
      expect(await heard.next()).toBe("'WATCHDOG=1'");
      await clock.advance(14_999);
      own?.ready("own");
      expect(await heard.next()).toContain("own");
      await clock.advance(1);
      expect(await heard.next()).toBe("'WATCHDOG=1'");
      own?.close();
      await clock.advance(60_000);
      other?.ready("last");
      expect(await heard.next()).toContain("last");
    },
  );

  test.if(canListen)(
    "between two main processes the limit does not run out: a sign with the hand-over, and one as soon as the other is heard",
    async () => {
      const name = path();
      const heard = cleanups.stopAtEnd(await listenForNotices(name));
      const clock = fakeClock();
      const environment = { NOTIFY_SOCKET: name, WATCHDOG_USEC: "30000000" };
      const start = (pid: number, isMain: Promise<void> | null) =>
        createServiceNotifier({ environment, clock, pid, isMain, onTrouble: () => undefined });
      const older = start(100, null);
      expect(await heard.next()).toBe("'WATCHDOG=1'");
      const alone = Promise.withResolvers<void>();
      const younger = start(101, alone.promise);
      younger?.ready("younger");
      await clock.advance(14_999);
      older?.handOver(101);
      // What the younger one said is not heard yet: systemd would drop it.
      expect(await heard.next()).toBe(String.raw`'WATCHDOG=1\nMAINPID=101'`);
      alone.resolve();
      expect(await heard.next()).toBe("'WATCHDOG=1'");
      expect(await heard.next()).toContain("younger");
      await clock.advance(15_000);
      expect(await heard.next()).toBe("'WATCHDOG=1'");
      younger?.close();
      older?.takeBack();
      expect(await heard.next()).toBe("'MAINPID=100'");
      expect(await heard.next()).toBe("'WATCHDOG=1'");
      older?.close();
    },
  );
});
