// How exports reach a collector that is slow, refuses or is away. The clock is the test's own wherever something waits.

import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type Destination, readTelemetrySettings } from "../../src/telemetry/otel-variables.ts";
import { partialSuccessOf } from "../../src/telemetry/otlp-response.ts";
import { OtlpSender, type SenderOptions } from "../../src/telemetry/otlp-sender.ts";
import { systemClock } from "../../src/system/clock.ts";
import { hasOpenssl, selfSigned } from "../support/certificate.ts";
import { fakeClock } from "../support/clock.ts";
import { startCollector } from "../support/otel-collector.ts";

const folder = mkdtempSync(join(tmpdir(), "clawgate-otlp-"));
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const never = new AbortController().signal;
const body = new Uint8Array();

function destinationAt(url: string, variables: Readonly<Record<string, string>> = {}): Destination {
  const { traces } = readTelemetrySettings({ OTEL_EXPORTER_OTLP_ENDPOINT: url, ...variables });
  if (traces === null) throw new Error("no destination");
  return traces;
}

type Line = { readonly message: string; readonly fields: unknown };

function open(destination: Destination, change: Partial<SenderOptions> = {}) {
  const lines: Line[] = [];
  const say = (message: string, fields?: unknown): void => void lines.push({ message, fields });
  const sender = new OtlpSender({
    destination,
    what: "spans",
    proxy: null,
    userAgent: "clawgate/test",
    fetch,
    clock: systemClock,
    log: { warn: say, info: say },
    ...change,
  });
  return { sender, lines };
}

/** Answers in turn, the last one for ever. */
function answering(...answers: readonly (() => Response)[]) {
  const asked: RequestInit[] = [];
  const send = ((_url: string, init: RequestInit) => {
    const answer = answers[Math.min(asked.length, answers.length - 1)];
    asked.push(init);
    if (answer === undefined) throw new Error("no answer");
    return Promise.resolve().then(answer);
  }) as typeof fetch;
  return { asked, send };
}
const status =
  (code: number, headers: Record<string, string> = {}) =>
  () =>
    new Response("", { status: code, headers });
const lost = (): Response => {
  throw new Error("ECONNREFUSED");
};

async function sendWith(send: typeof fetch, variables: Readonly<Record<string, string>> = {}) {
  const clock = fakeClock();
  const { sender, lines } = open(destinationAt("http://collector", variables), { clock, fetch: send });
  let result: boolean | null = null;
  void sender.send(body, 2, never).then((sent) => (result = sent));
  const elapse = async (ms: number): Promise<void> => {
    await clock.advance(ms);
  };
  await elapse(0);
  return { sender, lines, elapse, result: () => result, waiting: clock.waiting };
}

describe("again", () => {
  test.each([429, 502, 503, 504])("after %d, when the pause is over", async (code) => {
    const { asked, send } = answering(status(code), status(200));
    const sent = await sendWith(send);
    expect([asked.length, sent.result()]).toEqual([1, null]);
    await sent.elapse(1_100);
    expect([asked.length, sent.result()]).toEqual([2, true]);
    expect(sent.sender.state()).toEqual({ sent: 2, lost: 0, problem: null });
    expect(sent.lines).toEqual([]);
    expect(sent.waiting()).toBe(0);
  });

  test("not before Retry-After", async () => {
    const { asked, send } = answering(status(503, { "retry-after": "4" }), status(200));
    const sent = await sendWith(send);
    await sent.elapse(3_900);
    expect(asked).toHaveLength(1);
    await sent.elapse(200);
    expect([asked.length, sent.result()]).toEqual([2, true]);
  });

  test("not at all when Retry-After lies beyond the timeout", async () => {
    const { asked, send } = answering(status(503, { "retry-after": "3600" }));
    const sent = await sendWith(send);
    expect([asked.length, sent.result()]).toEqual([1, false]);
  });

  test.each([400, 401, 404, 413, 500, 301])("never after %d", async (code) => {
    const { asked, send } = answering(status(code));
    const sent = await sendWith(send);
    await sent.elapse(20_000);
    expect([asked.length, sent.result()]).toEqual([1, false]);
    expect(sent.lines).toMatchObject([
      { fields: { collector: "http://collector/v1/traces", detail: `it answered ${code}` } },
    ]);
  });

  test("after a lost connection, with growing pauses, never beyond the timeout", async () => {
    const { asked, send } = answering(lost);
    const sent = await sendWith(send);
    await sent.elapse(9_900);
    expect(asked.length).toBeGreaterThan(2);
    expect(asked.length).toBeLessThan(9);
    await sent.elapse(5_000);
    expect(sent.result()).toBe(false);
    expect(sent.sender.state()).toEqual({ sent: 0, lost: 2, problem: "ECONNREFUSED" });
    expect(sent.waiting()).toBe(0);
  });
});

test("a collector that is away is logged once, rests, and once when it is back", async () => {
  const { send } = answering(status(500), status(500), status(200));
  const clock = fakeClock();
  const { sender, lines } = open(destinationAt("http://collector"), { clock, fetch: send });
  await sender.send(body, 1, never);
  expect(sender.isResting()).toBe(true);
  await clock.advance(5_100);
  expect(sender.isResting()).toBe(false);
  await sender.send(body, 1, never);
  await clock.advance(5_100);
  expect(sender.isResting()).toBe(true);
  await sender.send(body, 1, never);
  expect(lines.map(({ message }) => message)).toEqual([
    "spans could not be sent to the OpenTelemetry collector; requests are not affected",
    "the OpenTelemetry collector takes spans again",
  ]);
});

