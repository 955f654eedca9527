// How alerts are delivered: a web address that verifies the signature, a topic, a program; what is tried again and what is given up.

import { afterAll, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAlertCommand } from "../../src/alerts/delivery/command.ts";
import type { AlertMessage, Channel, DeliveryResult } from "../../src/alerts/delivery/message.ts";
import { createNtfy } from "../../src/alerts/delivery/ntfy.ts";
import { Outbox } from "../../src/alerts/delivery/outbox.ts";
import { createWebhook } from "../../src/alerts/delivery/webhook.ts";
import { alertsSettings } from "../../src/alerts/settings.ts";
import { systemClock } from "../../src/system/clock.ts";
import { fakeClock } from "../support/clock.ts";

const message: AlertMessage = {
  id: "01MESSAGE",
  atMs: 1_700_000_000_000,
  status: "firing",
  severity: "critical",
  title: "ClawGate: provider-out (one)\r\nX-Evil: 1 ünï",
  text: "Provider one is out of use – ünï.",
  summarized: [],
  alert: {
    id: "01ALERT",
    kind: "provider-out",
    severity: "critical",
    subject: "one",
    message: "Provider one is out of use – ünï.",
    since_ms: 1,
    until_ms: null,
    value: null,
    limit: null,
  },
};

type Seen = { readonly headers: Headers; readonly body: string; readonly path: string };
const seen: Seen[] = [];
let answer = (): Response => new Response("ok");
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  async fetch(request) {
    seen.push({ headers: request.headers, body: await request.text(), path: new URL(request.url).pathname });
    return answer();
  },
});
const url = `http://127.0.0.1:${server.port}/hook`;
afterAll(() => server.stop(true));

const webhook = (secret?: string): Channel =>
  createWebhook(() => ({ url, ...(secret === undefined ? {} : { secret }) }), fetch, "1.0");

test("the webhook's signature is the HMAC of its very bytes; id and time stand in headers", async () => {
  expect(await webhook("s3cret").send(message)).toEqual({ ok: true });
  const { headers, body } = seen.at(-1) ?? { headers: new Headers(), body: "" };
  const wanted = `sha256=${createHmac("sha256", "s3cret").update(Buffer.from(body)).digest("hex")}`;
  expect(headers.get("x-clawgate-signature")).toBe(wanted);
  expect(headers.get("x-clawgate-id")).toBe("01MESSAGE");
  expect(headers.get("x-clawgate-timestamp")).toBe("1700000000000");
  expect(headers.get("content-type")).toBe("application/json");
  expect(JSON.parse(body)).toMatchObject({
    ...message.alert,
    status: "firing",
    message_id: "01MESSAGE",
    source: "clawgate",
  });
  await webhook().send(message);
  expect(seen.at(-1)?.headers.has("x-clawgate-signature")).toBe(false);
});

test("a redirect is not followed and is final; 5xx and 429 may change, 4xx may not; nobody there may change", async () => {
  const before = seen.length;
  answer = () => Response.redirect(`http://127.0.0.1:${server.port}/elsewhere`, 307);
  expect(await webhook("s").send(message)).toEqual({
    ok: false,
    isFinal: true,
    why: "it answered 307; redirects are not followed",
  });
  expect(seen.slice(before).map(({ path }) => path)).toEqual(["/hook"]);
  const isFinal = async (status: number): Promise<boolean | null> => {
    answer = () => new Response("x", { status });
    const result = await webhook().send(message);
    return result.ok ? null : result.isFinal;
  };
  expect([await isFinal(500), await isFinal(429), await isFinal(404), await isFinal(204)]).toEqual([
    false,
    false,
    true,
    null,
  ]);
  answer = () => new Response("ok");
  const nobody = createWebhook(() => ({ url: "http://127.0.0.1:1/secret-path" }), fetch, "1.0");
  const result = await nobody.send(message);
  expect(result).toMatchObject({ ok: false, isFinal: false });
  expect(JSON.stringify(result)).not.toContain("secret-path");
});

