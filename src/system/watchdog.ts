// A small shell that outlives this process briefly: it waits for the end of a pipe that only this process holds, and ends what we
// started and could not stop ourselves because we were killed. It must never end anything while we live, nor read a word as a command.

import type { Clock } from "./clock.ts";
import { limitPatternOf } from "./inherited-mark.ts";
import { type LiveProcess, startProcess } from "./live-process.ts";

export type Watchdog = {
  add(pid: number): void;
  remove(pid: number): void;
  /** Stops the shell without ending anything. Idempotent, never rejects. */
  close(): Promise<void>;
};

export type WatchdogOptions = {
  /** The variable that identifies descendants of those processes as ours (Linux), in addition to the inherited mark. */
  readonly variable: string;
  /** The prefix of its value, and the run of the inherited marks. */
  readonly run: string;
  /** Folders of ours to be removed with them; absolute. */
  readonly folders: readonly string[];
  readonly clock?: Clock;
  /** Called if none can be started; we continue without it. */
  onTrouble(error: unknown): void;
};

/**
 * $1 is variable and run, $2 the pattern of the inherited marks, the others are folders. Numbers arrive as `+ 12` and `- 12`. At the
 * end of the pipe: descendants are found by parentage and then, until none is left, by the marks, because a process that is being
 * killed may just have started another, and so may one that ended during the search.
 */
const script = `
mark=$1
limit=$2
shift 2
pids=
while read -r word pid; do
  case $word in
    +) pids="$pids $pid" ;;
    -) kept=; for each in $pids; do [ "$each" = "$pid" ] || kept="$kept $each"; done; pids=$kept ;;
    bye) exit 0 ;;
  esac
done
children() {
  if [ -r /proc/self/stat ]; then cat "/proc/$1"/task/*/children
  else ps -A -o ppid= -o pid= | while read -r parent child; do [ "$parent" = "$1" ] && echo "$child"; done; fi 2>/dev/null
}
below() { for each in $(children "$1"); do echo "$each"; below "$each"; done; }
all=
for pid in $pids; do all="$all $(below "$pid")"; done
for pid in $pids; do kill -s KILL -- "-$pid"; done 2>/dev/null
for pid in $all; do kill -s KILL "$pid"; done 2>/dev/null
# Some live for only a few milliseconds: the newest are checked first, and each is reported immediately.
at_once=
echo x | grep -q --line-buffered x 2>/dev/null && at_once=--line-buffered
those() { grep -l $at_once -e "$1" $(ls /proc | grep '^[0-9]' | sort -rn | sed "s,.*,/proc/&/$2,") 2>/dev/null; }
ended() {
  while read -r file; do
    file=\${file%/*}
    # A zombie keeps its limits.
    grep -q ') [ZX] ' "$file/stat" 2>/dev/null || { kill -s KILL "\${file#/proc/}" 2>/dev/null && echo "$file"; }
  done
}
rounds=0
quiet=0
while [ -d /proc/self ] && [ $rounds -lt 100 ] && [ $quiet -lt 8 ]; do
  quiet=$((quiet + 1))
  [ -z "$(those "$limit" limits | ended; those "$mark" environ | ended)" ] || quiet=0
  rounds=$((rounds + 1))
  sleep 0.1
done
rm -rf -- "$@"
`;

const graceMs = 500;

export function createWatchdog(options: WatchdogOptions): Watchdog {
  const watched = new Set<number>();
  let shell: LiveProcess | null = null;
  let isClosed = false;

  const { variable, run, folders } = options;
  const command = [
    "/bin/sh",
    "-c",
    script,
    "watchdog",
    `${variable}=${run}`,
    limitPatternOf(run),
    ...folders,
  ];
  const send = (line: string): void => {
    shell?.write(line).catch((error: unknown) => {
      if (!isClosed) options.onTrouble(error);
    });
  };
  /** Started with the first process, and again if another program ended it. */
  const ensureStarted = (): boolean => {
    if (shell?.isAlive() === true) return false;
    try {
      shell = startProcess(command, {
        env: { PATH: "/usr/bin:/bin", LC_ALL: "C" },
        cwd: "/",
        ...(options.clock === undefined ? {} : { clock: options.clock }),
      });
    } catch (error) {
      options.onTrouble(error);
      return false;
    }
    for (const pid of watched) send(`+ ${pid}\n`);
    return true;
  };

  return {
    add(pid) {
      if (isClosed) return;
      watched.add(pid);
      if (!ensureStarted()) send(`+ ${pid}\n`);
    },
    remove(pid) {
      if (watched.delete(pid)) send(`- ${pid}\n`);
    },
    async close() {
      if (isClosed) return;
      isClosed = true;
      send("bye\n");
      await shell?.closeInput();
      await shell?.stop({ graceMs });
    },
  };
}