test("a silent collector is left after the timeout, and at once when the gateway stops", async () => {
  const collector = startCollector();
  cleanups.push(() => collector.stop());
  collector.answer = () => new Promise<Response>(() => undefined);
  const { sender } = open(destinationAt(collector.url, { OTEL_EXPORTER_OTLP_TIMEOUT: "100" }));
  expect(await sender.send(body, 1, never)).toBe(false);
  const patient = open(destinationAt(collector.url)).sender;
  const stop = new AbortController();
  const sending = patient.send(body, 1, stop.signal);
  stop.abort();
  expect(await sending).toBe(false);
  expect(await patient.send(body, 1, stop.signal)).toBe(false);
});

describe("a part that the collector refused", () => {
  const protobuf = Uint8Array.from([10, 9, 8, 172, 2, 18, 4, 98, 97, 100, 33]);
  const json = new TextEncoder().encode(
    JSON.stringify({ partialSuccess: { rejectedSpans: "300", errorMessage: "bad!" } }),
  );

  test.each([
    ["application/x-protobuf", protobuf],
    ["application/json; charset=utf-8", json],
  ])("is read from %s", (type, answer) => {
    expect(partialSuccessOf(type, answer)).toEqual({ rejected: 300, message: "bad!" });
  });

  test.each([
    ["nothing", "application/x-protobuf", new Uint8Array()],
    ["another message", "application/x-protobuf", Uint8Array.from([18, 2, 1, 1])],
    ["a broken one", "application/x-protobuf", Uint8Array.from([10, 200, 255, 255])],
    ["no JSON", "application/json", new TextEncoder().encode("<html>")],
    ["other JSON", "application/json", new TextEncoder().encode("[null]")],
  ])("is none: %s", (_, type, answer) => {
    expect(partialSuccessOf(type, answer)).toEqual({ rejected: 0, message: "" });
  });

  test("counts as lost and is logged once", async () => {
    const { send } = answering(
      () => new Response(protobuf, { headers: { "content-type": "application/x-protobuf" } }),
    );
    const { sender, lines } = open(destinationAt("http://collector"), { fetch: send });
    expect(await sender.send(body, 500, never)).toBe(true);
    await sender.send(body, 500, never);
    expect(sender.state().lost).toBe(600);
    expect(lines).toMatchObject([{ fields: { rejected: 300, detail: "bad!" } }]);
  });
});

describe("what is sent", () => {
  test("headers of the operator, compressed bytes, and nothing follows a redirect", async () => {
    const { asked, send } = answering(status(200));
    const variables = { OTEL_EXPORTER_OTLP_HEADERS: "x-api-key=k", OTEL_EXPORTER_OTLP_COMPRESSION: "gzip" };
    await sendWith(send, variables);
    for (let turn = 0; asked.length === 0 && turn < 1_000; turn += 1) await Bun.sleep(1);
    expect(asked[0]).toMatchObject({
      method: "POST",
      redirect: "manual",
      headers: { "x-api-key": "k", "content-encoding": "gzip", "content-type": "application/x-protobuf" },
    });
    const bytes = asked[0]?.body;
    expect(bytes).toBeInstanceOf(Uint8Array);
    expect(Bun.gunzipSync(bytes as Uint8Array<ArrayBuffer>)).toHaveLength(0);
  });

  test("through the proxy that it is given", async () => {
    const { asked, send } = answering(status(200));
    const { sender } = open(destinationAt("http://collector"), { fetch: send, proxy: "http://proxy:3128" });
    await sender.send(body, 1, never);
    expect(asked[0]).toMatchObject({ proxy: "http://proxy:3128" });
  });

  test("to a collector whose certificate the operator names, and to no other", async () => {
    expect(hasOpenssl).toBe(true);
    const ours = selfSigned();
    const collector = startCollector(ours);
    cleanups.push(() => collector.stop());
    const trusted = join(folder, "ca.pem");
    writeFileSync(trusted, ours.cert);
    const url = collector.url.replace("127.0.0.1", "localhost");
    const quick = { OTEL_EXPORTER_OTLP_TIMEOUT: "900" };
    const certificate = { ...quick, OTEL_EXPORTER_OTLP_CERTIFICATE: trusted };
    expect(await open(destinationAt(url, quick)).sender.send(body, 1, never)).toBe(false);
    expect(await open(destinationAt(url, certificate)).sender.send(body, 1, never)).toBe(true);
    const missing = { ...quick, OTEL_EXPORTER_OTLP_CERTIFICATE: join(folder, "missing.pem") };
    const { sender, lines } = open(destinationAt(url, missing));
    expect(await sender.send(body, 1, never)).toBe(false);
    expect(JSON.stringify(lines)).toContain("missing.pem");
  });

  test("shows its own certificate to a collector that asks for one", async () => {
    const ours = selfSigned();
    const collector = createServer(
      { ...ours, ca: ours.cert, requestCert: true, rejectUnauthorized: true },
      (request, response) => {
        request.resume();
        response.end();
      },
    );
    await new Promise<void>((resolve) => void collector.listen(0, "127.0.0.1", resolve));
    cleanups.push(() => void collector.close());
    const [trusted, key] = [join(folder, "trusted.pem"), join(folder, "client-key.pem")];
    writeFileSync(trusted, ours.cert);
    writeFileSync(key, ours.key);
    const url = `https://localhost:${(collector.address() as AddressInfo).port}`;
    const server = { OTEL_EXPORTER_OTLP_TIMEOUT: "900", OTEL_EXPORTER_OTLP_CERTIFICATE: trusted };
    const client = { OTEL_EXPORTER_OTLP_CLIENT_KEY: key, OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: trusted };
    expect(await open(destinationAt(url, server)).sender.send(body, 1, never)).toBe(false);
    expect(await open(destinationAt(url, { ...server, ...client })).sender.send(body, 1, never)).toBe(true);
  });
});
