// Messages on their way: one queue for each way of delivery, one message at a time and in order, tried again for a quarter of an hour.
// Bounded; what is given up is logged, and what the gateway's end interrupts is handed to the next process. It must never throw.

import type { Clock } from "../../system/clock.ts";
import type { Log } from "../../system/log.ts";
import type { AlertMessage, Channel, ChannelName, DeliveryResult } from "./message.ts";

export type OutboxOptions = {
  readonly clock: Pick<Clock, "setTimer">;
  readonly log: Pick<Log, "warn" | "debug">;
  readonly channels: readonly Channel[];
};

const waitsMs = [1_000, 5_000, 30_000, 120_000, 600_000];
const maxWaiting = 100;

export type ChannelTest = {
  readonly channel: ChannelName;
  readonly ok: boolean;
  readonly error: string | null;
};

/** A message, and the ways by which it has not arrived yet. */
export type Undelivered = { readonly message: AlertMessage; readonly channels: readonly ChannelName[] };

export class Outbox {
  private readonly queues: readonly ChannelQueue[];

  constructor(private readonly options: OutboxOptions) {
    this.queues = options.channels.map((channel) => new ChannelQueue(channel, options));
  }

  send(message: AlertMessage): void {
    for (const queue of this.queues) queue.add(message);
  }

  /** Oldest first. */
  undelivered(): readonly Undelivered[] {
    const found = new Map<string, { message: AlertMessage; channels: ChannelName[] }>();
    for (const queue of this.queues)
      for (const message of queue.waitingMessages()) {
        const known = found.get(message.id);
        if (known === undefined) found.set(message.id, { message, channels: [queue.name] });
        else known.channels.push(queue.name);
      }
    return [...found.values()].toSorted((one, other) => one.message.atMs - other.message.atMs);
  }

  /** What an earlier process could not deliver. */
  resume(undelivered: readonly Undelivered[]): void {
    for (const { message, channels } of undelivered)
      for (const queue of this.queues) if (channels.includes(queue.name)) queue.add(message);
  }

  /** Sends it once by each configured way, past the queue. */
  test(message: AlertMessage): Promise<readonly ChannelTest[]> {
    const used = this.options.channels.filter((each) => each.isConfigured());
    return Promise.all(
      used.map(async (channel) => {
        const result = await attempt(channel, message);
        return { channel: channel.name, ok: result.ok, error: result.ok ? null : result.why };
      }),
    );
  }

  /** Ends the waits and attempts; what is left stays undelivered. */
  stop(): void {
    for (const queue of this.queues) queue.stop();
  }
}

class ChannelQueue {
  private readonly waiting: AlertMessage[] = [];
  private isSending = false;
  private isStopped = false;
  private readonly stopping = new AbortController();
  private cancelWait = (): void => undefined;

  constructor(
    private readonly channel: Channel,
    private readonly options: OutboxOptions,
  ) {}

  get name(): ChannelName {
    return this.channel.name;
  }

  waitingMessages(): readonly AlertMessage[] {
    return this.waiting;
  }

  add(message: AlertMessage): void {
    if (this.isStopped || !this.channel.isConfigured()) return;
    this.waiting.push(message);
    if (this.waiting.length > maxWaiting) this.giveUp(this.waiting.splice(1, 1)[0], "too many are waiting");
    if (!this.isSending) void this.sendAll();
  }

  stop(): void {
    this.isStopped = true;
    this.stopping.abort();
    this.cancelWait();
  }

  private async sendAll(): Promise<void> {
    this.isSending = true;
    for (let message = this.waiting[0]; message !== undefined; message = this.waiting[0]) {
      await this.sendOne(message);
      if (this.isStopped) return;
      this.waiting.shift();
    }
    this.isSending = false;
  }

  private async sendOne(message: AlertMessage): Promise<void> {
    for (let tries = 0; ; tries++) {
      const result = await attempt(this.channel, message, this.stopping.signal);
      if (result.ok || this.isStopped) return;
      const waitMs = waitsMs[tries];
      if (result.isFinal || waitMs === undefined) {
        this.giveUp(message, result.why);
        return;
      }
      this.options.log.debug(`alert: ${this.channel.name} failed and is tried again`, { why: result.why });
      if (!(await this.wait(waitMs))) return;
    }
  }

  /** False: the gateway stops. */
  private wait(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const stopTimer = this.options.clock.setTimer(ms, () => resolve(true));
      this.cancelWait = () => {
        stopTimer();
        resolve(false);
      };
    });
  }

  private giveUp(message: AlertMessage | undefined, why: string): void {
    this.options.log.warn(`an alert could not be delivered by ${this.channel.name}: ${why}`, {
      alert: message?.title,
    });
  }
}

async function attempt(
  channel: Channel,
  message: AlertMessage,
  signal?: AbortSignal,
): Promise<DeliveryResult> {
  try {
    return await channel.send(message, signal);
  } catch (error) {
    return { ok: false, isFinal: true, why: error instanceof Error ? error.message : "an internal error" };
  }
}
