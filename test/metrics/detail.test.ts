// The one text of a row: what goes in comes out, and what is absent costs nothing.

import { expect, test } from "bun:test";
import { readDetail, writeDetail } from "../../src/metrics/detail.ts";
import { sampleAttempt, sampleRecord } from "./samples.ts";

test("an attempt keeps the fingerprint of its key; without one it is no longer than before", () => {
  const attempts = [sampleAttempt({ credential: "1a2b3c4d", outcome: "failed" }), sampleAttempt()];
  const record = sampleRecord("r", { attempts });
  const written = writeDetail(record, true);
  expect(readDetail(written, record.startedAtMs).attempts).toEqual(attempts);
  const [named, unnamed] = (JSON.parse(written) as { attempts: unknown[][] }).attempts;
  expect(named?.at(-1)).toBe("1a2b3c4d");
  expect(unnamed).toHaveLength((named?.length ?? 0) - 1);
});

test("what was adapted is kept, with a fingerprint and without one; nothing adapted costs nothing", () => {
  const adapted = ["thinking-blocks-dropped", "max-tokens-cut:8192"];
  const attempts = [
    sampleAttempt({ adapted }),
    sampleAttempt({ adapted, credential: "1a2b3c4d" }),
    sampleAttempt(),
  ];
  const record = sampleRecord("r", { attempts });
  const written = writeDetail(record, true);
  expect(readDetail(written, record.startedAtMs).attempts).toEqual(attempts);
  const plain = (JSON.parse(written) as { attempts: unknown[][] }).attempts[2];
  expect(plain?.at(-1)).toBe(0);
});

test("the place in the queue is kept, where there was one", () => {
  const attempts = [
    sampleAttempt({ queuePosition: 3, waitMs: 200 }),
    sampleAttempt({ queuePosition: 1, credential: "1a2b3c4d", adapted: ["max-tokens-cut:8192"] }),
  ];
  const record = sampleRecord("r", { attempts });
  expect(readDetail(writeDetail(record, true), record.startedAtMs).attempts).toEqual(attempts);
});
