// Lines to somebody who takes them slowly, in parts, or not at all: nobody waits for him, and memory stays bounded.

import { describe, expect, test } from "bun:test";
import { Writable } from "node:stream";
import { createLineWriter } from "../../src/system/line-writer.ts";

type Taken = { readonly bytes: Buffer; done(error: unknown, written: number): void };

function sink() {
  const direct: string[] = [];
  const writable = new Writable({
    write(chunk, _encoding, done) {
      direct.push(String(chunk));
      done();
    },
  });
  const stream = Object.assign(writable, { isTTY: true, fd: 2 }) as NodeJS.WriteStream & { fd: 2 };
  const taken: Taken[] = [];
  const lost: number[] = [];
  const writer = createLineWriter(stream, {
    onLost: (lines) => void lost.push(lines),
    writeTo: (_fd, bytes, done) => void taken.push({ bytes, done }),
  });
  return { writer, direct, taken, lost };
}

describe("a log on its way", () => {
  test("during the start and after the end each line is written at once", async () => {
    const { writer, direct, taken } = sink();
    writer.write("a\n");
    writer.writeInBackground();
    writer.write("b\n");
    const flushed = writer.flush(10_000);
    taken[0]?.done(null, 2);
    await flushed;
    writer.write("c\n");
    expect([direct, taken.map(({ bytes }) => bytes.toString())]).toEqual([["a\n", "c\n"], ["b\n"]]);
  });

  test("what comes while one is on its way goes with the next, in order, and parts are completed", () => {
    const { writer, taken } = sink();
    writer.writeInBackground();
    for (const line of ["one\n", "two\n", "three\n"]) writer.write(line);
    taken[0]?.done(null, 1);
    expect(taken[1]?.bytes.toString()).toBe("ne\n");
    taken[1]?.done(null, 3);
    expect(taken[2]?.bytes.toString()).toBe("two\nthree\n");
  });

  test("of a reader who takes nothing a megabyte is kept, and what was lost is said when he is back", () => {
    const { writer, taken, lost } = sink();
    writer.writeInBackground();
    const line = `${"x".repeat(999)}\n`;
    for (let count = 0; count < 5_000; count++) writer.write(line);
    expect(taken).toHaveLength(1);
    taken[0]?.done(null, 1_000);
    expect(taken[1]?.bytes.length).toBe(1_000_000);
    expect(lost).toEqual([3_999]);
  });

  test("a full disk loses what it cannot take, and is asked again with the next line", () => {
    const { writer, taken, lost } = sink();
    writer.writeInBackground();
    writer.write("a\n");
    writer.write("b\n");
    writer.write("c\n");
    taken[0]?.done(Object.assign(new Error("full"), { code: "ENOSPC" }), 0);
    taken[1]?.done(Object.assign(new Error("full"), { code: "ENOSPC" }), 0);
    expect([taken.length, lost]).toEqual([2, []]);
    writer.write("d\n");
    expect(taken[2]?.bytes.toString()).toBe("d\n");
    taken[2]?.done(null, 2);
    expect(lost).toEqual([3]);
  });

  test("the end waits for him no longer than it may", async () => {
    const { writer, taken } = sink();
    writer.writeInBackground();
    writer.write("a\n");
    await writer.flush(1);
    writer.write("b\n");
    expect(taken).toHaveLength(1);
  });

  test("a terminal without room is tried again, one that is gone is not", async () => {
    const { writer, taken } = sink();
    writer.writeInBackground();
    writer.write("a\n");
    taken[0]?.done(Object.assign(new Error("again"), { code: "EAGAIN" }), 0);
    while (taken.length < 2) await Bun.sleep(5);
    expect(taken[1]?.bytes.toString()).toBe("a\n");
    taken[1]?.done(Object.assign(new Error("gone"), { code: "EIO" }), 0);
    writer.write("b\n");
    expect(taken).toHaveLength(2);
    await writer.flush(10_000);
  });
});