test("ntfy gets text, and headers that hold nothing but one line of ASCII", async () => {
  const ntfy = createNtfy(() => ({ url, token: "tk_1" }), fetch, "1.0");
  expect(await ntfy.send(message)).toEqual({ ok: true });
  const { headers, body } = seen.at(-1) ?? { headers: new Headers(), body: "" };
  expect(body).toBe(message.text);
  expect(headers.get("title")).toBe("ClawGate: provider-out (one)?X-Evil: 1 ?n?");
  expect(headers.has("x-evil")).toBe(false);
  expect([headers.get("priority"), headers.get("tags")]).toEqual(["5", "rotating_light"]);
  expect(headers.get("authorization")).toBe("Bearer tk_1");
  await ntfy.send({ ...message, status: "resolved" });
  expect(seen.at(-1)?.headers.get("priority")).toBe("3");
  await createNtfy(() => ({ url, priority: 2 }), fetch, "1.0").send(message);
  expect(seen.at(-1)?.headers.get("priority")).toBe("2");
});

const commandOf = (command: string[], seconds = 5): Channel =>
  createAlertCommand(() => ({ command, command_timeout_s: seconds }), {
    clock: systemClock,
    environment: () => ({ ...process.env, OPENAI_API_KEY: "sk-vendor", LANG: "C" }),
    redact: (text) => text.replaceAll("hidden", "***"),
  });

test("a program gets the alert on its standard input, its arguments as they are, and none of our variables", async () => {
  const dir = mkdtempSync(join(tmpdir(), "clawgate-alert-command-"));
  const script = join(dir, "tell.sh");
  writeFileSync(
    script,
    `#!/bin/sh\ncat > "${dir}/stdin"\nenv > "${dir}/env"\necho "$2" > "${dir}/argument"\n`,
    {
      mode: 0o700,
    },
  );
  expect(await commandOf([script, "--to", "$(touch pwned); `x` a b"]).send(message)).toEqual({ ok: true });
  expect(JSON.parse(readFileSync(join(dir, "stdin"), "utf8"))).toMatchObject({ id: "01ALERT" });
  expect(readFileSync(join(dir, "argument"), "utf8")).toBe("$(touch pwned); `x` a b\n");
  const env = readFileSync(join(dir, "env"), "utf8");
  expect(env).toContain("LANG=C");
  expect(env).not.toContain("sk-vendor");
  rmSync(dir, { recursive: true });
});

test("a program that hangs is ended and not tried again; one that fails may be; one that is missing may not", async () => {
  const hanging = await commandOf(["/bin/sh", "-c", "sleep 60"], 1).send(message);
  expect(hanging).toEqual({ ok: false, isFinal: true, why: "it ran longer than 1 s and was ended" });
  expect(await commandOf(["/bin/sh", "-c", "echo hidden >&2; exit 3"]).send(message)).toEqual({
    ok: false,
    isFinal: false,
    why: "it ended with code 3: ***",
  });
  expect(await commandOf(["/nonexistent/program"]).send(message)).toMatchObject({ ok: false, isFinal: true });
}, 15_000);

test("one program at a time; the gateway's stop ends it", async () => {
  const dir = mkdtempSync(join(tmpdir(), "clawgate-alert-command-"));
  const file = join(dir, "order");
  const channel = commandOf(["/bin/sh", "-c", `echo begin >> "${file}"; sleep 0.2; echo end >> "${file}"`]);
  await Promise.all([channel.send(message), channel.send(message)]);
  expect(readFileSync(file, "utf8")).toBe("begin\nend\nbegin\nend\n");
  const stopping = new AbortController();
  const hanging = commandOf(["/bin/sh", "-c", "sleep 60"], 50).send(message, stopping.signal);
  stopping.abort();
  expect(await hanging).toMatchObject({ ok: false });
  rmSync(dir, { recursive: true });
});

function scripted(results: DeliveryResult[]) {
  const sent: string[] = [];
  const channel: Channel = {
    name: "webhook",
    isConfigured: () => true,
    send({ id }) {
      sent.push(id);
      return Promise.resolve(results.shift() ?? { ok: true });
    },
  };
  return { channel, sent };
}
const failed: DeliveryResult = { ok: false, isFinal: false, why: "it answered 500" };

