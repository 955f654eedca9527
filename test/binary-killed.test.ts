// The one-file program is killed in mid-work, again and again: its database stays whole, and what was answered a moment before
// is all that may be missing.

import { Database } from "bun:sqlite";
import { beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { binaryPath, startBinary } from "./support/binary.ts";
import { cleanupsAfterEach } from "./support/cleanups.ts";

beforeAll(() => void binaryPath(), 180_000);

const cleanups = cleanupsAfterEach();

const rounds = process.env["CLAWGATE_HEAVY"] === "1" ? 20 : 3;
/** Records are written every 150 ms; the rest is time for a busy machine. */
const latestMs = 2_000;

test(`kill -9, ${rounds} times: whole, and no record older than moments is lost`, async () => {
  const dir = cleanups.folder("clawgate-killed-");
  const path = join(dir, "records.db");
  const answered = new Map<string, number>();
  let killedAtMs = 0;
  for (let round = 0; round < rounds; round++) {
    const gateway = cleanups.stopAtEnd(
      await startBinary({
        config: { providers: { demo: { backend: "demo" } } },
        dir,
        env: { CLAWGATE_DB_PATH: path },
      }),
    );
    const kill = Promise.withResolvers<void>();
    let isKilled = false;
    const client = async (): Promise<void> => {
      while (!isKilled) {
        const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ model: "demo", messages: [{ role: "user", content: "Hello" }] }),
        }).catch(() => null);
        const id = answer?.headers.get("x-request-id");
        const isWhole =
          (await answer?.text().then(
            () => true,
            () => false,
          )) ?? false;
        if (id && isWhole && answer?.status === 200) answered.set(id, performance.now());
        // The first of this round is old enough to be missed.
        const first = [...answered.values()].find((atMs) => atMs > killedAtMs);
        if (first !== undefined && performance.now() - first > latestMs + 200 + round * 37) kill.resolve();
      }
    };
    const clients = [client(), client(), client(), client()];
    await kill.promise;
    process.kill(gateway.pid, "SIGKILL");
    killedAtMs = performance.now();
    isKilled = true;
    await gateway.exited;
    await Promise.all(clients);
    const db = new Database(path, { readonly: false });
    try {
      expect(db.query("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
      const kept = new Set(
        db
          .query<{ id: string }, []>("SELECT request_id AS id FROM request_records")
          .all()
          .map(({ id }) => id),
      );
      const owed = [...answered].filter(([, atMs]) => killedAtMs - atMs > latestMs);
      expect(owed.length).toBeGreaterThan(0);
      expect(owed.filter(([id]) => !kept.has(id))).toEqual([]);
      // What was lost with this kill will not come back; the next round has records of its own.
      for (const id of answered.keys()) if (!kept.has(id)) answered.delete(id);
    } finally {
      db.close();
    }
  }
}, 240_000);
