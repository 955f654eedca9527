// Attributes of spans that are alike are put together once, also where requests of several kinds come in turns.

import { expect, test } from "bun:test";
import type { Attributes } from "../../src/telemetry/attributes.ts";
import { SharedAttributes } from "../../src/telemetry/shared-attributes.ts";

const keyed = (shared: SharedAttributes, counts: Map<string, number>, kind: string): Attributes =>
  shared.of([kind, 200, null], (attributes) => {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    attributes.text("kind", kind);
  });

test("a few kinds in turns are each put together once, and never mixed up", () => {
  const shared = new SharedAttributes();
  const counts = new Map<string, number>();
  for (let turn = 0; turn < 50; turn++) {
    const kind = `kind-${turn % 5}`;
    expect(keyed(shared, counts, kind).toJson()).toEqual([{ key: "kind", value: { stringValue: kind } }]);
  }
  expect([...counts.values()]).toEqual([1, 1, 1, 1, 1]);
});

test("of many kinds the oldest are forgotten", () => {
  const shared = new SharedAttributes();
  const counts = new Map<string, number>();
  for (let turn = 0; turn < 60; turn++) {
    const kind = `kind-${turn % 20}`;
    expect(keyed(shared, counts, kind).toJson()).toEqual([{ key: "kind", value: { stringValue: kind } }]);
  }
  expect(counts.get("kind-0")).toBe(3);
});