test("tried again after 1, 5, 30, 120 and 600 s in order, then given up with a line in the log", async () => {
  const clock = fakeClock();
  const { channel, sent } = scripted([
    failed,
    failed,
    { ok: true },
    ...Array.from({ length: 6 }, () => failed),
  ]);
  const lines: string[] = [];
  const log = { warn: (text: string) => void lines.push(text), debug: () => undefined };
  const outbox = new Outbox({ clock, log, channels: [channel] });
  outbox.send({ ...message, id: "a" });
  outbox.send({ ...message, id: "b" });
  await clock.advance(999);
  expect(sent).toEqual(["a"]);
  await clock.advance(1);
  expect(sent).toEqual(["a", "a"]);
  await clock.advance(5_000);
  expect(sent).toEqual(["a", "a", "a", "b"]);
  await clock.advance(800_000);
  expect(sent.filter((each) => each === "b")).toHaveLength(6);
  expect(lines).toEqual(["an alert could not be delivered by webhook: it answered 500"]);
  outbox.stop();
  expect(clock.waiting()).toBe(0);
});

test("what the end of the gateway interrupts is sent by the next process, by the ways that lacked it", async () => {
  const clock = fakeClock();
  const log = { warn: () => undefined, debug: () => undefined };
  const broken = scripted(Array.from({ length: 10 }, () => failed));
  const working = {
    ...scripted([]).channel,
    name: "ntfy" as const,
    send: () => Promise.resolve({ ok: true as const }),
  };
  const first = new Outbox({ clock, log, channels: [broken.channel, working] });
  first.send({ ...message, id: "a" });
  first.send({ ...message, id: "b" });
  await clock.advance(500);
  first.stop();
  const left = first.undelivered();
  expect(left.map(({ message: { id }, channels }) => [id, channels])).toEqual([
    ["a", ["webhook"]],
    ["b", ["webhook"]],
  ]);
  const repaired = scripted([{ ok: true }, { ok: true }]);
  const second = new Outbox({ clock, log, channels: [repaired.channel] });
  second.resume(left);
  await clock.advance(0);
  expect([repaired.sent, second.undelivered()]).toEqual([["a", "b"], []]);
});

test("no more than 100 wait, and stopping leaves no timer", async () => {
  const clock = fakeClock();
  const { channel, sent } = scripted(Array.from({ length: 500 }, () => failed));
  const lines: string[] = [];
  const log = { warn: (text: string) => void lines.push(text), debug: () => undefined };
  const outbox = new Outbox({ clock, log, channels: [channel] });
  for (let i = 0; i < 150; i++) outbox.send({ ...message, id: `m${i}` });
  await clock.advance(0);
  expect(lines).toHaveLength(50);
  outbox.stop();
  await clock.advance(10_000_000);
  expect([sent.length, clock.waiting()]).toEqual([1, 0]);
});

test("settings: short quiet hours, wrong times and zones, an address that is none", () => {
  const problems = (value: object): number => alertsSettings.safeParse(value).error?.issues.length ?? 0;
  expect(alertsSettings.parse({ quiet_hours: "22:00-07:00" }).quiet_hours).toEqual({
    from: "22:00",
    to: "07:00",
    critical: false,
  });
  expect(problems({ quiet_hours: "22:00" })).toBeGreaterThan(0);
  expect(problems({ quiet_hours: { from: "25:00", to: "07:00" } })).toBe(1);
  expect(problems({ quiet_hours: { from: "07:00", to: "07:00" } })).toBe(1);
  expect(problems({ quiet_hours: { from: "06:00", to: "07:00", tz: "Mars/Base" } })).toBe(1);
  expect(problems({ webhook: { url: "ftp://x" } })).toBe(1);
  expect([
    problems({ command: [""] }),
    problems({ command: ["tell", ""] }),
    problems({ command: [] }),
  ]).toEqual([1, 0, 0]);
  expect(problems({ ntfy: { url: "https://x/y", token: "a\nb" } })).toBe(1);
});
