// The small form of scripts/trials/totals.ts: every interface that tells totals tells the same ones.

import { beforeAll, expect, test } from "bun:test";
import { compareTotals } from "../scripts/trials/totals.ts";
import { binaryPath } from "./support/binary.ts";

beforeAll(() => void binaryPath(), 180_000);

test("360 mixed requests: metrics, statistics, exports and OpenTelemetry agree", async () => {
  const { lines, isHeld } = await compareTotals({ rows: 360 });
  expect(isHeld, lines.join("\n")).toBe(true);
}, 60_000);
