// The small form of scripts/trials/booted-service.ts: the service under a real systemd that is booted in namespaces of its own. Run it by
// path, as root: bun test ./test/heavy/booted-service.heavy.ts. It leaves nothing behind and changes nothing of the machine.

import { expect, test } from "bun:test";
import { tryServices } from "../../scripts/trials/booted-service.ts";
import { whyNoBoot } from "../../scripts/trials/booted-systemd.ts";
import { ensureBinary } from "../../scripts/build.ts";

test.if(whyNoBoot() === null)(
  "installed, ready, killed, reloaded, stopped and removed, for the machine and for a user",
  async () => {
    ensureBinary();
    const { lines, isHeld } = await tryServices(false);
    expect(lines.filter((line) => !line.startsWith("held"))).toEqual([]);
    expect(lines.length).toBe(20);
    expect(isHeld).toBe(true);
  },
  300_000,
);
