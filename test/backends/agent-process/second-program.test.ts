// agent-process with a program that it has never heard of: a real process with a protocol of its own is started, pooled, asked,
// parked, asked again, and found by the next gateway when it was not stopped.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AgentProcess, startAgentProcess } from "../../../src/backends/agent-process/child-process.ts";
import { Disposal } from "../../../src/backends/agent-process/disposal.ts";
import { createGatewayRun, type GatewayRun } from "../../../src/backends/agent-process/gateway-run.ts";
import type { Launch } from "../../../src/backends/agent-process/launch.ts";
import { orStopped, owned } from "../../../src/backends/agent-process/owned-process.ts";
import { createParkedProcesses, type ParkedProcesses } from "../../../src/backends/agent-process/parked.ts";
import { createPool, type Pool } from "../../../src/backends/agent-process/pool.ts";
import { deadlineOf, turnEvents } from "../../../src/backends/agent-process/turn-events.ts";
import { Failure } from "../../../src/canon/failure.ts";
import { systemClock } from "../../../src/system/clock.ts";
import { createLog } from "../../../src/system/log.ts";
import { isAlive } from "../../../src/system/process.ts";
import {
  converseWith,
  type EchoConversation,
  echoDecoder,
  type EchoEnd,
  launchOf,
  script,
} from "./echo-program.ts";

const clock = systemClock;
const answerMs = 20_000;
let dir = "";
let file = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clawgate-echo-"));
  file = join(dir, "echo.js");
  writeFileSync(file, script);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

type Stage = {
  readonly pool: Pool<Launch>;
  readonly parked: ParkedProcesses<EchoConversation>;
  readonly run: GatewayRun;
  readonly pids: number[];
  begin(): Promise<EchoConversation>;
  ask(
    conversation: EchoConversation,
    line: object,
    firstLineMs?: number,
  ): Promise<{ text: string; end: EchoEnd }>;
};

function runIn(stateDirectory: string, lines: string[] = []): GatewayRun {
  const write = (text: string): void => void lines.push(text);
  const log = createLog({ level: "info", pretty: false, clock, redact: (text) => text, write });
  return createGatewayRun({ stateDirectory, clock, log, programs: "Echo" });
}

/** All that a program's own backend would put together. */
async function onStage(use: (stage: Stage) => Promise<void>): Promise<void> {
  const run = runIn(dir);
  const register = await run.register();
  const pids: number[] = [];
  const troubles: unknown[] = [];
  const disposal = new Disposal((error) => void troubles.push(error));
  const dispose = (child: AgentProcess): void => disposal.dispose(child);
  const pool = createPool<Launch>({
    clock,
    limits: { size: 1, max: 1, idleMs: 60_000 },
    async start(launch) {
      const child = await startAgentProcess(launch, { register, clock });
      pids.push(child.pid);
      return child;
    },
    childrenThatFit: () => Promise.resolve(4),
    dispose,
    onTrouble: (error) => void troubles.push(error),
  });
  const parked = createParkedProcesses<EchoConversation>({
    clock,
    limits: { max: 2, maxPerTenant: 2, callsTtlMs: 60_000, idleTtlMs: 60_000 },
    stop: ({ channel }) => dispose(channel.child),
  });
  const { signal } = new AbortController();
  const waiting = { program: "echo program", clock, signal, limitMs: answerMs };
  try {
    await use({
      pool,
      parked,
      run,
      pids,
      async begin() {
        const { child } = await owned(
          pool.claim("echo", launchOf(file)),
          (claim) => claim.child,
          dispose,
          waiting,
        );
        return converseWith(child);
      },
      async ask(conversation, line, firstLineMs = answerMs) {
        const { channel } = conversation;
        await orStopped(channel.child, dispose, channel.child.send(line));
        conversation.said++;
        const words: string[] = [];
        for await (const { batch, end } of turnEvents({
          program: "echo program",
          channel,
          decoder: echoDecoder(),
          clock,
          signal,
          deadlineMs: deadlineOf(clock, answerMs),
          firstLineMs,
          runsTools: false,
        })) {
          words.push(...batch.flatMap((event) => (event.type === "text-delta" ? [event.text] : [])));
          if (end !== null) return { text: words.join(" "), end };
        }
        throw new Error("no end");
      },
    });
  } finally {
    parked.clear();
    await pool.stop();
    await disposal.settled();
    await run.close();
  }
  expect(pids.filter(isAlive)).toEqual([]);
  expect(troubles).toEqual([]);
}

