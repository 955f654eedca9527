// POST /api/doctor runs the program itself, once at a time, and hands on its report without secrets.

import { expect, test } from "bun:test";
import { DoctorRun } from "../../../src/operator/examination/doctor-run.ts";
import type { CommandResult, runCommand } from "../../../src/system/process.ts";

function doctor(result: Partial<CommandResult>) {
  const calls: { readonly argv: readonly string[]; readonly env: object }[] = [];
  const held = Promise.withResolvers<void>();
  const run: typeof runCommand = async (argv, { env, signal }) => {
    calls.push({ argv, env: env ?? {} });
    await Promise.race([
      held.promise,
      new Promise<void>((resolve) => signal?.addEventListener("abort", () => resolve())),
    ]);
    return { code: 0, stdout: "", stderr: "", timedOut: false, wasCut: false, ...result };
  };
  const doctorRun = new DoctorRun({
    program: ["/opt/clawgate"],
    workingDirectory: "/",
    environment: () => ({ PATH: "/bin", EMPTY: undefined }),
    redact: (text) => text.replaceAll("sk-secret", "***"),
    run,
  });
  return { doctorRun, calls, finish: held.resolve };
}

test("two who ask at once get one run's report; a later one gets a new run", async () => {
  const { doctorRun, calls, finish } = doctor({
    code: 1,
    stdout: '{"ok":false,"findings":[{"title":"sk-secret"}]}',
  });
  const both = [doctorRun.report(), doctorRun.report()];
  finish();
  expect(await Promise.all(both)).toEqual([
    { ok: false, findings: [{ title: "***" }] },
    { ok: false, findings: [{ title: "***" }] },
  ]);
  expect(calls).toEqual([{ argv: ["/opt/clawgate", "doctor", "--json"], env: { PATH: "/bin" } }]);
  await doctorRun.report();
  expect(calls).toHaveLength(2);
});

test("no report, one that takes too long, and a shutdown are failures that say so", async () => {
  const none = doctor({ code: 64, stderr: "unknown option sk-secret" });
  none.finish();
  await expect(none.doctorRun.report()).rejects.toMatchObject({
    kind: "internal",
    cause: "unknown option ***",
  });
  const slow = doctor({ timedOut: true });
  slow.finish();
  await expect(slow.doctorRun.report()).rejects.toMatchObject({ kind: "timed-out" });
  const ending = doctor({});
  const report = ending.doctorRun.report();
  ending.doctorRun.stop();
  await expect(report).rejects.toMatchObject({ kind: "shutting-down" });
});
