// The gateway as a service of a real systemd: installed, ready, killed, hanging, reloaded, stopped with a request in flight, removed,
// as a service of the machine and of a user's session. `npm run trial -- service`.

import { writeFileSync } from "node:fs";
import { ensureBinary } from "../build.ts";
import { type BootedSystem, bootSystem, whyNoBoot } from "./booted-systemd.ts";
import type { Trial, TrialReport } from "./trial.ts";

type Check = { readonly what: string; readonly isHeld: boolean; readonly seen: string };
/** Words before every command of this scope, and where its files are. */
type Side = {
  readonly scope: "system" | "user";
  readonly before: readonly string[];
  readonly left: readonly string[];
  readonly state: string;
};

const answerMs = 3_000;
const sides: readonly Side[] = [
  {
    scope: "system",
    before: [],
    left: ["/etc/systemd/system", "/etc/default"],
    state: "/var/lib/clawgate",
  },
  {
    scope: "user",
    before: ["runuser", "-u", "anna", "--", "env", "HOME=/home/anna", "XDG_RUNTIME_DIR=/run/user/1777"],
    left: ["/home/anna/.config"],
    state: "/home/anna/.local/state/clawgate",
  },
];

async function tryServices(): Promise<TrialReport> {
  const why = whyNoBoot();
  if (why !== null) throw new Error(`the trial cannot be run here: ${why}`);
  const vendor = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch() {
      await Bun.sleep(answerMs);
      const message = { role: "assistant", content: "late but whole" };
      return Response.json({
        id: "c",
        object: "chat.completion",
        choices: [{ index: 0, message, finish_reason: "stop" }],
      });
    },
  });
  const system = await bootSystem(process.env["CLAWGATE_BINARY"] ?? ensureBinary());
  const checks: Check[] = [];
  try {
    await prepare(system, `http://127.0.0.1:${vendor.port}`);
    for (const side of sides) checks.push(...(await trySide(system, side)));
  } finally {
    await system.shutDown();
    await vendor.stop(true);
  }
  return {
    lines: checks.map(({ what, isHeld, seen }) => `${isHeld ? "held  " : "MISSED"} ${what}: ${seen}`),
    isHeld: checks.every(({ isHeld }) => isHeld),
  };
}

async function prepare(system: BootedSystem, vendor: string): Promise<void> {
  const made = await system.run([
    "sh",
    "-c",
    "systemctl start dbus systemd-logind && useradd -m -u 1777 anna && systemctl start user@1777 && mkdir -p /etc/clawgate /home/anna/.config/clawgate && chown -R anna: /home/anna",
  ]);
  if (made.code !== 0) throw new Error(`the booted system has no users: ${made.stderr}`);
  const config = `server: {port: 0, drain_s: 20}\nproviders: {slow: {base_url: "${vendor}/v1", api_key: k-0123456789, model: slow-1}}\nfallback_chain: [slow]\n`;
  for (const place of ["/etc/clawgate/config.yaml", "/home/anna/.config/clawgate/config.yaml"])
    writeFileSync(system.at(place), config, { mode: 0o644 });
}

