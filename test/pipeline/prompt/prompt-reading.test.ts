// Prompts are read a little after their answers began, together; each gives its bytes back once, and none is lost at a stop.

import { expect, test } from "bun:test";
import type { IncomingRequest } from "../../../src/pipeline/incoming-request.ts";
import { type PromptReading, PromptReadings } from "../../../src/pipeline/prompt/prompt-reading.ts";
import { scanObject } from "../../../src/wire/json.ts";

const noError = (error: unknown): void => {
  throw error;
};

function requestOf(text: string, session: string | null = "s"): IncomingRequest {
  const bytes = Buffer.from(JSON.stringify({ model: "m", messages: [{ role: "user", content: text }] }));
  return {
    endpoint: { kind: "chat" },
    sessionKey: session,
    bodyDialect: "openai-chat",
    envelope: { bytes, scan: scanObject(bytes, 64), model: "m" },
  } as never;
}

/** Larger than what is read as soon as the request is over. */
const large = "x".repeat(70_000);

function begun(readings: PromptReadings, text: string, events: string[], more = large): PromptReading {
  const reading = readings.of(requestOf(text + more), noError);
  if (reading === null) throw new Error("it is not read");
  reading.readSoon(() => events.push(`${text} released`));
  reading.whenRead(() => events.push(`${text} recorded`));
  return reading;
}

test("a small one is read when its request is over: its record is written in the order of the ends", async () => {
  const readings = new PromptReadings();
  const events: string[] = [];
  const reading = begun(readings, "a", events, "");
  expect(events).toEqual(["a released", "a recorded"]);
  expect(reading.outline?.messages).toHaveLength(1);
  await Bun.sleep(10);
  expect(events).toHaveLength(2);
});

test("all large ones that began meanwhile are read in the order of their beginning, bytes first given back", async () => {
  const readings = new PromptReadings();
  const events: string[] = [];
  const [first] = [begun(readings, "a", events), begun(readings, "b", events)];
  expect(events).toEqual([]);
  const { promise, resolve } = Promise.withResolvers<void>();
  readings.of(requestOf("last"), noError)?.readSoon(resolve);
  await promise;
  expect(events).toEqual(["a released", "a recorded", "b released", "b recorded"]);
  expect(first?.outline?.messages).toHaveLength(1);
});

test("at a stop what waits is read at once, and not again", async () => {
  const readings = new PromptReadings();
  const events: string[] = [];
  begun(readings, "a", events);
  readings.finish();
  expect(events).toEqual(["a released", "a recorded"]);
  await Bun.sleep(10);
  expect(events).toHaveLength(2);
});

test("one whose record throws does not keep the others from theirs", async () => {
  const readings = new PromptReadings();
  const events: string[] = [];
  const broken = readings.of(requestOf("x"), noError);
  broken?.readSoon(() => {
    throw new Error("as if");
  });
  begun(readings, "a", events);
  expect(() => readings.finish()).toThrow("as if");
  readings.finish();
  expect(events).toEqual(["a released", "a recorded"]);
});

test("a request without a session is not read", () => {
  expect(new PromptReadings().of(requestOf("a", null), noError)).toBeNull();
});
