// What the program of Claude Code leaves behind in every form that a daemon takes, without a jail: it ends with its request, and of no
// other. Seen from outside, by a word that each of them has among its arguments.

import { expect, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunningBinary, startBinary } from "./support/binary.ts";
import { type ScriptedClaude, scriptedClaude } from "./support/claude.ts";
import { askClaude, startedWith, untilNull } from "./support/claude-children.ts";
import { cleanupsAfterEach } from "./support/cleanups.ts";

const isLinux = process.platform === "linux";
const isRoot = process.getuid?.() === 0;
const setpriv = Bun.which("setpriv");
const key = "key-of-the-operator-0123456789";
const cleanups = cleanupsAfterEach();

type Stage = {
  readonly folder: string;
  /** Leaves its daemons and then answers like the program. */
  readonly answering: string;
  /** Leaves its daemons and hears nothing any more, not even that it shall end; then it leaves one more. */
  readonly deaf: string;
  /** Of every daemon that lives. */
  living(): readonly number[];
  /** How many there have been. */
  started(): number;
};

/** Each line leaves one whose parent is gone; `leave` says that it is there, and sleeps. */
function forms(leave: string, other: string): readonly string[] {
  const bare = `setsid env -i ${leave}`;
  return [
    `( setsid ${leave} & )`,
    `( ( ${leave} & ) & )`,
    `( nohup ${leave} & )`,
    `( env -i ${leave} & )`,
    `( ${bare} & )`,
    Bun.which("bash") === null ? `( ${bare} & )` : `bash -c '${bare} & disown -a'`,
    `( setsid env -i ${other} & )`,
    `( cd / && ${bare} & )`,
    `( ${bare} <&- >&- 2>&- & )`,
    ...(isRoot && setpriv !== null ? [`( ${setpriv} --reuid 65534 --clear-groups ${bare} & )`] : []),
  ];
}

/** Those that are never the same ones for long: one has new children every moment, the other starts its successor and goes. */
function restless(tag: string, hopper: string): readonly string[] {
  return [
    `( setsid env -i sh -c 'while :; do (setsid sleep ${tag} &); sleep 0.1; done' sh ${tag} & )`,
    `( setsid env -i ${hopper} ${tag} & )`,
  ];
}

