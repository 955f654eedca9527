import { expect, test } from "bun:test";
import { childrenThatFit } from "../../../src/backends/agent-process/memory-budget.ts";

const fit = (availableMb: number) => childrenThatFit(200, () => Promise.resolve(availableMb));

test("so many fit that the reserve stays", async () => {
  expect([await fit(0), await fit(711), await fit(712), await fit(1512)]).toEqual([0, 0, 1, 5]);
});
