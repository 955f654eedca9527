// The kernel's count of connections that were opened: a new one moves it, a kept one does not, and where it is not told it is null.

import { expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openedConnections } from "../../src/system/opened-connections.ts";
import { listenHttp } from "../support/upstream/socket.ts";

const answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

test.skipIf(process.platform !== "linux")("a connection to a host in numbers moves it", async () => {
  const listener = listenHttp(0, async ({ write }) => void (await write(answer)));
  const opened = openedConnections(() => 0);
  const before = opened.freshCount() ?? -1;
  expect(before).toBeGreaterThanOrEqual(0);
  const post = async (keepalive: boolean): Promise<string> =>
    (await fetch(`http://127.0.0.1:${listener.port}/`, { method: "POST", body: "{}", keepalive })).text();
  for (let i = 0; i < 5; i++) await post(false);
  expect(opened.freshCount()).toBeGreaterThanOrEqual(before + 5);
  listener.stop();
});

const table = (count: number): string =>
  `Ip: Forwarding DefaultTTL\nIp: 1 64\nTcp: RtoAlgorithm MaxConn ActiveOpens PassiveOpens\nTcp: 1 -1 ${count} 9\nUdp: InDatagrams\nUdp: 5\n`;

test("the column is found by its name, and lately is not asked for anew within a moment", async () => {
  const folder = await mkdtemp(join(tmpdir(), "opened-"));
  const path = join(folder, "snmp");
  await writeFile(path, table(41));
  let nowMs = 0;
  const opened = openedConnections(() => nowMs, path);
  expect(opened.cachedCount(true)).toBe(41);
  await writeFile(path, table(42));
  nowMs = 4;
  expect(opened.cachedCount(true)).toBe(41);
  expect(opened.cachedCount(false)).toBe(42);
  await writeFile(path, table(43));
  nowMs = 4.9;
  expect(opened.cachedCount(false)).toBe(42);
  nowMs = 9;
  expect(opened.cachedCount(true)).toBe(43);
  await writeFile(path, table(44));
  expect(opened.freshCount()).toBe(44);
  await writeFile(path, table(45));
  expect(opened.cachedCount(true)).toBe(45);
  await rm(folder, { recursive: true });
});

test("null where there is no such file, or one without the count", async () => {
  const folder = await mkdtemp(join(tmpdir(), "opened-"));
  expect(openedConnections(() => 0, join(folder, "none")).cachedCount(false)).toBeNull();
  const path = join(folder, "snmp");
  for (const text of ["", "Tcp: A B\nTcp: 1 2\n", "Tcp: ActiveOpens\nTcp: many\n"]) {
    await writeFile(path, text);
    expect(openedConnections(() => 0, path).freshCount()).toBeNull();
  }
  await rm(folder, { recursive: true });
});