function stage(): Stage {
  const folder = mkdtempSync(join(tmpdir(), "clawgate-orphans-"));
  chmodSync(folder, 0o755);
  const scripted: ScriptedClaude = scriptedClaude();
  const tag = `${300 + Math.floor(Math.random() * 600)}.${process.pid}${Date.now() % 100_000}`;
  const up = join(folder, "up");
  writeFileSync(up, "");
  chmodSync(up, 0o666);
  const leaver = join(folder, "leaver");
  const other = join(folder, "kworker");
  writeFileSync(leaver, `#!/bin/sh\necho $$ >> ${up}\nexec sleep ${tag}\n`);
  chmodSync(leaver, 0o755);
  copyFileSync(leaver, other);
  const hopper = join(folder, "hopper");
  writeFileSync(
    hopper,
    `#!/bin/sh\nsleep 0.05\n[ -e ${folder}/over ] || setsid env -i ${hopper} ${tag} &\nexit\n`,
  );
  chmodSync(hopper, 0o755);
  const counted = forms(`${leaver} ${tag}`, `${other} ${tag}`);
  const lines = [...counted, ...restless(tag, hopper)];
  const program = (name: string, then: string): string => {
    const path = join(folder, name);
    const text = `#!/bin/sh
case "$*" in *--input-format*) ;; *) exec ${scripted.bin} "$@" ;; esac
exec 3>&1 > /dev/null
before=$(wc -l < ${up})
${lines.map((line) => `${line} < /dev/null 3>&- 2> /dev/null`).join("\n")}
until [ $(wc -l < ${up}) -ge $((before + ${counted.length})) ]; do sleep 0.02; done
exec >&3 3>&-
${then}
`;
    writeFileSync(path, text);
    chmodSync(path, 0o755);
    return path;
  };
  const last = `trap '(setsid env -i ${leaver} ${tag} < /dev/null > /dev/null 2>&1 &)' TERM`;
  const living = (): readonly number[] => startedWith(tag);
  cleanups.push(() => {
    writeFileSync(join(folder, "over"), "");
    for (let left = living(); left.length > 0; left = living())
      Bun.spawnSync(["kill", "-9", ...left.map(String)]);
    scripted.remove();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    folder,
    answering: program("claude", `exec ${scripted.bin} "$@"`),
    deaf: program("deaf-claude", `${last}\nwhile :; do sleep 0.1; done`),
    living,
    started: () => readFileSync(up, "utf8").split("\n").length - 1,
  };
}

async function open(
  bin: string,
  more: { readonly provider?: object; readonly start?: Partial<Parameters<typeof startBinary>[0]> } = {},
): Promise<RunningBinary> {
  const limits = { max_concurrent: 8, max_per_tenant: 8, warm: 0, parked: 0 };
  const env = { ANTHROPIC_API_KEY: "sk-none" };
  return cleanups.stopAtEnd(
    await startBinary({
      config: {
        providers: { claude: { backend: "claude-cli", bin, env, ...limits, ...more.provider } },
        cli: { jail: "off" },
        auth: { keys: [key] },
        server: { drain_s: 0 },
      },
      ...more.start,
    }),
  );
}

const ask = (url: string, signal: AbortSignal | null = null): Promise<number> =>
  askClaude(url, key, { words: "[[say:hello]]", signal });

const perProgram = forms("", "").length;
const allUp = ({ started }: Stage, programs = 1): Promise<void> =>
  untilNull(() => (started() >= programs * perProgram ? null : started()), 20_000);
/** Nobody is there for a while: between two of the restless nobody may be seen either. */
const allGone = async ({ living }: Stage): Promise<void> => {
  let quiet = 0;
  await untilNull(() => {
    quiet = living().length === 0 ? quiet + 1 : 0;
    return quiet >= 10 ? null : living();
  }, 20_000);
};

const limitMs = 60_000;

test.if(isLinux)(
  "they end with the answer",
  async () => {
    const app = stage();
    const { url } = await open(app.answering);
    expect(await ask(url)).toBe(200);
    expect(app.started()).toBeGreaterThanOrEqual(perProgram);
    await allGone(app);
  },
  limitMs,
);

test.if(isLinux)(
  "they end with a request that its client gave up, and those of a request beside it do not",
  async () => {
    const app = stage();
    const { url } = await open(app.deaf);
    const [first, second] = [new AbortController(), new AbortController()];
    const leaving = ask(url, first.signal);
    await allUp(app);
    const ofFirst = app.living();
    const staying = ask(url, second.signal);
    await allUp({ ...app, started: () => app.living().filter((pid) => !ofFirst.includes(pid)).length });
    // A stranger with a limit of the same kind, and without any variable.
    const stranger = Bun.spawn(["sh", "-c", "ulimit -S -w 7000000000000000000; exec env -i sleep 300"], {
      stderr: "ignore",
    });
    cleanups.push(() => stranger.kill("SIGKILL"));
    first.abort();
    await leaving;
    await untilNull(() => (ofFirst.some((pid) => app.living().includes(pid)) ? ofFirst : null), 20_000);
    expect(app.living().length).toBeGreaterThanOrEqual(perProgram);
    second.abort();
    await staying;
    await allGone(app);
    expect(stranger.exitCode).toBeNull();
    expect(stranger.signalCode).toBeNull();
  },
  limitMs,
);

test.if(isLinux)(
  "they end with a request that is out of time",
  async () => {
    const app = stage();
    const { url } = await open(app.deaf, { provider: { timeout: { total_s: 4 } } });
    expect(await ask(url)).toBe(504);
    expect(app.started()).toBeGreaterThanOrEqual(perProgram);
    await allGone(app);
  },
  limitMs,
);

test.if(isLinux)(
  "they end with a gateway that is stopped",
  async () => {
    const app = stage();
    const gateway = await open(app.deaf);
    const answer = ask(gateway.url);
    await allUp(app);
    expect(await gateway.stop()).toBe(0);
    // By its end, and not only some time after it.
    expect(app.living()).toEqual([]);
    await answer;
  },
  limitMs,
);

test.if(isLinux)(
  "they end with a gateway that is killed",
  async () => {
    const app = stage();
    const gateway = await open(app.deaf);
    const answer = ask(gateway.url);
    await allUp(app);
    process.kill(gateway.pid, "SIGKILL");
    await gateway.exited;
    await answer;
    await allGone(app);
  },
  limitMs,
);

test.if(isLinux)(
  "they end with the next start where the watch was killed as well",
  async () => {
    const app = stage();
    const dir = join(app.folder, "home");
    mkdirSync(dir);
    const gateway = await open(app.deaf, { start: { dir } });
    const answer = ask(gateway.url);
    await allUp(app);
    for (const pid of watchdogsOf(gateway.pid)) process.kill(pid, "SIGKILL");
    process.kill(gateway.pid, "SIGKILL");
    await gateway.exited;
    await answer;
    expect(app.living().length).toBeGreaterThanOrEqual(perProgram);
    await open(app.deaf, { start: { dir } });
    await allGone(app);
  },
  limitMs,
);

function watchdogsOf(pid: number): readonly number[] {
  const found = readdirSync(`/proc/${pid}/task`)
    .flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, "latin1").split(" "))
    .filter((child) => child !== "" && existsSync(`/proc/${child}/cmdline`))
    .filter((child) => readFileSync(`/proc/${child}/cmdline`, "latin1").split("\0").includes("watchdog"));
  expect(found.length).toBe(1);
  return found.map(Number);
}
