// `clawgate service` against stand-ins of systemctl, launchctl and the like: what they are told, in which order, and what is written.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { installedServices } from "../../src/supervisor/installed-services.ts";
import { cleanupsAfterEach } from "../support/cleanups.ts";
import { systemctlScript, testMachine, type TestMachine } from "../supervisor/machine.ts";
import { ownHome, type Ran } from "./command-run.ts";

const cleanups = cleanupsAfterEach();

type Desk = {
  readonly machine: TestMachine;
  readonly unitPath: string;
  run(...args: readonly string[]): Promise<Ran>;
};

function desk(options: Parameters<typeof testMachine>[0] = {}): Desk {
  const machine = testMachine(options);
  const home = ownHome();
  cleanups.push(machine.remove, home.remove);
  machine.program("systemctl", systemctlScript(join(machine.root, "active")));
  machine.program("loginctl", "echo Linger=no");
  machine.program("journalctl", "echo a line of the log");
  machine.program("useradd");
  machine.program("install", 'for last; do :; done; mkdir -p "$last"');
  machine.program("getent", "exit 2");
  machine.program(
    "launchctl",
    `case "$1 $2" in "print "*/*/*) [ -e "${machine.root}/loaded" ] && printf 'state = running\\n pid = 42\\n' || exit 113 ;; bootstrap*) : > "${machine.root}/loaded" ;; bootout*) rm -f "${machine.root}/loaded" ;; esac`,
  );
  machine.program("chown");
  const { root, platform, uid } = machine;
  const unitPath =
    uid === 0
      ? join(root, "etc/systemd/system/clawgate.service")
      : join(machine.homeDirectory, ".config/systemd/user/clawgate.service");
  return {
    machine,
    unitPath,
    run: (...args) =>
      home.run(["service", ...args], {
        environment: { CLAWGATE_STATE_DIR: undefined, ...machine.environment },
        // Wherever this checkout lies: a folder below /home, /root or /tmp is hidden from a system service.
        serviceMachine: { root, platform, uid, program: ["/opt/clawgate/bin/clawgate"] },
        homeDirectory: machine.homeDirectory,
      }),
  };
}

const callsOf = (machine: TestMachine, name: string): readonly string[] =>
  machine.calls().filter((call) => call.startsWith(name) && !/--version|--property/.test(call));

