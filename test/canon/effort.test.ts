import { describe, expect, test } from "bun:test";
import {
  budgetOfEffort,
  type Effort,
  effortOfBudget,
  efforts,
  isEffort,
  nearestEffort,
} from "../../src/canon/effort.ts";

test("the words are known, and nothing else is", () => {
  for (const each of efforts) expect(isEffort(each)).toBe(true);
  for (const other of ["", "HIGH", "highest", null, 3, undefined, ["low"]])
    expect(isEffort(other)).toBe(false);
});

describe("the nearest allowed level", () => {
  const cases: readonly (readonly [Effort, readonly Effort[], Effort | null])[] = [
    ["high", ["low", "medium", "high"], "high"],
    ["max", ["low", "medium", "high"], "high"],
    ["none", ["low", "medium", "high"], "low"],
    ["medium", ["low", "high"], "low"],
    ["medium", ["high", "low"], "low"],
    ["minimal", ["none", "medium"], "none"],
    ["xhigh", ["none"], "none"],
    ["low", [], null],
  ];
  test.each([...cases])("%s of %j is %s", (wanted, allowed, nearest) => {
    expect(nearestEffort(wanted, allowed)).toBe(nearest);
  });
});

test("a level and its budget name each other; between two steps the lower one holds", () => {
  for (const each of efforts) if (each !== "none") expect(effortOfBudget(budgetOfEffort(each))).toBe(each);
  expect(budgetOfEffort("none")).toBe(0);
  expect(effortOfBudget(0)).toBe("minimal");
  expect(effortOfBudget(4_095)).toBe("minimal");
  expect(effortOfBudget(4_096)).toBe("low");
  expect(effortOfBudget(1e9)).toBe("max");
});
