// `npm run trial -- bare-debian [--folder DIR]`: a Debian with nothing but curl, ca-certificates and openssl, and a stranger who installs
// the program by install.sh, starts it and sends a request; each step timed. Needs root and debootstrap; DIR keeps the root for the next time.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startLocalRelease } from "../../test/support/local-release.ts";
import { buildBinary } from "../build.ts";
import { installScript } from "../packaging/install-script.ts";
import type { Trial, TrialOptions, TrialReport } from "./trial.ts";

const suite = "bookworm";
const packages = ["curl", "ca-certificates", "openssl"];
const version = "1.0.0";
/** Two minutes, by the promise of the README, without the time that a line takes. */
const markMs = 120_000;
const startLimitMs = 20_000;

type Ran = { readonly code: number; readonly text: string; readonly tookMs: number };

async function run(argv: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ran> {
  const beganMs = performance.now();
  const child = Bun.spawn([...argv], {
    ...(env === undefined ? {} : { env }),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, text: stdout + stderr, tookMs: performance.now() - beganMs };
}

async function makeRoot(root: string): Promise<string> {
  if (existsSync(join(root, "usr", "bin", "curl"))) return "kept from before";
  const made = await run([
    "debootstrap",
    "--variant=minbase",
    `--include=${packages.join(",")}`,
    suite,
    root,
  ]);
  if (made.code !== 0) throw new Error(`debootstrap failed:\n${made.text.slice(-2000)}`);
  return `made in ${seconds(made.tookMs)}`;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

/** In the root, with its own /proc, as the root user of a fresh login. */
function inRoot(root: string, command: string): readonly string[] {
  const script =
    'mount -t proc proc "$0/proc" && exec chroot "$0" /usr/bin/env -i HOME=/root PATH="$2" sh -c "$1"';
  const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  return ["unshare", "--mount", "sh", "-c", script, root, command, path];
}

async function waitForRunFile(path: string): Promise<{ url: string; pid: number }> {
  const endMs = performance.now() + startLimitMs;
  for (;;) {
    if (existsSync(path)) return JSON.parse(readFileSync(path, "utf8")) as { url: string; pid: number };
    if (performance.now() > endMs) throw new Error("the gateway did not start");
    await Bun.sleep(5);
  }
}

async function trial(root: string): Promise<TrialReport> {
  const how = await makeRoot(root);
  const release = startLocalRelease();
  const build = mkdtempSync(join(tmpdir(), "clawgate-bare-"));
  let gateway: Bun.Subprocess | null = null;
  let pid: number | null = null;
  try {
    const releaseKeyPath = join(build, "key.pem");
    writeFileSync(releaseKeyPath, release.key.publicPem);
    const program = readFileSync(buildBinary({ output: join(build, "clawgate"), version, releaseKeyPath }));
    const target = `linux-${process.arch}`;
    await release.publish({ version, programs: { [target]: program, [`${target}-baseline`]: program } });
    release.addFile("install.sh", installScript({ publicKey: release.key.publicPem, releases: "" }));
    for (const left of ["usr/local/bin/clawgate", "usr/local/bin/clawgate.previous", "root/.local"])
      rmSync(join(root, left), { recursive: true, force: true });
    const line = `curl -fsSL ${release.url}/latest/download/install.sh | CLAWGATE_RELEASE_URL=${release.url} sh`;
    const installed = await run(inRoot(root, line));
    if (installed.code !== 0) throw new Error(`install.sh ended with ${installed.code}:\n${installed.text}`);
    const beganMs = performance.now();
    gateway = Bun.spawn([...inRoot(root, "exec clawgate --port 0")], { stdout: "ignore", stderr: "ignore" });
    const announced = await waitForRunFile(join(root, "root/.local/state/clawgate/run.json"));
    pid = announced.pid;
    const startMs = performance.now() - beganMs;
    const body = JSON.stringify({ model: "auto", messages: [{ role: "user", content: "hello" }] });
    const asked = await run(
      inRoot(
        root,
        `curl -sS ${announced.url}/v1/chat/completions -H 'content-type: application/json' -d '${body}'`,
      ),
    );
    const isAnswered = asked.code === 0 && asked.text.includes('"choices"');
    const totalMs = installed.tookMs + startMs + asked.tookMs;
    const doctor = await run(inRoot(root, "clawgate doctor --quick"));
    const removed = await run(
      inRoot(root, `curl -fsSL ${release.url}/latest/download/install.sh | sh -s -- --uninstall`),
    );
    const isGone = removed.code === 0 && !existsSync(join(root, "usr/local/bin/clawgate"));
    return {
      isHeld: isAnswered && isGone && totalMs <= markMs && doctor.text.includes("installed"),
      lines: [
        `a Debian ${suite} with ${packages.join(", ")}: ${how}`,
        `install.sh from a local server: ${seconds(installed.tookMs)}`,
        `clawgate, until it answers: ${seconds(startMs)}`,
        `curl, a chat request: ${seconds(asked.tookMs)}, ${isAnswered ? "answered" : `NOT answered: ${asked.text.slice(0, 500)}`}`,
        `together: ${seconds(totalMs)} (at most ${seconds(markMs)})`,
        `install.sh --uninstall: ${isGone ? "removed" : `NOT removed: ${removed.text}`}`,
        "what install.sh said:",
        ...installed.text
          .trimEnd()
          .split("\n")
          .map((said) => `  ${said}`),
      ],
    };
  } finally {
    // The number is the same outside: the root has no process numbers of its own.
    if (pid !== null) process.kill(pid, "SIGTERM");
    else gateway?.kill();
    await gateway?.exited;
    release.stop();
    rmSync(build, { recursive: true, force: true });
  }
}

export const bareDebianTrial: Trial = {
  purpose: "a bare Debian, install.sh, the first request; timed",
  async run({ folder }: TrialOptions): Promise<TrialReport> {
    const root = folder ?? mkdtempSync(join(tmpdir(), "clawgate-debian-"));
    mkdirSync(root, { recursive: true });
    try {
      return await trial(root);
    } finally {
      if (folder === undefined) rmSync(root, { recursive: true, force: true });
    }
  },
};
