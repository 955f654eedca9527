// What people are told of providers that are not loaded.

import { expect, test } from "bun:test";
import { notLoadedLines } from "../../src/commands/not-loaded.ts";

test("those that only lack a key are one line; every other reason is told", () => {
  expect(notLoadedLines([])).toEqual([]);
  expect(notLoadedLines([{ id: "a", reason: "A_KEY is not set" }])).toEqual(["a, A_KEY is not set"]);
  expect(
    notLoadedLines([
      { id: "a", reason: "A_KEY is not set" },
      { id: "b", reason: "the backend is not in this build" },
      { id: "c", reason: "its api_key is empty" },
    ]),
  ).toEqual(["b, the backend is not in this build", "without a key: a, c"]);
});
