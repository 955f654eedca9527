// How `update` restarts a gateway: by the new program's own commands, as their answers say; and what it does where none of them can.

import { expect, test } from "bun:test";
import { gatewayControl, type OwnProgram, placeOfService } from "../../src/commands/update-gateway.ts";
import { cleanupsAfterEach } from "../support/cleanups.ts";

const cleanups = cleanupsAfterEach();

type Answer = { readonly code: number; readonly stdout?: unknown; readonly stderr?: string };

/** `answers` by the first two words of a call. */
function control(answers: Readonly<Record<string, Answer>>) {
  const calls: string[] = [];
  const run: OwnProgram = (program, args) => {
    calls.push(`${program} ${args.join(" ")}`);
    const {
      code,
      stdout = "",
      stderr = "",
    } = answers[args.slice(0, 2).join(" ")] ??
      answers[args[0] ?? ""] ?? { code: 64, stderr: "unknown command" };
    const text = typeof stdout === "string" ? stdout : JSON.stringify(stdout);
    return Promise.resolve({ code, stdout: text, stderr, timedOut: false, wasCut: false });
  };
  const stateDirectory = cleanups.folder("clawgate-update-gateway-");
  const environment = { PATH: "/nonexistent", CLAWGATE_STATE_DIR: stateDirectory };
  const context = {
    args: [],
    environment,
    workingDirectory: stateDirectory,
    homeDirectory: stateDirectory,
    stdout: process.stdout,
    stderr: process.stderr,
  };
  const place = { context, environment, run };
  return { calls, stateDirectory, place, gateway: gatewayControl(place, stateDirectory) };
}

test("a hand-over is asked of the program that now lies there, for this state directory", async () => {
  const { gateway, calls, stateDirectory } = control({
    restart: { code: 0, stdout: { restarted: true, pid: 2 } },
  });
  expect(await gateway.restart("/opt/clawgate")).toEqual({ kind: "restarted", how: "no request was lost" });
  expect(calls).toEqual([`/opt/clawgate restart --json --timeout 60 --state-dir ${stateDirectory}`]);
});

test.each([
  ["the gateway was not restarted and goes on as before: it ended with 1", true, "failed"],
  ["the gateway was not restarted within 60 s", true, "failed"],
  [
    "the gateway was not restarted and goes on as before: its systemd unit ends with this process",
    false,
    "by-hand",
  ],
  [
    "process 7 cannot hand over: it is an older version, or not ready yet. Stop it and start it again",
    false,
    "by-hand",
  ],
  ["a running gateway can hand over to a new process only on Linux", false, "by-hand"],
])("%p, tried: %p, is %s", async (why, tried, kind) => {
  const { gateway } = control({ restart: { code: 1, stdout: { restarted: false, tried, why } } });
  const restarted = await gateway.restart("/opt/clawgate");
  expect(restarted).toMatchObject({ kind });
  expect("why" in restarted && restarted.why.startsWith(why)).toBe(true);
});

test("a version without the command leaves the restart to its user", async () => {
  const { gateway } = control({});
  expect(await gateway.restart("/opt/clawgate")).toEqual({
    kind: "by-hand",
    why: "this version cannot hand over to another process; stop it and start it again",
  });
});

const unit = (facts: object) => ({
  code: 0,
  stdout: { installed: true, unit: { path: "/u/clawgate.service", ...facts } },
});

test("a unit of ours that this version writes otherwise is written anew by the new program, others are left alone", async () => {
  const outdated = control({
    "service status": unit({ written_by_clawgate: true, is_current: false }),
    "service install": { code: 0, stdout: { unit: { was_current: false } } },
  });
  const notes = await outdated.gateway.refreshUnits("/opt/clawgate");
  expect(notes[0]).toBe(
    "/u/clawgate.service was written anew for this version; what it sets for the process holds from the service's next stop and start",
  );
  expect(outdated.calls.slice(0, 2)).toEqual([
    "/opt/clawgate service status --user --json",
    "/opt/clawgate service install --as-installed --user --json",
  ]);
  for (const facts of [
    { written_by_clawgate: true, is_current: true },
    { written_by_clawgate: false, is_current: false },
  ]) {
    const left = control({ "service status": unit(facts) });
    expect(await left.gateway.refreshUnits("/opt/clawgate")).toEqual([]);
    expect(left.calls.join()).not.toContain("install");
  }
  expect(await control({}).gateway.refreshUnits("/opt/clawgate")).toEqual([]);
  const denied = control({
    "service status": unit({ written_by_clawgate: true, is_current: false }),
    "service install": { code: 1, stderr: "clawgate: EACCES" },
  });
  expect((await denied.gateway.refreshUnits("/opt/clawgate"))[0]).toContain(
    "was not written anew: clawgate: EACCES",
  );
});

test("the gateway of the machine's service is looked for where that has its state, unless a place is named", async () => {
  const active = {
    "service status": {
      code: 0,
      stdout: { state: { isActive: true, pid: 7 }, state_dir: "/var/lib/clawgate" },
    },
  };
  const { place } = control(active);
  const unnamed = { ...place, environment: { PATH: "/nonexistent" } };
  const found = await placeOfService(unnamed, "/opt/clawgate");
  expect(found?.environment["CLAWGATE_STATE_DIR"]).toBe("/var/lib/clawgate");
  expect(await placeOfService(place, "/opt/clawgate")).toBe(null);
  const stopped = {
    "service status": { code: 1, stdout: { state: { isActive: false }, state_dir: "/var/lib/clawgate" } },
  };
  for (const answers of [stopped, {}]) {
    const none = { ...control(answers).place, environment: {} };
    expect(await placeOfService(none, "/opt/clawgate")).toBe(null);
  }
});
