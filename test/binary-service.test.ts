// The compiled program under NOTIFY_SOCKET, as systemd starts it: when it says that it is ready, alive, reloading and stopping.

import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startBinary } from "./support/binary.ts";
import { cleanupsAfterEach } from "./support/cleanups.ts";
import { canListen, listenForNotices } from "./support/notify-socket.ts";

const cleanups = cleanupsAfterEach();
const config = { server: { port: 0, drain_s: 7 }, providers: { demo: { backend: "demo", model: "demo" } } };

test.if(canListen)(
  "ready when it listens, signs of life, ready again after a reload, stopping with its time",
  async () => {
    const name = join(cleanups.folder("clawgate-notify-"), "notify");
    const heard = cleanups.stopAtEnd(await listenForNotices(name));
    const gateway = await startBinary({ config, env: { NOTIFY_SOCKET: name, WATCHDOG_USEC: "400000" } });
    cleanups.stopAtEnd(gateway);
    let signs = 0;
    const next = async (): Promise<string> => {
      for (;;) {
        const words = await heard.next();
        if (words !== "'WATCHDOG=1'") return words;
        signs += 1;
      }
    };
    expect(await next()).toBe(String.raw`'READY=1\nSTATUS=listening on ${gateway.url}, providers: 1'`);
    gateway.signal("SIGHUP");
    expect(await next()).toMatch(/^'RELOADING=1\\nMONOTONIC_USEC=\d+\\nSTATUS=/);
    expect(await next()).toStartWith(String.raw`'READY=1\nSTATUS=listening on`);
    // One that changes nothing is no reason to stay "reloading".
    writeFileSync(gateway.configPath, "server: {prt: 1}\n");
    gateway.signal("SIGHUP");
    expect(await next()).toStartWith("'RELOADING=1");
    expect(await next()).toStartWith("'READY=1");
    while (signs < 3) {
      expect(await heard.next()).toBe("'WATCHDOG=1'");
      signs += 1;
    }
    gateway.signal("SIGTERM");
    expect(await next()).toBe(String.raw`'STOPPING=1\nEXTEND_TIMEOUT_USEC=22000000\nSTATUS=stopping'`);
    expect(await gateway.exited).toBe(0);
  },
  30_000,
);