describe("a user service", () => {
  const secrets = {
    OPENAI_API_KEY: "sk-shell-0001",
    HTTPS_PROXY: 'http://u:pa"s$s@127.0.0.1:9',
    NO_PROXY: "localhost",
  };

  test("is written, enabled and started, and takes no key from the shell", async () => {
    const { machine, run, unitPath } = desk({ environment: secrets });
    const ran = await run("install");
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(callsOf(machine, "systemctl")).toEqual([
      "systemctl --user daemon-reload",
      "systemctl --user enable clawgate.service",
      "systemctl --user reset-failed clawgate.service",
      "systemctl --user start clawgate.service",
    ]);
    const unit = readFileSync(unitPath, "utf8");
    expect(unit).not.toMatch(/sk-shell|pa"s/);
    expect(unit).toContain(`PATH=${machine.bin}:/usr/bin:/bin`);
    const carried = join(machine.homeDirectory, ".config/clawgate/service.env");
    expect(statSync(carried).mode & 0o777).toBe(0o600);
    expect(readFileSync(carried, "utf8")).toContain(String.raw`HTTPS_PROXY="http://u:pa\"s\$s@127.0.0.1:9"`);
    expect(ran.stdout).toContain("OPENAI_API_KEY: set in this shell, and the service does not get it");
    expect(ran.stdout).toContain("HTTPS_PROXY, NO_PROXY: carried over");
    expect(ran.stdout).toContain("lingering is off");
    expect(machine.calls().filter((call) => call.includes("enable-linger"))).toEqual([]);
    expect(ran.stdout).not.toContain("sk-shell");
  });

  test("lingers only when asked to", async () => {
    const { machine, run } = desk();
    expect((await run("install", "--linger")).code).toBe(0);
    expect(machine.calls()).toContain("loginctl enable-linger 1000");
  });

  test("--print and --dry-run change nothing", async () => {
    const { machine, run, unitPath } = desk();
    const printed = await run("install", "--print", "--config", "my.yaml");
    expect(printed.stdout).toMatch(/^ExecStart=.* serve --json-log --config \/.*my\.yaml$/m);
    const dry = await run("install", "--dry-run");
    expect(dry.stdout).toContain(`write ${unitPath} (mode 0644)`);
    expect(dry.stdout).toContain("systemctl --user enable clawgate.service");
    const json = JSON.parse((await run("install", "--dry-run", "--json")).stdout);
    expect(json).toMatchObject({ scope: "user", manager: "systemd", unit: { path: unitPath } });
    expect(existsSync(unitPath)).toBe(false);
    expect(callsOf(machine, "systemctl")).toEqual([]);
  });

  test("status tells how it is, and what to do when it is not", async () => {
    const { machine, run } = desk();
    expect(await run("status")).toMatchObject({ code: 1 });
    await run("install");
    const well = await run();
    expect(well.code).toBe(0);
    for (const words of [
      "active (running)",
      "4711",
      "listening on http://127.0.0.1:1",
      "2 since it was started",
      "a line of the log",
    ])
      expect(well.stdout).toContain(words);
    await run("stop");
    expect(callsOf(machine, "systemctl").at(-1)).toBe("systemctl --user stop clawgate.service");
    const ended = await run("status", "--json");
    expect(ended.code).toBe(1);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      installed: true,
      unit: { is_current: true, written_by_clawgate: true },
      state: { isActive: false, pid: null, detail: "ended: exit-code, exit code 78" },
      url: null,
    });
    expect((await run("status")).stdout).toContain("clawgate service start --user starts it");
  });

  test("an edited unit is not current, is written anew by its interface, and stays as .bak; a drop-in stays", async () => {
    const { machine, run, unitPath } = desk({ environment: { CLAWGATE_STATE_DIR: "/srv/state" } });
    await run("install", "--config", "/srv/config.yaml");
    const written = readFileSync(unitPath, "utf8");
    const dropIn = `${unitPath}.d/override.conf`;
    mkdirSync(dirname(dropIn));
    writeFileSync(dropIn, "[Service]\nNice=5\n");
    writeFileSync(unitPath, written.replace("RestartSec=2", "RestartSec=9"));
    expect((await run("status")).stdout).toContain("not this version's");
    // As an update in another shell does: the owner's decisions are in the unit, not in this shell.
    const elsewhere = { ...machine, environment: { PATH: machine.environment["PATH"] } };
    const [service, ...others] = await installedServices(elsewhere);
    expect(others).toEqual([]);
    expect(service?.unit.isCurrent).toBe(false);
    await service?.rewrite();
    expect(readFileSync(unitPath, "utf8")).toBe(written);
    expect(readFileSync(`${unitPath}.bak`, "utf8")).toContain("RestartSec=9");
    expect(readFileSync(dropIn, "utf8")).toContain("Nice=5");
    const [again] = await installedServices(elsewhere);
    expect(again?.unit.isCurrent).toBe(true);
    // The same by the command, as a new program does it for an old one's unit.
    writeFileSync(unitPath, written.replace("RestartSec=2", "RestartSec=1"));
    const ran = await run("install", "--as-installed", "--json");
    expect(JSON.parse(ran.stdout)).toMatchObject({
      scope: "user",
      unit: { path: unitPath, was_current: false },
    });
    expect(readFileSync(unitPath, "utf8")).toBe(written);
    expect((await run("install", "--as-installed")).stdout).toContain("is current");
    const before = machine.calls().length;
    await again?.rewrite();
    expect(machine.calls().slice(before)).toEqual([]);
  });

  test("somebody else's unit is left alone", async () => {
    const { run, unitPath } = desk();
    mkdirSync(dirname(unitPath), { recursive: true });
    writeFileSync(unitPath, "[Service]\nExecStart=/usr/bin/clawgate\n");
    expect((await run("install", "--as-installed")).code).toBe(1);
    const refused = await run("install");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("was not written by clawgate service install");
    expect((await run("uninstall")).code).toBe(1);
    expect(readFileSync(unitPath, "utf8")).toBe("[Service]\nExecStart=/usr/bin/clawgate\n");
    expect((await run("install", "--force")).code).toBe(0);
    expect(readFileSync(`${unitPath}.bak`, "utf8")).toContain("ExecStart=/usr/bin/clawgate");
  });

  test("uninstall removes what was written, and keeps lines of the owner", async () => {
    const { machine, run, unitPath } = desk({ environment: secrets });
    const carried = join(machine.homeDirectory, ".config/clawgate/service.env");
    await run("install");
    expect((await run("uninstall")).code).toBe(0);
    expect(existsSync(unitPath) || existsSync(carried)).toBe(false);
    expect(callsOf(machine, "systemctl")).toContain("systemctl --user disable --now clawgate.service");
    await run("install");
    writeFileSync(carried, `${readFileSync(carried, "utf8")}MY_OWN=1\n`);
    await run("install");
    expect(readFileSync(carried, "utf8").match(/HTTPS_PROXY/g)).toHaveLength(1);
    await run("uninstall");
    expect(readFileSync(carried, "utf8")).toContain("MY_OWN=1");
  });

  test("logs prints what the manager keeps", async () => {
    const { machine, run } = desk();
    await run("install");
    expect(await run("logs", "-n", "7")).toMatchObject({ code: 0, stdout: "a line of the log\n" });
    expect(machine.calls().at(-1)).toBe(
      "journalctl --user --unit=clawgate.service --no-pager --output=cat --lines=7",
    );
    expect(JSON.parse((await run("logs", "--json")).stdout)).toEqual({ lines: ["a line of the log"] });
  });

  test("a start that fails is said with the last lines of the log", async () => {
    const { machine, run } = desk();
    machine.program(
      "systemctl",
      `case "$*" in *"start clawgate"*) echo "Job failed" >&2; exit 1 ;; *) ${systemctlScript(join(machine.root, "never"))} ;; esac`,
    );
    const ran = await run("install");
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain("it did not start");
    expect(ran.stderr).toContain("Job failed");
    expect(ran.stderr).toContain("a line of the log");
  });

  test("without systemd it says how to run instead, and writes nothing", async () => {
    const { machine, run, unitPath } = desk();
    machine.program("systemctl", 'echo "System has not been booted with systemd as init system" >&2; exit 1');
    const ran = await run("install");
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain("systemd does not run here");
    expect(ran.stderr).toContain("clawgate serve");
    expect(existsSync(unitPath)).toBe(false);
  });

  test("a service that cannot be stopped is not removed", async () => {
    const { machine, run, unitPath } = desk();
    await run("install");
    machine.program("systemctl", 'case "$*" in *disable*) echo "Access denied" >&2; exit 1 ;; esac');
    const ran = await run("uninstall");
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain("Access denied");
    expect(existsSync(unitPath)).toBe(true);
  });

  test("wrong options are refused", async () => {
    const { run } = desk();
    expect((await run("install", "--user", "--system")).code).toBe(64);
    expect((await run("start", "--sytem")).stderr).toContain("--system");
    expect((await run("restart")).stderr).toContain("clawgate service install");
  });
});