async function trySide(system: BootedSystem, side: Side): Promise<Check[]> {
  const checks: Check[] = [];
  const check = (what: string, isHeld: boolean, seen: string): void =>
    void checks.push({
      what: `${side.scope}: ${what}`,
      isHeld,
      seen: seen.trim().replaceAll("\n", " | ").slice(0, 300),
    });
  const run = (...argv: string[]) => system.run([...side.before, ...argv]);
  const systemctl = (...words: string[]) =>
    run("systemctl", ...(side.scope === "user" ? ["--user"] : []), ...words);
  const show = async (name: string): Promise<string> =>
    (await systemctl("show", "clawgate", `--property=${name}`, "--value")).stdout.trim();
  const before = await filesIn(system, side);

  const installed = await run(
    "env",
    "OPENAI_API_KEY=sk-shell-0001",
    "HTTPS_PROXY=http://u:secret-0002@127.0.0.1:9",
    "clawgate",
    "service",
    "install",
    `--${side.scope}`,
  );
  check(
    "install starts it",
    installed.code === 0 && (await show("ActiveState")) === "active",
    installed.stdout + installed.stderr,
  );
  check(
    "it says that it is ready",
    /^listening on http/.test(await show("StatusText")),
    await show("StatusText"),
  );
  const unit = await systemctl("cat", "clawgate");
  check(
    "the unit holds no secret",
    unit.code === 0 && !/sk-shell|secret-0002/.test(unit.stdout),
    `${unit.stdout.length} characters`,
  );
  const status = JSON.parse((await run("clawgate", "service", "status", `--${side.scope}`, "--json")).stdout);
  check(
    "status",
    status.state.isActive === true && status.unit.is_current === true && status.url !== null,
    JSON.stringify(status.state),
  );

  await changeOf(
    show,
    async () => void (await systemctl("kill", "--signal=KILL", "--kill-who=main", "clawgate")),
    check,
    "killed, it is started again",
  );
  await changeOf(
    show,
    async () => void (await systemctl("kill", "--signal=STOP", "--kill-who=main", "clawgate")),
    check,
    "stopped in its tracks, the watchdog starts it again",
    60_000,
  );

  const pid = await show("MainPID");
  const reloaded = await systemctl("reload", "clawgate");
  await until(async () => (await show("ActiveState")) === "active");
  check(
    "reload keeps the process",
    reloaded.code === 0 && (await show("MainPID")) === pid,
    `process ${pid}, ${await show("StatusText")}`,
  );

  checks.push(...(await tryStop(system, side, { systemctl, run })));
  const removed = await run("clawgate", "service", "uninstall", `--${side.scope}`);
  const after = await filesIn(system, side);
  const left = after.filter((each) => !before.includes(each));
  check(
    "uninstall leaves nothing",
    removed.code === 0 && left.every((each) => !each.includes("clawgate")),
    left.join(" ") || "nothing",
  );
  return checks;
}

type Run = (...argv: string[]) => ReturnType<BootedSystem["run"]>;

/** A request that lasts longer than the stop takes to begin. */
async function tryStop(
  system: BootedSystem,
  side: Side,
  { systemctl, run }: { readonly systemctl: Run; readonly run: Run },
): Promise<Check[]> {
  const { url } = JSON.parse(await Bun.file(system.at(`${side.state}/run.json`)).text()) as { url: string };
  const answer = fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "auto", messages: [{ role: "user", content: "Hello" }] }),
  }).then(async (response) => `${response.status} ${await response.text()}`);
  await Bun.sleep(500);
  const startMs = performance.now();
  const stopped = await run("clawgate", "service", "stop", `--${side.scope}`);
  const tookMs = Math.round(performance.now() - startMs);
  const said = await answer.catch(String);
  const result = (
    await systemctl("show", "clawgate", "--property=Result,ActiveState", "--value")
  ).stdout.trim();
  return [
    {
      what: `${side.scope}: stop waits for the running request, and no longer`,
      isHeld:
        stopped.code === 0 &&
        said.includes("late but whole") &&
        tookMs < answerMs + 5_000 &&
        /success/.test(result),
      seen: `${tookMs} ms, ${said.slice(0, 3)}, ${result.replaceAll("\n", " ")}`,
    },
  ];
}

async function changeOf(
  show: (name: string) => Promise<string>,
  act: () => Promise<void>,
  check: (what: string, isHeld: boolean, seen: string) => void,
  what: string,
  limitMs = 20_000,
): Promise<void> {
  const pid = await show("MainPID");
  const startMs = performance.now();
  await act();
  const isNew = await until(async () => {
    const next = await show("MainPID");
    return next !== pid && next !== "0" && (await show("ActiveState")) === "active";
  }, limitMs);
  check(
    what,
    isNew,
    `process ${pid} -> ${await show("MainPID")} after ${((performance.now() - startMs) / 1000).toFixed(1)} s`,
  );
}

async function until(isSo: () => Promise<boolean>, limitMs = 10_000): Promise<boolean> {
  const endMs = performance.now() + limitMs;
  while (!(await isSo())) {
    if (performance.now() > endMs) return false;
    await Bun.sleep(250);
  }
  return true;
}

const filesIn = async (system: BootedSystem, side: Side): Promise<readonly string[]> =>
  (await system.run(["find", ...side.left])).stdout.split("\n").filter((each) => each !== "");

export const serviceTrial: Trial = {
  purpose: "the service under a real systemd: killed, hanging, reloaded, stopped, removed (Linux, root)",
  run: tryServices,
};