const idle = (conversation: EchoConversation, fingerprint = "f") => ({
  tenant: "t",
  fingerprint,
  calls: [],
  conversation,
});

describe("a second program", () => {
  test("answers, waits for the next question, and is asked again in the same process", () =>
    onStage(async ({ begin, ask, parked, pool, pids }) => {
      const first = await begin();
      expect((await ask(first, { say: "one two" })).text).toBe("one two");
      expect(parked.park(idle(first))).toBe(true);
      expect([parked.hasAny("t"), parked.hasAny("other")]).toEqual([true, false]);
      expect(parked.take("other", "f", [])).toBeNull();
      expect(parked.take("t", "another", [])).toBeNull();
      const again = parked.take("t", "f", [])?.conversation;
      expect(again).toBe(first);
      expect((await ask(first, { say: "three" })).text).toBe("three");
      expect(first.said).toBe(2);
      expect(parked.park(idle(first))).toBe(true);
      pool.refillNow("echo");
      while (pool.counts().warm === 0) await Bun.sleep(5);
      const second = await begin();
      expect([pids.length, second.channel.child.pid]).toEqual([2, pids[1] ?? 0]);
      expect((await ask(second, { say: "warm" })).text).toBe("warm");
      await second.channel.child.stop();
    }));

  test("holds a call until its result comes", () =>
    onStage(async ({ begin, ask, parked }) => {
      const conversation = await begin();
      const { end } = await ask(conversation, { say: "use look" });
      expect(end.calls).toEqual([{ id: "call-1", name: "look" }]);
      expect(parked.park({ ...idle(conversation), calls: end.calls })).toBe(true);
      expect(parked.counts()).toEqual({ calls: 1, idle: 0 });
      expect(parked.take("t", "f", ["call-2"])).toBeNull();
      expect(parked.take("t", "f", ["call-1"])?.conversation).toBe(conversation);
      expect((await ask(conversation, { result: "it" })).text).toBe("got it");
      expect(parked.park(idle(conversation))).toBe(true);
    }));

  test("one that continues by itself, or ends, is not kept for the next question", () =>
    onStage(async ({ begin, ask, parked }) => {
      const talkative = await begin();
      await ask(talkative, { say: "go on" });
      parked.park(idle(talkative));
      while (parked.hasAny("t")) await Bun.sleep(5);
      const mortal = await begin();
      await ask(mortal, { say: "hello" });
      expect(parked.park(idle(mortal))).toBe(true);
      await mortal.channel.child.send({ say: "die" });
      while (parked.hasAny("t")) await Bun.sleep(5);
    }));

  test("failures name it, whether it ends, hangs or cannot be started", () =>
    onStage(async ({ begin, ask, pool }) => {
      const messageOf = async (work: Promise<unknown>): Promise<string> => {
        const thrown: unknown = await work.then(
          () => null,
          (error: unknown) => error,
        );
        return thrown instanceof Failure ? thrown.message : String(thrown);
      };
      const dying = await begin();
      expect(await messageOf(ask(dying, { say: "die" }))).toBe("The echo program ended.");
      const hanging = await begin();
      expect(await messageOf(ask(hanging, { say: "hang" }, 50))).toBe(
        "The echo program took too long to begin its answer.",
      );
      await hanging.channel.child.stop();
      const absent = { ...launchOf(file), bin: join(dir, "absent") };
      expect(await messageOf(pool.startCold(absent))).toBe("The echo program was not found.");
    }));
});

test.if(process.platform === "linux")(
  "what a killed gateway left of a second program is stopped by the next one, which names it",
  async () => {
    const gateway = Bun.spawn(
      [
        process.execPath,
        join(import.meta.dir, "gateway-with-children.ts"),
        dir,
        "1",
        // Its input stays open, or it would end with the gateway by itself.
        `echo '{}'; sleep 300 | "${process.execPath}" "${file}"`,
      ],
      { stdout: "pipe", stderr: "inherit", env: { PATH: process.env["PATH"] ?? "" } },
    );
    const { value } = await gateway.stdout.getReader().read();
    expect(Buffer.from(value ?? []).toString()).toMatch(/^[0-9a-f]{16}\n$/);
    gateway.kill("SIGKILL");
    await gateway.exited;
    const lines: string[] = [];
    const next = runIn(dir, lines);
    await next.sweep();
    await next.close();
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { message: "stopped Echo processes that an earlier gateway left", stopped: expect.any(Number) },
    ]);
  },
  30_000,
);
