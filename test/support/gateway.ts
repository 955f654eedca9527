// The real app on a free port, with fakes only at its edges: a temporary home and database, a log kept in a list, and the clock
// and fetch of the test. It must never touch the developer's own home or state.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type App, startApp } from "../../src/app/app.ts";
import { availableBackends } from "../../src/app/providers/loaded-provider.ts";
import type { RequestRecord } from "../../src/canon/record.ts";
import { loadConfig, type LoadedConfig } from "../../src/config/load.ts";
import { type Clock, systemClock } from "../../src/system/clock.ts";
import { createLog } from "../../src/system/log.ts";
import type { Recorded } from "./upstream.ts";

export type GatewayOptions = {
  /** YAML text, or a value that is written as JSON (which is YAML). `server.port` is always a free one. */
  readonly config: string | object;
  readonly environment?: Readonly<Record<string, string>>;
  readonly clock?: Clock;
  readonly fetch?: typeof fetch;
};

export type TestGateway = {
  /** Without a path. */
  readonly url: string;
  readonly app: App;
  /** Lines of the log so far, JSON, from `debug` up. */
  readonly log: readonly string[];
  /** Finished requests, oldest first, as the pipeline recorded them (before they are priced). */
  records(): readonly RequestRecord[];
  /** Settles with the first finished request, past or future, that fits. */
  waitForRecord(fits: (record: RequestRecord) => boolean, timeoutMs?: number): Promise<RequestRecord>;
  /** The record of one answer. */
  recordOf(answer: Response): Promise<RequestRecord>;
  /**
   * Settles when nothing is left over: no live request, no slot in use, no second attempt running, and no open request at the given
   * vendors. Throws an Error that names what is left.
   */
  assertClean(upstreamRequests?: readonly Recorded[]): Promise<void>;
  /** Sets the text of the config file; `app.reload` applies it. */
  write(config: string | object): void;
  /** What reading the config throws; null: it can be read. */
  unreadable: Error | null;
  /** The content of run.json for the user's own commands. */
  token(): string;
  /** Ends everything that runs and removes the temporary folder. Idempotent. */
  stop(): Promise<void>;
};

const textOf = (config: string | object): string =>
  typeof config === "string" ? config : JSON.stringify(config);

export async function startTestGateway(options: GatewayOptions): Promise<TestGateway> {
  const directory = mkdtempSync(join(tmpdir(), "clawgate-app-"));
  const configPath = join(directory, "config.yaml");
  const clock = options.clock ?? systemClock;
  const log: string[] = [];
  const records: RequestRecord[] = [];
  const waiters = new Set<() => void>();

  let text = textOf(options.config);
  const load = (): LoadedConfig => {
    if (gateway.unreadable !== null) throw gateway.unreadable;
    return loadConfig({
      argvConfigPath: configPath,
      environment: {
        HOME: directory,
        CLAWGATE_STATE_DIR: join(directory, "state"),
        CLAWGATE_DB_PATH: join(directory, "records.db"),
        ...options.environment,
      },
      workingDirectory: directory,
      homeDirectory: directory,
      readFile: (path) => (path === configPath ? text : null),
      fileMode: () => 0o600,
      flags: { port: 0 },
      availableBackends,
    });
  };
  const gateway = { unreadable: null as Error | null };
  const removeDirectory = (): void => rmSync(directory, { recursive: true, force: true });
  const loadOrRemove = (): LoadedConfig => {
    try {
      return load();
    } catch (problem) {
      removeDirectory();
      throw problem;
    }
  };
  const app = await startApp({
    loaded: loadOrRemove(),
    source: {
      load: () => Promise.resolve().then(load),
      peek: () => Promise.resolve().then(load),
      watch: () => () => undefined,
    },
    clock,
    log: createLog({
      level: "debug",
      pretty: false,
      write: (line) => void log.push(line),
      clock,
      redact: (secretText) => secretText,
    }),
    workingDirectory: directory,
    homeDirectory: directory,
    ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
  }).catch((problem: unknown) => {
    removeDirectory();
    throw problem;
  });

  // The pipeline asks the services for `record` at every end, so listening here misses nothing and changes nothing.
  const { services } = app;
  const keep = services.record;
  services.record = (record) => {
    records.push(record);
    keep(record);
    for (const wake of waiters) wake();
  };

  const waitForRecord: TestGateway["waitForRecord"] = async (fits, timeoutMs = 15_000) => {
    const past = records.find(fits);
    if (past !== undefined) return past;
    const found = Promise.withResolvers<RequestRecord>();
    const wake = (): void => {
      const record = records.find(fits);
      if (record !== undefined) found.resolve(record);
    };
    waiters.add(wake);
    const timer = setTimeout(
      () => found.reject(new Error(`No such record within ${timeoutMs} ms; ${records.length} were written.`)),
      timeoutMs,
    );
    try {
      return await found.promise;
    } finally {
      clearTimeout(timer);
      waiters.delete(wake);
    }
  };

  const leftovers = (upstreamRequests: readonly Recorded[]): string[] => {
    const left: string[] = [];
    const live = services.live.list();
    if (live.length > 0)
      left.push(`live requests: ${live.map((each) => `${each.id} ${each.stage}`).join(", ")}`);
    for (const [id, provider] of app.current().pipeline.providers) {
      const { running, waiting } = provider.queue.counts();
      if (running + waiting > 0) left.push(`queue of ${id}: ${running} running, ${waiting} waiting`);
    }
    if (services.retryBudget.running() > 0) left.push(`second attempts: ${services.retryBudget.running()}`);
    if (services.bodies.held() > 0) left.push(`bytes of bodies: ${services.bodies.held()}`);
    const open = upstreamRequests.filter((request) => !request.isFinished && !request.isAborted);
    if (open.length > 0) left.push(`open at the vendor: ${open.map((each) => each.path).join(", ")}`);
    return left;
  };

  let stopping: Promise<void> | null = null;
  const stop = async (): Promise<void> => {
    app.abortRequests();
    await app.stop(0).finally(removeDirectory);
  };

  return Object.assign(gateway, {
    url: app.url,
    app,
    log,
    records: () => records,
    waitForRecord,
    recordOf(answer: Response) {
      const id = answer.headers.get("x-request-id");
      return waitForRecord((record) => record.id === id);
    },
    async assertClean(upstreamRequests = []) {
      const giveUpMs = performance.now() + 15_000;
      for (let left = leftovers(upstreamRequests); left.length > 0; left = leftovers(upstreamRequests)) {
        if (performance.now() > giveUpMs) throw new Error(`The gateway is not clean: ${left.join("; ")}.`);
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
    },
    write(config: string | object) {
      text = textOf(config);
    },
    token: () =>
      (JSON.parse(readFileSync(join(directory, "state", "run.json"), "utf8")) as { token: string }).token,
    stop: () => (stopping ??= stop()),
  });
}
