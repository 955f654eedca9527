// The texts of the units: what they say, that they hold no secret, and that their own tools accept them.

import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launchdPlist } from "../../src/supervisor/launchd-plist.ts";
import { planIn, type ServicePlan } from "../../src/supervisor/service-plan.ts";
import { systemdUnit } from "../../src/supervisor/systemd-unit.ts";
import { findOnPath } from "../../src/system/process.ts";
import { runProgram } from "../support/program-run.ts";

const root = join(import.meta.dir, "..", "..");
const systemPlan: ServicePlan = {
  scope: "system",
  user: null,
  program: ["/usr/local/bin/clawgate"],
  args: [],
  environment: {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    CLAWGATE_STATE_DIR: "/var/lib/clawgate",
    XDG_CONFIG_HOME: "/etc",
    XDG_DATA_HOME: "/var/lib",
  },
};
const facts = {
  version: 252,
  root: "",
  environmentFile: "/etc/default/clawgate",
  stateFolder: "/var/lib/clawgate",
};
// Characters that a unit, a shell and XML each take for something else.
const hostile = `/opt/a b/50% "of" $HOME \\ <x> & -- /clawgate`;
const agentPlan: ServicePlan = {
  scope: "user",
  user: null,
  program: ["/opt/homebrew/opt/clawgate/bin/clawgate"],
  args: [],
  environment: { PATH: "/opt/homebrew/bin:/usr/bin:/bin" },
};
const agentFacts = {
  logFolder: "/Users/you/Library/Logs/clawgate",
  workingFolder: "/Users/you/Library/Logs/clawgate",
};

function inFolder<Result>(
  name: string,
  text: string,
  run: (path: string) => Promise<Result>,
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), "clawgate-unit-"));
  const path = join(folder, name);
  writeFileSync(path, text);
  return run(path).finally(() => rmSync(folder, { recursive: true, force: true }));
}

const run = (argv: readonly string[]) =>
  runProgram(argv, { cwd: tmpdir(), env: { PATH: process.env["PATH"] }, timeoutMs: 20_000 });
const lines = (text: string): readonly string[] => text.split("\n");

