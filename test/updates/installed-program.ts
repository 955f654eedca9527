// A program of version 1.0.0 in a folder of its own, a server with releases, and a gateway that is whatever program lies there when it is
// restarted: a small script says for each version how it behaves.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { readProxyVariables } from "../../src/system/proxy.ts";
import { runCommand } from "../../src/system/process.ts";
import type { Clock } from "../../src/system/clock.ts";
import type { GatewayState } from "../../src/updates/health-gate.ts";
import { readManifest, type ReleaseSource } from "../../src/updates/release-source.ts";
import { openJournal } from "../../src/updates/update-journal.ts";
import { UpdateProblem } from "../../src/updates/update-problem.ts";
import {
  archivesFor,
  installVersion,
  type Restarted,
  rollBack,
  undoUnfinished,
  type Updated,
  type UpdatePorts,
} from "../../src/updates/updater.ts";
import type { Cleanups } from "../support/cleanups.ts";
import { type LocalRelease, startLocalRelease } from "../support/local-release.ts";

export type Behaviour = {
  /** Of the providers "a" and "b"; default both. null: no gateway answers. */
  readonly healthy?: readonly string[] | null;
  /** The process is another one at every look: it ends and is started again. */
  readonly endsAtOnce?: true;
  readonly restart?: Restarted;
  readonly configProblem?: string;
  /** The whole script instead. */
  readonly script?: string;
};

const report = (problem: string | undefined): string =>
  JSON.stringify({
    findings:
      problem === undefined
        ? [{ section: "providers", state: "failed", title: "a key is missing" }]
        : [{ section: "config", state: "failed", title: problem, detail: null }],
  });

export const scriptOf = (version: string, behaviour: Behaviour = {}): string =>
  behaviour.script ??
  `#!/bin/sh\n# ${JSON.stringify(behaviour)}\ncase $1 in\nversion) echo 'clawgate ${version} (0)' ;;\ndoctor) echo '${report(behaviour.configProblem)}'; exit 1 ;;\nesac\n`;

export type InstalledProgram = {
  readonly program: string;
  readonly release: LocalRelease;
  readonly source: ReleaseSource;
  readonly said: string[];
  readonly stopper: AbortController;
  /** The version whose gateway runs; null: none. */
  running: string | null;
  /** Called by each look at the gateway. */
  onLook: () => void;
  offer(version: string, behaviour?: Behaviour, target?: string): Promise<void>;
  ports(change?: Partial<UpdatePorts>): Promise<UpdatePorts>;
  update(version?: string | null, change?: Partial<UpdatePorts>): Promise<Updated | string>;
  rollBack(): Promise<Updated | string>;
  undo(): Promise<string | null>;
  /** The version of the program that lies there now. */
  lies(): string;
  files(): readonly string[];
};

/** Time passes only while somebody waits. */
function quickClock(): Clock {
  let nowMs = 1_700_000_000_000;
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    setTimer(delayMs, run) {
      // A real limit must not become an instant one.
      if (delayMs > 1_000) return () => undefined;
      const timer = setTimeout(() => {
        nowMs += delayMs;
        run();
      }, 0);
      return () => clearTimeout(timer);
    },
  };
}

export function installedProgram(cleanups: Cleanups): InstalledProgram {
  const folder = join(cleanups.folder("clawgate-update-"), "a bin");
  mkdirSync(folder);
  const stateDirectory = join(cleanups.folder("clawgate-update-state-"), "state");
  const program = join(folder, "clawgate");
  writeFileSync(program, scriptOf("1.0.0"), { mode: 0o755 });
  const release = cleanups.stopAtEnd(startLocalRelease());
  const stopper = new AbortController();
  const clock = quickClock();
  const said: string[] = [];
  let pid = 100;
  const behaviourOf = (): Behaviour => {
    const [, text = "{}"] = /^# (.*)$/m.exec(readFileSync(program, "utf8")) ?? [];
    return text.startsWith("{") ? (JSON.parse(text) as Behaviour) : {};
  };
  let behaviour: Behaviour = {};
  const source: ReleaseSource = {
    base: release.url,
    key: release.key.publicPem,
    proxies: readProxyVariables({}),
    fetch: (url, options) => fetch(url, options),
    signal: stopper.signal,
    userAgent: "test",
    onProgress: () => undefined,
  };
  const it: InstalledProgram = {
    program,
    release,
    source,
    said,
    stopper,
    running: "1.0.0",
    onLook: () => undefined,
    offer: (version, how, target = "linux-x64") =>
      release.publish({ version, programs: { [target]: scriptOf(version, how) } }),
    async ports(change = {}) {
      const journal = await openJournal(stateDirectory);
      cleanups.push(() => journal.close());
      return {
        program,
        current: it.lies(),
        journal,
        gateway: {
          look() {
            it.onLook();
            if (it.running === null || behaviour.healthy === null) return Promise.resolve(null);
            if (behaviour.endsAtOnce === true) pid += 1;
            const healthy = behaviour.healthy ?? ["a", "b"];
            const state: GatewayState = {
              pid,
              version: it.running,
              status: healthy.length === 0 ? "down" : "ok",
              healthy,
              unhealthy: ["a", "b"].filter((id) => !healthy.includes(id)),
            };
            return Promise.resolve(state);
          },
          refreshUnits: () => Promise.resolve([]),
          restart() {
            const next = behaviourOf();
            if (next.restart !== undefined) return Promise.resolve(next.restart);
            behaviour = next;
            it.running = it.lies();
            pid += 1;
            return Promise.resolve({ kind: "restarted", how: "in a test" });
          },
        },
        run: (path, args) => runCommand([path, ...args], { timeoutMs: 20_000 }),
        configArguments: [],
        clock,
        signal: stopper.signal,
        say: (line) => void said.push(line),
        ...change,
      };
    },
    async update(version = null, change = {}) {
      const ports = await it.ports(change);
      return settled(ports, async () => {
        const manifest = await readManifest(source, version);
        const archives = archivesFor(manifest, "linux-x64", true);
        return installVersion(ports, source, { manifest, archives });
      });
    },
    async rollBack() {
      const ports = await it.ports();
      return settled(ports, () => rollBack(ports));
    },
    async undo() {
      const ports = await it.ports();
      return undoUnfinished(ports).finally(() => ports.journal.close());
    },
    lies: () => /clawgate (\S+) \(0\)/.exec(readFileSync(program, "utf8"))?.[1] ?? "unknown",
    files: () => (existsSync(dirname(program)) ? readdirSync(dirname(program)).toSorted() : []),
  };
  return it;
}

/** The message of an UpdateProblem as a text. */
async function settled(ports: UpdatePorts, run: () => Promise<Updated>): Promise<Updated | string> {
  try {
    return await run();
  } catch (thrown) {
    if (!(thrown instanceof UpdateProblem)) throw thrown;
    return thrown.message;
  } finally {
    ports.journal.close();
  }
}
