// A real systemd as process 1 of its own namespaces, over a copy of this machine's root that is thrown away. It must never change the
// machine: files go to a layer in memory, kernel variables are read-only, and the units that set them are masked.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Finished, runProgram } from "../../test/support/program-run.ts";

export type BootedSystem = {
  /** Runs a program inside, as root. */
  run(argv: readonly string[], timeoutMs?: number): Promise<Finished>;
  /** A path inside, as it is seen from here. */
  at(path: string): string;
  shutDown(): Promise<void>;
};

const bootMs = 30_000;
const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const maskedUnits = [
  "systemd-sysctl.service",
  "systemd-binfmt.service",
  "systemd-modules-load.service",
  "systemd-remount-fs.service",
  "systemd-udevd.service",
  "systemd-udev-trigger.service",
  "proc-sys-fs-binfmt_misc.automount",
  "proc-sys-fs-binfmt_misc.mount",
  "dev-hugepages.mount",
  "sys-fs-fuse-connections.mount",
  "sys-kernel-debug.mount",
  "sys-kernel-tracing.mount",
  "sys-kernel-config.mount",
];

/** $1: an empty folder, $2: the program. It becomes systemd. */
const bootScript = `set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
root="$1/root"
mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
install -m 755 "$2" "$root/usr/local/bin/clawgate"
rm -rf "$root/etc/systemd/system/multi-user.target.wants" "$root/var/log/journal"
shift 2
for unit in "$@"; do ln -sf /dev/null "$root/etc/systemd/system/$unit"; done
cd "$root"
# Not chroot: within one, a process makes no namespaces.
pivot_root . .
umount -l .
exec /usr/bin/env -i container=trial PATH=${path} /lib/systemd/systemd --system --unit=basic.target --log-target=null
`;

/** Why it cannot be done here; null: it can. */
export function whyNoBoot(): string | null {
  if (process.platform !== "linux" || process.getuid?.() !== 0)
    return "it needs Linux and root (namespaces, mounts)";
  const [, capabilities = "0"] =
    /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  // CAP_SYS_ADMIN.
  if (((BigInt(`0x${capabilities}`) >> 21n) & 1n) === 0n) return "root may not mount here";
  for (const needed of ["/lib/systemd/systemd", "/usr/bin/unshare", "/usr/bin/nsenter"])
    if (!existsSync(needed)) return `there is no ${needed}`;
  return null;
}

/** Throws an Error with what systemd said if it does not come up. */
export async function bootSystem(program: string): Promise<BootedSystem> {
  const folder = mkdtempSync(join(tmpdir(), "clawgate-boot-"));
  const layers = join(folder, "layers");
  mkdirSync(layers);
  const namespaces = ["--mount", "--pid", "--fork", "--uts", "--ipc", "--cgroup", "--kill-child"];
  const child = Bun.spawn(
    ["unshare", ...namespaces, "sh", "-c", bootScript, "boot", layers, program, ...maskedUnits],
    {
      stdin: "ignore",
      stdout: Bun.file(join(folder, "out")),
      stderr: Bun.file(join(folder, "err")),
      env: { PATH: path },
    },
  );
  const inside = (): string | null => {
    try {
      return (
        readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim().split(" ")[0] || null
      );
    } catch {
      // It has ended.
      return null;
    }
  };
  const run = (argv: readonly string[], timeoutMs = 60_000): Promise<Finished> => {
    const pid = inside();
    if (pid === null) throw new Error("the booted system has ended");
    const enter = ["nsenter", "-t", pid, "-m", "-p", "-u", "-i", "-C", "-r", "-w"];
    return runProgram([...enter, ...argv], { cwd: "/", env: { PATH: path, HOME: "/root" }, timeoutMs });
  };
  const shutDown = async (): Promise<void> => {
    const pid = inside();
    // Process 1 of its namespace: everything in it goes with it, and so do its mounts.
    if (pid !== null) process.kill(Number(pid), "SIGKILL");
    await child.exited;
    rmSync(folder, { recursive: true, force: true });
  };
  const endMs = performance.now() + bootMs;
  for (;;) {
    const said =
      inside() === null ? null : await run(["systemctl", "is-system-running"], 5_000).catch(() => null);
    if (said !== null && /^(?:running|degraded)/.test(said.stdout)) break;
    if (performance.now() > endMs || child.exitCode !== null) {
      const why = readFileSync(join(folder, "err"), "utf8").slice(-500);
      await shutDown();
      throw new Error(`systemd did not come up: ${said?.stdout.trim() ?? ""} ${why}`);
    }
    await Bun.sleep(200);
  }
  return { run, at: (inner) => join("/proc", inside() ?? "gone", "root", inner), shutDown };
}