describe("a service of the machine", () => {
  test("gets its own user and folder", async () => {
    const { machine, run, unitPath } = desk({ uid: 0 });
    expect((await run("install", "--json")).code).toBe(0);
    expect(callsOf(machine, "useradd")).toEqual([
      "useradd --system --user-group --no-create-home --home-dir /var/lib/clawgate --shell /usr/sbin/nologin clawgate",
    ]);
    expect(callsOf(machine, "install")).toEqual([
      `install -d -o clawgate -g clawgate -m 0700 ${machine.root}/etc/clawgate`,
    ]);
    expect(readFileSync(unitPath, "utf8")).toContain("User=clawgate");
    expect(callsOf(machine, "systemctl").at(-1)).toBe("systemctl start clawgate.service");
    await run("install");
    expect(callsOf(machine, "systemctl").at(-1)).toBe("systemctl restart clawgate.service");
  });

  test("needs root, and a config that it can see", async () => {
    const { run } = desk();
    expect((await run("install", "--system")).stderr).toContain("needs root");
    const hidden = await desk({ uid: 0 }).run("install", "--config", "/home/anna/config.yaml");
    expect(hidden.code).toBe(1);
    expect(hidden.stderr).toContain(
      "/home/anna/config.yaml lies in a folder that the system service cannot see",
    );
  });
});

