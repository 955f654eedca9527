// The stream of an export: refused before its first byte where the store has nothing to give, broken off where it is not whole.

import { expect, test } from "bun:test";
import type { RequestRow } from "../../../src/metrics/query-shapes.ts";
import type { StoreStatus } from "../../../src/metrics/store-status.ts";
import { Exports } from "../../../src/operator/export/export-stream.ts";

const working: StoreStatus = {
  path: "clawgate.db",
  queued: 0,
  dropped: 0,
  written: 0,
  state: "ok",
  detail: null,
};

/** The status of the store at the first and at any later look. */
function exportsOf(first: Partial<StoreStatus>, later = first, thrown: Error | null = null) {
  let looks = 0;
  const store = {
    status: (): StoreStatus => ({ ...working, ...(looks++ === 0 ? first : later) }),
    async *export(): AsyncGenerator<readonly RequestRow[]> {
      if (thrown !== null) throw thrown;
      yield [];
    },
  };
  return new Exports(store, () => 0);
}

const query = new URLSearchParams();
const { signal } = new AbortController();

async function textOf(exports: Exports): Promise<string> {
  let text = "";
  for await (const piece of exports.open(query, signal).body) text += piece;
  return text;
}

test("without requests is the line of its columns", async () => {
  expect(await textOf(exportsOf({}))).toStartWith("time,id,request_id,");
});

test("is refused with the reason where nothing is recorded, or cannot be written", () => {
  const off = exportsOf({ state: "disabled", detail: "metrics are switched off in the config" });
  expect(() => off.open(query, signal)).toThrow("metrics are switched off in the config");
  const failed = exportsOf({ state: "failed", detail: "SQLITE_FULL" });
  for (let i = 0; i < 9; i++) expect(() => failed.open(query, signal)).toThrow("SQLITE_FULL");
});

test("breaks off where the store fails meanwhile or a piece cannot be read", async () => {
  const failing = exportsOf({}, { state: "failed", detail: "SQLITE_BUSY" });
  expect(await textOf(failing).catch(String)).toContain("SQLITE_BUSY");
  expect(await textOf(exportsOf({}, {}, new Error("unreadable"))).catch(String)).toContain("unreadable");
});
