// The config's page: a unified diff as numbered lines, places of problems, and the values as paths.

import { expect, test } from "bun:test";
import {
  diffCounts,
  diffLines,
  diskChanges,
  flatValues,
  lineCount,
  lineRange,
  problemLines,
} from "../../src/dashboard/client/operator/config-model.ts";

const diff = [
  "--- config.yaml",
  "+++ config.yaml",
  "@@ -1,3 +1,4 @@",
  " server:",
  "-  port: 1",
  "+  port: 2",
  "+  host: ::1",
  " auth: {}",
  "@@ -20,2 +21,2 @@ tenants:",
  "--- a: 1",
  "+++ b: 2",
  " c: 3",
  "\\ No newline at end of file",
].join("\n");

test("a diff becomes lines with the numbers of both texts", () => {
  const lines = diffLines(diff);
  expect(lines.map(({ kind, text, oldLine, newLine }) => [kind, text, oldLine, newLine])).toEqual([
    ["same", "server:", 1, 1],
    ["removed", "  port: 1", 2, null],
    ["added", "  port: 2", null, 2],
    ["added", "  host: ::1", null, 3],
    ["same", "auth: {}", 3, 4],
    ["gap", "", null, null],
    // A removed line that begins with dashes is no file's head.
    ["removed", "-- a: 1", 20, null],
    ["added", "++ b: 2", null, 21],
    ["same", "c: 3", 21, 22],
  ]);
  expect(diffCounts(lines)).toEqual({ added: 3, removed: 2 });
  expect(diffLines("")).toEqual([]);
});

test("a line is found in its text, the last one too", () => {
  const text = "a\nbcd\n\ne";
  expect(lineCount(text)).toBe(4);
  expect([1, 2, 3, 4, 9].map((line) => text.slice(...lineRange(text, line)))).toEqual([
    "a",
    "bcd",
    "",
    "e",
    "e",
  ]);
  expect(problemLines([{ path: "a", line: 2, message: "", severity: "error" }])).toEqual(new Set([2]));
});

test("values are listed by path", () => {
  const values = { server: { port: 1, hosts: [] }, providers: { demo: { models: [{ id: "m" }], on: true } } };
  expect(flatValues(values)).toEqual([
    { path: "server.port", value: "1" },
    { path: "server.hosts", value: "[]" },
    { path: "providers.demo.models[0].id", value: "m" },
    { path: "providers.demo.on", value: "true" },
  ]);
});

test("what differs on disk is said in sentences", () => {
  const changed = { providers: { added: ["a"], removed: [], changed: ["b"] }, sections: ["queue"] };
  expect(diskChanges({ disk: { state: "differs", path: null, changed, problems: [] } })).toEqual([
    "Provider a is new.",
    "Provider b is different.",
    "Section queue is different.",
  ]);
});
