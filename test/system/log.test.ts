import { describe, expect, test } from "bun:test";
import { redactorFor } from "../../src/canon/redact.ts";
import {
  createLog,
  type LogLevel,
  type LogOptions,
  logStyle,
  oneLineJson,
  streamWriter,
} from "../../src/system/log.ts";
import { secret } from "../../src/system/secret.ts";
import { fakeClock } from "../support/clock.ts";

const canary = "canary-9f8e7d6c5b4a";

function logInto(lines: string[], options: Partial<LogOptions> = {}) {
  return createLog({
    level: "info",
    pretty: false,
    write: (line) => void lines.push(line),
    clock: fakeClock(),
    redact: redactorFor([canary]),
    ...options,
  });
}

const parsed = (line: string | undefined) => JSON.parse(line ?? "null") as Record<string, unknown>;

describe("as JSON", () => {
  test("one line a fact, with time, level, message and fields", () => {
    const lines: string[] = [];
    logInto(lines).info("started", { port: 8090, host: "127.0.0.1" });
    expect(lines).toEqual([
      '{"time":"2026-01-01T00:00:00.000Z","level":"info","message":"started","port":8090,"host":"127.0.0.1"}\n',
    ]);
  });

  test("lines below the level are not written; silent writes none", () => {
    const lines: string[] = [];
    logInto(lines, { level: "warn" }).info("no");
    logInto(lines, { level: "silent" }).error("no");
    logInto(lines, { level: "warn" }).error("yes");
    expect(lines.map((line) => parsed(line)["message"])).toEqual(["yes"]);
  });

  test("a level that is a function is asked for every line, children's too", () => {
    const lines: string[] = [];
    let level: LogLevel = "warn";
    const log = logInto(lines, { level: () => level });
    const child = log.child({ n: 1 });
    child.info("no");
    level = "debug";
    log.debug("yes");
    child.debug("yes, child");
    expect(lines.map((line) => parsed(line)["message"])).toEqual(["yes", "yes, child"]);
  });

  test("a child adds its fields, and a field cannot pass for the line's own", () => {
    const lines: string[] = [];
    logInto(lines)
      .child({ requestId: "R1" })
      .child({ tenant: "t" })
      .info("x", { level: "fatal", tenant: "u" });
    expect(parsed(lines[0])).toMatchObject({
      level: "info",
      requestId: "R1",
      tenant: "u",
      field_level: "fatal",
    });
  });

  test("secrets are masked in messages, fields, names, nested values, errors and their causes", () => {
    const lines: string[] = [];
    const cause = new Error(`cause ${canary}`);
    const error = Object.assign(new Error(`failed with ${canary}`, { cause }), { code: canary });
    logInto(lines).error(`message ${canary}`, {
      [`name ${canary}`]: 1,
      text: `api_key=${"a1".repeat(20)}`,
      deep: { list: [canary, { more: canary }] },
      error,
      wrapped: secret(`${canary}-long-enough`),
      authorization: "Custom 12345",
      apiKey: { any: "thing" },
      url: new URL(`http://user:pass-word@example.test/?key=abc`),
    });
    const line = lines[0] ?? "";
    for (const leak of [canary, "a1a1", "12345", "thing", "pass-word", "key=abc"])
      expect(line).not.toContain(leak);
    expect(parsed(line)).toMatchObject({ error: { name: "Error", cause: { name: "Error" } } });
  });

  test("line breaks, escape sequences and direction marks stay inside the line, escaped", () => {
    const lines: string[] = [];
    logInto(lines).info("a\nb\u001b[31m\u009b2J\u2028\u202e", { "k\n": "v\r\n{}" });
    const unsafe = [..."\n\r\u001b\u007f\u009b\u2028\u202e"];
    for (const character of unsafe) expect(lines[0]?.trimEnd()).not.toContain(character);
    expect(parsed(lines[0])["message"]).toBe("a\nb\u001b[31m\u009b2J\u2028\u202e");
  });

  test("what JSON cannot say is still said, and nothing throws", () => {
    const lines: string[] = [];
    const loop: Record<string, unknown> = { name: "loop" };
    loop["self"] = loop;
    const hostile = {
      get boom(): string {
        throw new Error("getter");
      },
    };
    const log = logInto(lines);
    log.info("odd", { big: 10n, none: undefined, nan: Number.NaN, loop, call: () => 1, sign: Symbol("s") });
    log.info("hostile", { hostile });
    log.info("long", { text: "x".repeat(100_000) });
    expect(lines).toHaveLength(3);
    expect(parsed(lines[0])).toMatchObject({ big: "10", nan: "NaN" });
    expect(parsed(lines[1])).toMatchObject({ message: "hostile", unreadable: true });
    expect(lines[2]?.length).toBeLessThan(5_000);
  });

  test("a write that throws is survived", () => {
    const log = logInto([], {
      write() {
        throw Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
      },
    });
    expect(() => log.info("x")).not.toThrow();
  });
});

describe("pretty", () => {
  test("plain without colour", () => {
    const lines: string[] = [];
    logInto(lines, { pretty: true }).warn('say "hi"\nthere', {
      port: 1,
      name: "two words",
      id: "a-b",
      gone: undefined,
    });
    expect(lines).toEqual(['00:00:00.000 WARN  say "hi"\\nthere port=1 name="two words" id=a-b\n']);
  });

  test("coloured, and a message cannot colour anything itself", () => {
    const lines: string[] = [];
    logInto(lines, { pretty: true, colour: true }).error("\u001b[2Jx");
    expect(lines[0]).toContain("\u001b[31mERROR\u001b[0m");
    expect(lines[0]).not.toContain("\u001b[2J");
  });
});

test("people's output on a terminal, colour unless refused", () => {
  const on = { isTerminal: true, environment: {} };
  expect(logStyle(on)).toEqual({ pretty: true, colour: true });
  expect(logStyle({ ...on, environment: { NO_COLOR: "1" } })).toEqual({ pretty: true, colour: false });
  expect(logStyle({ ...on, environment: { NO_COLOR: "" } })).toEqual({ pretty: true, colour: true });
  expect(logStyle({ ...on, environment: { TERM: "dumb" } })).toEqual({ pretty: true, colour: false });
  expect(logStyle({ ...on, format: "json" })).toEqual({ pretty: false, colour: false });
  expect(logStyle({ isTerminal: false, environment: {} })).toEqual({ pretty: false, colour: false });
  expect(logStyle({ isTerminal: false, environment: {}, format: "pretty" })).toEqual({
    pretty: true,
    colour: false,
  });
});

test("oneLineJson says null where JSON has no word", () => {
  expect(oneLineJson(undefined)).toBe("null");
});

test("a program whose reader went away goes on to its end", async () => {
  const script = `
    import { createLog, streamWriter } from ${JSON.stringify(new URL("../../src/system/log.ts", import.meta.url).pathname)};
    const log = createLog({ level: "info", pretty: false, write: streamWriter(process.stdout), clock: Date && { nowMs: () => 0 }, redact: (t) => t });
    for (let i = 0; i < 50; i++) { log.info("line " + i); await Bun.sleep(1); }
    process.stderr.write("survived");
  `;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "pipe" });
  await child.stdout.cancel();
  expect(await new Response(child.stderr).text()).toBe("survived");
  expect(await child.exited).toBe(0);
  expect(typeof streamWriter).toBe("function");
});
