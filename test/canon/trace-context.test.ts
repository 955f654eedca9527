import { describe, expect, test } from "bun:test";
import { readTraceParent, traceHeaders, TraceIds } from "../../src/canon/trace-context.ts";

const trace = "0af7651916cd43dd8448eb211c80319c";
const span = "b7ad6b7169203331";

describe("traceparent", () => {
  test.each([
    ["sampled", `00-${trace}-${span}-01`, true],
    ["not sampled", `00-${trace}-${span}-00`, false],
    ["other flags beside it", `00-${trace}-${span}-ff`, true],
    ["a later version", `01-${trace}-${span}-01`, true],
    ["a later version with more", `cc-${trace}-${span}-01-what-the-future-will-be`, true],
    ["blanks around it", `  00-${trace}-${span}-01 `, true],
  ])("%s", (_, header, isSampled) => {
    expect(readTraceParent(header, null)).toEqual({ traceId: trace, spanId: span, isSampled, state: "" });
  });

  test.each([
    ["absent", null],
    ["empty", ""],
    ["version ff", `ff-${trace}-${span}-01`],
    ["the first version with more", `00-${trace}-${span}-01-x`],
    ["upper case", `00-${trace.toUpperCase()}-${span}-01`],
    ["a trace of zeros", `00-${"0".repeat(32)}-${span}-01`],
    ["a span of zeros", `00-${trace}-${"0".repeat(16)}-01`],
    ["too short", `00-${trace.slice(1)}-${span}-01`],
    ["no flags", `00-${trace}-${span}`],
    ["two of them", `00-${trace}-${span}-01, 00-${trace}-${span}-01`],
    ["a later version that goes on without a dash", `01-${trace}-${span}-01x`],
    ["something else", "'; drop table requests; --"],
    ["very long", `01-${trace}-${span}-01-${"x".repeat(10_000)}`],
  ])("ignored: %s", (_, header) => {
    expect(readTraceParent(header, "a=1")).toBeNull();
  });
});

describe("tracestate", () => {
  const stateOf = (state: string | null) => readTraceParent(`00-${trace}-${span}-01`, state)?.state;

  test.each([
    ["a=1", "a=1"],
    ["a=1, b=2 ,", "a=1,b=2"],
    ["tenant@vendor=x y:z", "tenant@vendor=x y:z"],
  ])("%s", (written, read) => {
    expect(stateOf(written)).toBe(read);
  });

  test.each([
    ["no pair", "abc"],
    ["a key in upper case", "A=1"],
    ["one key twice", "a=1,a=2"],
    ["a line break", "a=1\nx: y"],
    ["too many", Array.from({ length: 33 }, (_, at) => `k${at}=1`).join(",")],
    ["too long", `a=${"x".repeat(600)}`],
  ])("left out as a whole: %s", (_, written) => {
    expect(stateOf(written)).toBe("");
  });
});

test("the headers for an upstream", () => {
  const parent = { traceId: trace, spanId: span, isSampled: true, state: "a=1" };
  const ours = { traceId: trace, spanId: "1111111111111111", parent, isSampled: false };
  expect(traceHeaders(ours, "2222222222222222")).toEqual({
    traceparent: `00-${trace}-2222222222222222-00`,
    tracestate: "a=1",
  });
  expect(traceHeaders({ ...ours, parent: null, isSampled: true }, span)).toEqual({
    traceparent: `00-${trace}-${span}-01`,
  });
});

test("ids are of the right form, and none comes twice", () => {
  const ids = new TraceIds();
  const traces = Array.from({ length: 2_000 }, () => ids.newTraceId());
  const spans = Array.from({ length: 2_000 }, () => ids.newSpanId());
  expect(new Set(traces).size).toBe(2_000);
  expect(new Set(spans).size).toBe(2_000);
  for (const id of traces) expect(id).toMatch(/^[0-9a-f]{32}$/);
  for (const id of spans) expect(id).toMatch(/^[0-9a-f]{16}$/);
});