describe("the unit of systemd", () => {
  test("the machine's is notify, watched, closed, and never tries a wrong config again", () => {
    const unit = lines(systemdUnit(systemPlan, facts));
    for (const line of [
      "Type=notify",
      "NotifyAccess=all",
      "ExecStop=-/usr/local/bin/clawgate stop --timeout 3600",
      "ExecStart=/usr/local/bin/clawgate serve --json-log",
      "ExecReload=/bin/kill -HUP $MAINPID",
      "EnvironmentFile=-/etc/default/clawgate",
      "WatchdogSec=30",
      "KillMode=mixed",
      "Restart=on-failure",
      "RestartPreventExitStatus=64 78",
      "LimitNOFILE=65536",
      "User=clawgate",
      "StateDirectory=clawgate",
      "ConfigurationDirectory=clawgate",
      "ProtectSystem=strict",
      "NoNewPrivileges=yes",
      "PrivateTmp=yes",
      "CapabilityBoundingSet=",
      "WantedBy=multi-user.target",
    ])
      expect(unit).toContain(line);
    expect(unit.filter((line) => line.startsWith("MemoryDenyWriteExecute"))).toEqual([]);
  });

  test("from 253 on systemd reloads by itself, from 254 on it waits longer each time", () => {
    const newer = lines(systemdUnit(systemPlan, { ...facts, version: 254 }));
    expect(newer).toContain("Type=notify-reload");
    expect(newer).toContain("RestartSteps=6");
    expect(newer.filter((line) => line.startsWith("ExecReload"))).toEqual([]);
    expect(lines(systemdUnit(systemPlan, { ...facts, version: 253 }))).not.toContain("RestartSteps=6");
    expect(lines(systemdUnit(systemPlan, { ...facts, version: null }))).toContain("Type=notify");
  });

  test("the user's has neither a user nor namespaces of its own", () => {
    const unit = systemdUnit({ ...systemPlan, scope: "user" }, facts);
    expect(unit).not.toMatch(/^(?:User|Protect\w+|PrivateTmp|RestrictNamespaces)=/m);
    expect(unit).toContain("WantedBy=default.target");
  });

  test("hostile paths stay one word, and the plan comes back", () => {
    const plan = { ...systemPlan, program: [hostile], args: ["--config", `${hostile}.yaml`] };
    const unit = systemdUnit(plan, facts);
    expect(unit).toContain(
      String.raw`ExecStart="/opt/a b/50%% \"of\" $HOME \\ <x> & -- /clawgate" serve --json-log --config "/opt/a b/50%% \"of\" $$HOME `,
    );
    expect(planIn(unit)).toEqual(plan);
  });

  test.if(findOnPath("systemd-analyze", process.env["PATH"]) !== null)(
    "systemd itself finds nothing wrong, and rates the machine's below 3",
    async () => {
      for (const scope of ["system", "user"] as const)
        await inFolder(
          "clawgate.service",
          systemdUnit({ ...systemPlan, scope, program: ["/bin/sh"] }, facts),
          async (path) => {
            const said = await run(["systemd-analyze", `--${scope}`, "verify", path]);
            // A machine without units of its own complains of those, never of this one.
            expect(lines(said.stderr).filter((line) => line.includes("clawgate"))).toEqual([]);
            if (scope === "user") return;
            const rated = await run(["systemd-analyze", "security", "--offline=yes", "--threshold=30", path]);
            expect(rated.stdout).toMatch(/Overall exposure level for clawgate.service: [0-2]\.\d/);
            expect(rated.code).toBe(0);
          },
        );
    },
    30_000,
  );
});

describe("the property list of launchd", () => {
  test.if(findOnPath("python3", process.env["PATH"]) !== null)(
    "a parser reads what was meant, also of hostile paths",
    async () => {
      const plan = { ...agentPlan, user: "anna", program: [hostile], environment: { PATH: "/a&b:/<c>" } };
      const read = "import json,plistlib,sys; print(json.dumps(plistlib.load(open(sys.argv[1],'rb'))))";
      const value = await inFolder("a.plist", launchdPlist(plan, agentFacts), async (path) =>
        JSON.parse((await run(["python3", "-c", read, path])).stdout),
      );
      expect(value).toMatchObject({
        Label: "dev.clawgate.gateway",
        UserName: "anna",
        ProgramArguments: [hostile, "serve", "--json-log"],
        EnvironmentVariables: { PATH: "/a&b:/<c>" },
        RunAtLoad: true,
        KeepAlive: { SuccessfulExit: false },
        ThrottleInterval: 10,
        StandardErrorPath: "/Users/you/Library/Logs/clawgate/clawgate.log",
        SoftResourceLimits: { NumberOfFiles: 65_536 },
      });
      expect(planIn(launchdPlist(plan, agentFacts))).toEqual(plan);
    },
  );
});

test("a unit that somebody wrote or whose plan was edited has no plan", () => {
  expect(planIn("[Service]\nExecStart=/usr/bin/clawgate\n")).toBeNull();
  expect(planIn('# clawgate-service: {"scope":"system"}\n')).toBeNull();
  expect(planIn("# clawgate-service: {\n")).toBeNull();
});

// For packagers and readers. Written anew with the text that the failure shows.
test("the units of scripts/packaging are those of this version", () => {
  const packaged = (path: string): string => readFileSync(join(root, "scripts/packaging", path), "utf8");
  expect(packaged("systemd/clawgate.service")).toBe(systemdUnit(systemPlan, facts));
  expect(packaged("launchd/dev.clawgate.gateway.plist")).toBe(launchdPlist(agentPlan, agentFacts));
});
