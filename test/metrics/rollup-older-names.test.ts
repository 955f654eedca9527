// Sums that were stored before requests had a class: they are read and added to as sums of requests without one.

import { expect, test } from "bun:test";
import {
  type CountedRow,
  counterIndex,
  dimensionIndex,
  dimensionNames,
} from "../../src/metrics/record-counters.ts";
import { decodeRollup, RollupBuilder } from "../../src/metrics/rollup-data.ts";

const row = (id: number, provider: string, turn: string | null): CountedRow => [
  id,
  1_000,
  null,
  "cli",
  null,
  null,
  provider,
  "m",
  "r",
  200,
  null,
  null,
  0,
  1,
  5,
  1,
  10,
  0,
  0,
  2,
  0,
  7,
  null,
  null,
  null,
  null,
  null,
  null,
  turn,
];

/** The same bytes without the last list of names. */
function older(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(0, true);
  const header = JSON.parse(Buffer.from(bytes.subarray(4, 4 + length)).toString()) as { names: string[][] };
  const text = Buffer.from(JSON.stringify({ ...header, names: header.names.slice(0, -1) }));
  let at = 4 + length;
  const columnEnd = (start: number): number =>
    start + 5 + (bytes[start] ?? 0) * view.getUint32(start + 1, true);
  const first = at;
  for (let i = 0; i < dimensionNames.length - 1; i++) at = columnEnd(at);
  return Buffer.concat([
    new Uint8Array(Uint32Array.of(text.length).buffer),
    text,
    bytes.subarray(first, at),
    bytes.subarray(columnEnd(at)),
  ]);
}

test("sums of an older version count as requests without a class", () => {
  const written = new RollupBuilder();
  written.add(row(1, "a", null));
  written.add(row(2, "b", null));
  written.add(row(3, "b", null));
  const read = decodeRollup(older(written.encode()));
  expect(read.dimensions.map(({ names }) => names.length)).toEqual(
    decodeRollup(written.encode()).dimensions.map(({ names }) => names.length),
  );
  expect([...(read.counter(counterIndex.requests) ?? [])]).toEqual([1, 2]);

  const longer = new RollupBuilder();
  longer.add(row(4, "b", "auxiliary"));
  longer.addAll(read);
  const sums = decodeRollup(longer.encode());
  const classes = sums.dimensions[dimensionIndex.class];
  const requests = sums.counter(counterIndex.requests);
  const byClass: Record<string, number> = {};
  for (let i = 0; i < sums.cells; i++) {
    const name = classes?.names[classes.of[i] ?? 0] ?? "?";
    byClass[name] = (byClass[name] ?? 0) + (requests?.[i] ?? 0);
  }
  expect(byClass).toEqual({ auxiliary: 1, "": 3 });
});

test("requests in a row that differ in their class alone are sums of their own", () => {
  const builder = new RollupBuilder();
  builder.add(row(1, "a", "main"));
  builder.add(row(2, "a", "auxiliary"));
  builder.add(row(3, "a", "auxiliary"));
  const sums = decodeRollup(builder.encode());
  const classes = sums.dimensions[dimensionIndex.class];
  expect(classes?.names.toSorted()).toEqual(
    ["", "auxiliary", "main"].slice(3 - (classes?.names.length ?? 0)),
  );
  expect([...(sums.counter(counterIndex.requests) ?? [])]).toEqual([1, 2]);
});
