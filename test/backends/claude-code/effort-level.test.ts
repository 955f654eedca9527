import { describe, expect, test } from "bun:test";
import { noRequestOptions } from "../../../src/backends/backend.ts";
import {
  type EffortQuery,
  presetEffort,
  resolveEffort,
} from "../../../src/backends/claude-code/effort-level.ts";
import { Failure } from "../../../src/canon/failure.ts";

const question = (more: Partial<EffortQuery>): EffortQuery => ({
  requestOptions: noRequestOptions,
  request: { effort: null },
  preset: null,
  levels: null,
  ...more,
});
const requesting = (effort: string) => ({ effort, mcpServers: [] });

describe("effort", () => {
  test.each([
    ["nobody says anything", {}, null, false],
    ["the operator's", { preset: "low" }, "low", false],
    ["the request's before the operator's", { preset: "low", request: { effort: "high" } }, "high", false],
    [
      "the request option before both",
      { preset: "low", request: { effort: "high" }, requestOptions: requesting("max") },
      "max",
      false,
    ],
    [
      "the nearest of what the model takes",
      { request: { effort: "max" }, levels: ["low", "high"] },
      "high",
      false,
    ],
    ["the same for the operator's", { preset: "xhigh", levels: ["low", "medium"] }, "medium", false],
    ["minimal is low", { request: { effort: "minimal" } }, "low", false],
    ["a model without any drops the operator's in silence", { preset: "high", levels: [] }, null, false],
    ["but not the client's", { request: { effort: "high" }, levels: [] }, null, true],
    ["nor its request option", { requestOptions: requesting("high"), levels: [] }, null, true],
  ] as const)("%s", (_name, more, effort, isUnsupported) => {
    expect(resolveEffort(question(more as Partial<EffortQuery>))).toEqual({ effort, isUnsupported });
  });

  test.each([
    ["bogus", null, 'There is no effort "bogus". It takes: low, medium, high, xhigh, max.'],
    [
      "minimal",
      null,
      'This model does not take the effort "minimal". It takes: low, medium, high, xhigh, max.',
    ],
    ["xhigh", ["low", "high"], 'This model does not take the effort "xhigh". It takes: low, high.'],
    ["a\u0000\u00e4", ["low"], 'There is no effort "a??". It takes: low.'],
    ["bogus", [], 'There is no effort "bogus". It takes: low, medium, high, xhigh, max.'],
  ])("%p for %p is refused", (effort, levels, message) => {
    const run = () => resolveEffort(question({ requestOptions: requesting(effort), levels }));
    expect(run).toThrow(message);
    expect(run).toThrow(Failure);
  });

  test("what the process is started with", () => {
    expect([presetEffort(null, null), presetEffort("none", null), presetEffort("high", ["low"])]).toEqual([
      null,
      null,
      "low",
    ]);
  });
});