describe("a restart", () => {
  const startedAt = (date: Date): string => `Mon ${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;

  /** The service as systemd shows it, started so many seconds ago. */
  async function running(secondsAgo: number, isReloadNeeded = false) {
    const made = desk();
    await made.run("install");
    const shown = [
      "ActiveState=active",
      "MainPID=4711",
      `ActiveEnterTimestamp=${startedAt(new Date(Date.now() - secondsAgo * 1000))}`,
      `FragmentPath=${made.unitPath}`,
      `NeedDaemonReload=${isReloadNeeded ? "yes" : "no"}`,
    ];
    made.machine.program(
      "systemctl",
      `case "$*" in *--version*) echo "systemd 252" ;; *show*) printf '%s\\n' ${shown.map((each) => `'${each}'`).join(" ")} ;; esac`,
    );
    return made;
  }

  test("where no gateway can hand over, the manager stops and starts it, and that is said", async () => {
    const { machine, run } = await running(-60);
    const ran = await run("restart");
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toContain("restarted (stopped and started: no gateway is running");
    expect(callsOf(machine, "systemctl").at(-1)).toBe("systemctl --user restart clawgate.service");
    expect(callsOf(machine, "systemctl")).not.toContain("systemctl --user reload clawgate.service");
  });

  test("a unit or a drop-in that is younger than the process is only read by a new start", async () => {
    const { run, unitPath } = await running(60);
    expect((await run("restart")).stdout).toContain(`${unitPath} was changed since it was started`);
    const later = await running(-60);
    mkdirSync(`${later.unitPath}.d`);
    expect((await later.run("restart")).stdout).not.toContain("was changed");
    utimesSync(`${later.unitPath}.d`, new Date(), new Date(Date.now() + 3_600_000));
    expect(JSON.parse((await later.run("restart", "--json")).stdout)).toMatchObject({
      done: "restarted",
      how: "stopped-and-started",
      why: `${later.unitPath}.d was changed since it was started`,
    });
  });

  test("a unit that systemd has not read yet is read before", async () => {
    const { machine, run } = await running(-60, true);
    expect((await run("restart")).stdout).toContain("its unit was changed since it was started");
    expect(callsOf(machine, "systemctl").slice(-2)).toEqual([
      "systemctl --user daemon-reload",
      "systemctl --user restart clawgate.service",
    ]);
  });
});

describe("launchd", () => {
  const secret = { HTTPS_PROXY: "http://u:secret@127.0.0.1:9", NO_PROXY: "localhost" };

  test("an agent is written, loaded, restarted from its file and removed", async () => {
    const { machine, run } = desk({ platform: "darwin", uid: 501, environment: secret });
    const plist = join(machine.homeDirectory, "Library/LaunchAgents/dev.clawgate.gateway.plist");
    const ran = await run("install");
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    const text = readFileSync(plist, "utf8");
    expect(text).toContain("<string>localhost</string>");
    expect(text).not.toContain("secret");
    expect(ran.stdout).toContain("HTTPS_PROXY: not carried over, because it holds a password");
    expect(callsOf(machine, "launchctl").filter((call) => !call.includes("print"))).toEqual([
      "launchctl enable gui/501/dev.clawgate.gateway",
      `launchctl bootstrap gui/501 ${plist}`,
    ]);
    expect((await run("status", "--json")).stdout).toContain('"pid": 42');
    await run("restart");
    expect(
      callsOf(machine, "launchctl")
        .filter((call) => !call.includes("print"))
        .slice(-2),
    ).toEqual(["launchctl bootout gui/501/dev.clawgate.gateway", `launchctl bootstrap gui/501 ${plist}`]);
    await run("stop");
    expect((await run("status")).code).toBe(1);
    await run("uninstall");
    expect(existsSync(plist)).toBe(false);
  });

  test("it is loaded again only when the old process has ended", async () => {
    const { machine, run } = desk({ platform: "darwin", uid: 501 });
    await run("install");
    const ending = join(machine.root, "ending");
    machine.program(
      "launchctl",
      `case "$1" in
        bootout) printf 'xx' > "${ending}" ;;
        print) case "$2" in */*/*)
          [ -e "${ending}" ] || exit 0
          left=$(cat "${ending}"); [ -n "$left" ] || exit 113
          printf '%s' "\${left#x}" > "${ending}" ;; esac ;;
        bootstrap) [ -z "$(cat "${ending}")" ] || { echo "Bootstrap failed: 5: Input/output error" >&2; exit 5; } ;;
      esac`,
    );
    expect(await run("restart")).toMatchObject({ code: 0, stderr: "" });
    expect(machine.calls().at(-1)).toContain("launchctl bootstrap gui/501");
  });

  test("a daemon runs as the user who called sudo, never as root", async () => {
    const refused = await desk({ platform: "darwin", uid: 0 }).run("install");
    expect(refused.stderr).toContain("not as root itself");
    const { run } = desk({ platform: "darwin", uid: 0, environment: { SUDO_USER: "anna" } });
    const { stdout } = await run("install", "--print");
    expect(stdout).toContain("<key>UserName</key>\n  <string>anna</string>");
    expect(stdout).toContain("/Users/anna/Library/Logs/clawgate/clawgate.log");
  });
});

test("another system is told what to do instead", async () => {
  const { run } = desk({ platform: "win32" });
  expect((await run("status")).stderr).toContain("clawgate serve");
});
