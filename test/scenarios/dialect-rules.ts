// Every scenario in the parts of one dialect: request, stream, reply, and the round trips between them. No app is started.

import { describe, expect, test } from "bun:test";
import { foldReply } from "../../src/canon/reply.ts";
import type { DialectName } from "../../src/canon/request.ts";
import type { AnswerFacts } from "../../src/dialects/dialect.ts";
import { dialects } from "../../src/dialects/dialect-table.ts";
import { losses } from "../dialects/losses.ts";
import { plain, said, sayable, understood } from "./oracle.ts";
import { canonicalOf, fails, type ScenarioName, scenarioNames, sideOf } from "./scenario.ts";

const facts: AnswerFacts = { requestId: "01REQ", createdSeconds: 1, wantsUsage: true };
const wholeCutBytes = 8 * 1024;

function stations(scenario: ScenarioName, name: DialectName): void {
  const dialect = dialects[name];

  test("the request is read", () => {
    const decoded = dialect.client.decodeRequest(sideOf(scenario, name).request);
    expect(sayable(name, decoded)).toEqual(sayable(name, canonicalOf(scenario).request));
  });

  test("the stream is read", () => {
    expect(plain(understood(name, sideOf(scenario, name).sse))).toEqual(plain(said(scenario, name)));
  });

  test("cut anywhere, the bytes mean the same", () => {
    const { sse } = sideOf(scenario, name);
    const whole = JSON.stringify(plain(understood(name, sse)));
    const step = sse.length <= wholeCutBytes ? 1 : Math.ceil(sse.length / 1024);
    const broken: number[] = [];
    for (let at = 1; at < sse.length; at += step)
      if (JSON.stringify(plain(understood(name, sse.subarray(0, at), sse.subarray(at)))) !== whole)
        broken.push(at);
    expect(broken).toEqual([]);
    const single = Array.from(sse, (byte) => Uint8Array.of(byte));
    expect(JSON.stringify(plain(understood(name, ...single)))).toBe(whole);
  });

  test("what is encoded is decoded", () => {
    const { events } = canonicalOf(scenario);
    const encode = (from: typeof events): string => {
      const encoder = dialect.client.streamEncoder(facts);
      return from.map((event) => encoder.step(event)).join("");
    };
    expect(plain(understood(name, encode(events)))).toEqual(plain(losses[name](events)));
    const recorded = understood(name, sideOf(scenario, name).sse);
    expect(plain(understood(name, encode(recorded)))).toEqual(plain(losses[name](recorded)));
    if (!fails(scenario)) expect(losses[name](recorded)).toEqual(recorded);
  });

  if (fails(scenario)) return;

  test("the reply is read, and survives being written", () => {
    const { reply } = sideOf(scenario, name);
    const wanted = foldReply(said(scenario, name));
    expect(foldReply(dialect.backend.decodeReply(reply?.value))).toEqual(wanted);
    const written = JSON.parse(JSON.stringify(dialect.client.encodeReply(wanted, facts))) as unknown;
    expect(foldReply(dialect.backend.decodeReply(written))).toEqual(wanted);
  });
}

export function describeDialect(name: DialectName): void {
  describe.each([...scenarioNames])(`${name}: %s`, (scenario) => stations(scenario, name));
}
