// The gateway as a service of a real systemd: installed, ready, killed, hanging, reloaded, stopped with a request in flight, removed,
// as a service of the machine and of a user's session. `npm run trial -- service`.

import { readFileSync, writeFileSync } from "node:fs";
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
  readonly config: string;
};

const answerMs = 3_000;
const sides: readonly Side[] = [
  {
    scope: "system",
    before: [],
    left: ["/etc/systemd/system", "/etc/default"],
    state: "/var/lib/clawgate",
    config: "/etc/clawgate/config.yaml",
  },
  {
    scope: "user",
    before: ["runuser", "-u", "anna", "--", "env", "HOME=/home/anna", "XDG_RUNTIME_DIR=/run/user/1777"],
    left: ["/home/anna/.config"],
    state: "/home/anna/.local/state/clawgate",
    config: "/home/anna/.config/clawgate/config.yaml",
  },
];

/** Without the watchdog it takes a few seconds; the watchdog waits for half a minute. */
export async function tryServices(hasWatchdog: boolean): Promise<TrialReport> {
  const why = whyNoBoot();
  if (why !== null) throw new Error(`the trial cannot be run here: ${why}`);
  let asked = 0;
  const vendor = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch() {
      asked += 1;
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
    for (const side of sides)
      checks.push(...(await new SideTrial(system, side, () => asked).run(hasWatchdog)));
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
  for (const side of sides) writeFileSync(system.at(side.config), config, { mode: 0o644 });
}

type Run = (...argv: string[]) => ReturnType<BootedSystem["run"]>;

class SideTrial {
  readonly checks: Check[] = [];

  constructor(
    private readonly system: BootedSystem,
    private readonly side: Side,
    /** How often the vendor was asked. */
    private readonly asked: () => number,
  ) {}

  async run(hasWatchdog: boolean): Promise<readonly Check[]> {
    const before = await this.files();
    await this.install();
    await this.replaced("KILL", "killed, it is started again", 20_000);
    await this.handOver(3);
    if (hasWatchdog)
      await this.replaced("STOP", "stopped in its tracks, the watchdog starts it again", 60_000);
    await this.reload();
    // systemd did not start this process itself, which must not cut off what it does at the stop.
    await this.handOver(1);
    await this.stop();
    const removed = await this.clawgate("uninstall");
    const left = (await this.files()).filter((each) => !before.includes(each) && each.includes("clawgate"));
    this.check(
      "uninstall leaves nothing",
      removed.code === 0 && left.length === 0,
      left.join(" ") || "nothing",
    );
    return this.checks;
  }

  private async install(): Promise<void> {
    const secrets = ["OPENAI_API_KEY=sk-shell-0001", "HTTPS_PROXY=http://u:secret-0002@127.0.0.1:9"];
    const said = await this.inside(
      "env",
      ...secrets,
      "clawgate",
      "service",
      "install",
      `--${this.side.scope}`,
    );
    const isActive = (await this.show("ActiveState")) === "active";
    this.check("install starts it", said.code === 0 && isActive, said.stdout + said.stderr);
    const text = await this.show("StatusText");
    this.check("it says that it is ready", text.startsWith("listening on http"), text);
    const unit = (await this.systemctl("cat", "clawgate")).stdout;
    this.check(
      "the unit holds no secret",
      /^ExecStart=/m.test(unit) && !/sk-shell|secret-0002/.test(unit),
      `${unit.length} characters`,
    );
    const status = JSON.parse((await this.clawgate("status", "--json")).stdout);
    const { state } = status;
    this.check(
      "status",
      state.isActive === true && status.unit.is_current === true && status.url !== null,
      JSON.stringify(state),
    );
  }

  /** By another process, after this signal. */
  private async replaced(signal: string, what: string, limitMs: number): Promise<void> {
    const pid = await this.show("MainPID");
    const startMs = performance.now();
    await this.systemctl("kill", `--signal=${signal}`, "--kill-who=main", "clawgate");
    const isNew = await until(async () => {
      const next = await this.show("MainPID");
      return next !== pid && next !== "0" && (await this.show("ActiveState")) === "active";
    }, limitMs);
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
    this.check(what, isNew, `process ${pid} -> ${await this.show("MainPID")} after ${seconds} s`);
  }

  /** Sooner one after the other than a sign of life is due, while requests go on. */
  private async handOver(times: number): Promise<void> {
    const health = `${await this.url()}/health`;
    const restarts = await this.show("NRestarts");
    const pid = await this.show("MainPID");
    let [isOver, asked, lost] = [false, 0, 0];
    const requests = (async () => {
      for (; !isOver; asked++) {
        const isWhole = await fetch(health).then(
          async (answer) => (await answer.text()).startsWith("{"),
          () => false,
        );
        if (!isWhole) lost++;
      }
    })();
    const ways: string[] = [];
    for (let each = 0; each < times; each++) {
      const { stdout, stderr } = await this.clawgate("restart", "--json");
      const way = stdout === "" ? { how: stderr } : JSON.parse(stdout);
      // systemd hears of the new process in its own time.
      const isFollowed = await until(async () => way.pid === Number(await this.show("MainPID")), 10_000);
      ways.push(isFollowed ? way.how : `${stdout}${stderr}`);
    }
    isOver = true;
    await requests;
    const now = await this.show("MainPID");
    const isSame =
      (await this.show("NRestarts")) === restarts && (await this.show("ActiveState")) === "active";
    this.check(
      "a restart hands over, and systemd follows",
      isSame && now !== pid && lost === 0 && ways.every((way) => way === "handed-over"),
      `process ${pid} -> ${now}, ${ways.join(", ")}, ${lost} of ${asked} requests lost`,
    );
  }

  private async reload(): Promise<void> {
    const pid = await this.show("MainPID");
    const config = this.system.at(this.side.config);
    writeFileSync(config, `${readFileSync(config, "utf8")}auth: {keys: [k-reloaded-0123456789abcdef]}\n`);
    const reloaded = await this.systemctl("reload", "clawgate");
    await until(async () => (await this.show("ActiveState")) === "active", 10_000);
    const isSame = reloaded.code === 0 && (await this.show("MainPID")) === pid;
    const refused = await fetch(`${await this.url()}/v1/models`).then(({ status }) => status);
    this.check(
      "reload reads the config, and keeps the process",
      isSame && refused === 401,
      `process ${pid}, ${refused} without a key`,
    );
  }

  /** While a request runs that lasts longer than the stop takes to begin. */
  private async stop(): Promise<void> {
    const before = this.asked();
    const answer = fetch(`${await this.url()}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer k-reloaded-0123456789abcdef" },
      body: JSON.stringify({ model: "auto", messages: [{ role: "user", content: "Hello" }] }),
    }).then(async (response) => `${response.status} ${await response.text()}`);
    await until(() => this.asked() > before, 10_000);
    const startMs = performance.now();
    const stopped = await this.clawgate("stop");
    const tookMs = Math.round(performance.now() - startMs);
    const said = await answer.catch(String);
    const result = await this.show("Result");
    const isWhole = stopped.code === 0 && said.includes("late but whole") && result === "success";
    this.check(
      "stop waits for the running request, and no longer",
      isWhole && tookMs < answerMs + 10_000,
      `${tookMs} ms, ${said.slice(0, 3)}, ${result}`,
    );
  }

  private check(what: string, isHeld: boolean, seen: string): void {
    const shown = seen.trim().replaceAll("\n", " | ").slice(0, 200);
    this.checks.push({ what: `${this.side.scope}: ${what}`, isHeld, seen: shown });
  }

  private readonly inside: Run = (...argv) => this.system.run([...this.side.before, ...argv]);

  private readonly systemctl: Run = (...words) =>
    this.inside("systemctl", ...(this.side.scope === "user" ? ["--user"] : []), ...words);

  private readonly clawgate: Run = (verb = "", ...options) =>
    this.inside("clawgate", "service", verb, `--${this.side.scope}`, ...options);

  private async show(name: string): Promise<string> {
    return (await this.systemctl("show", "clawgate", `--property=${name}`, "--value")).stdout.trim();
  }

  private async url(): Promise<string> {
    const run = JSON.parse(readFileSync(this.system.at(`${this.side.state}/run.json`), "utf8")) as {
      url: string;
    };
    return run.url;
  }

  private async files(): Promise<readonly string[]> {
    const found = await this.system.run(["find", ...this.side.left]);
    return found.stdout.split("\n").filter((each) => each !== "");
  }
}

async function until(isSo: () => boolean | Promise<boolean>, limitMs: number): Promise<boolean> {
  const endMs = performance.now() + limitMs;
  while (!(await isSo())) {
    if (performance.now() > endMs) return false;
    await Bun.sleep(250);
  }
  return true;
}

export const serviceTrial: Trial = {
  purpose: "the service under a real systemd: killed, hanging, reloaded, stopped, removed (Linux, root)",
  run: () => tryServices(true),
};
