// Whose processes are expected, before and after a restart.

import { expect, test } from "bun:test";
import { keysToWarm } from "../../../src/backends/agent-process/warm-keys.ts";
import { createRecentKeys } from "../../../src/backends/agent-process/recent-keys.ts";
import { settleQueues } from "../../support/clock.ts";

function memory(kept: unknown = undefined) {
  const writes: unknown[] = [];
  return {
    writes,
    get: async () => writes.at(-1) ?? kept,
    set: async (value: unknown) => void writes.push(structuredClone(value)),
  };
}
const key = (model: string, tenant: string | null = null) => ({ tenant, model });

test("who answered last comes first, over a restart too; the order alone is written only at the end", async () => {
  const store = memory();
  const recentKeys = createRecentKeys(store);
  for (const model of ["a", "b", "a", "a"]) recentKeys.note(key(model));
  await settleQueues();
  expect(store.writes).toHaveLength(2);
  await recentKeys.save();
  await recentKeys.save();
  expect(store.writes).toHaveLength(3);
  const next = createRecentKeys(store);
  next.note(key("c"));
  expect((await next.recall()).map(({ model }) => model)).toEqual(["c", "a", "b"]);
});

test.each([[null], [{}], [[1, { tenant: 4, model: "a" }, { tenant: null }]]])(
  "what stands in the store as %j is nobody",
  async (kept) => {
    expect(await createRecentKeys(memory(kept)).recall()).toEqual([]);
  },
);

test("a few are kept", async () => {
  const recentKeys = createRecentKeys(memory());
  for (let at = 0; at < 50; at++) recentKeys.note(key(`m${at}`));
  expect((await recentKeys.recall()).map(({ model }) => model)).toEqual(
    [49, 48, 47, 46, 45, 44, 43, 42].map((at) => `m${at}`),
  );
});

test.each([
  ["nobody asked yet", [], [], { size: 1, max: 3 }, [key("usual")]],
  ["somebody did", [key("a")], [], { size: 1, max: 3 }, [key("usual"), key("a")]],
  ["the usual one", [key("usual"), key("a")], [], { size: 1, max: 3 }, [key("a"), key("usual")]],
  ["no more than fit", [key("a"), key("b")], [], { size: 2, max: 3 }, [key("a")]],
  ["none is wanted", [key("a")], [], { size: 0, max: 3 }, []],
  ["a tenant", [], ["t"], { size: 1, max: 3 }, [key("usual", "t")]],
  ["several", [key("a", "u"), key("a", "gone"), key("a")], ["t", "u"], { size: 1, max: 3 }, [key("a", "u")]],
])("started ahead where %s", async (_name, known, tenants, limits, expected) => {
  const served = { tenants: new Map(tenants.map((name) => [name, {}])), model: "usual" };
  expect(await keysToWarm({ recall: async () => known }, served, limits)).toEqual(expected);
});
