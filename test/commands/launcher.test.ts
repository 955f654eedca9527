import { expect, test } from "bun:test";
import { launcherOf } from "../../src/commands/launcher.ts";
import { fakeClock } from "../support/clock.ts";

test("only a parent that says so itself is a launcher", () => {
  const clock = fakeClock();
  expect(launcherOf({}, clock, () => 40)).toBeNull();
  // Inherited from a launcher that is not our parent.
  expect(launcherOf({ CLAWGATE_LAUNCHER_PID: "41" }, clock, () => 40)).toBeNull();
  expect(launcherOf({ CLAWGATE_LAUNCHER_PID: "1" }, clock, () => 1)).toBeNull();
  expect(launcherOf({ CLAWGATE_LAUNCHER_PID: "40" }, clock, () => 40)).not.toBeNull();
});

test("signals within a second count once", async () => {
  const clock = fakeClock();
  const launcher = launcherOf({ CLAWGATE_LAUNCHER_PID: "40" }, clock, () => 40);
  const firstMs = clock.monotonicMs();
  expect(launcher?.isRepeated(firstMs)).toBe(true);
  await clock.advance(999);
  expect(launcher?.isRepeated(firstMs)).toBe(true);
  await clock.advance(1);
  expect(launcher?.isRepeated(firstMs)).toBe(false);
});

test("its end is told once, and a watch that is over tells nothing", async () => {
  const clock = fakeClock();
  let parent = 40;
  const launcher = launcherOf({ CLAWGATE_LAUNCHER_PID: "40" }, clock, () => parent);
  let told = 0;
  let toldOther = 0;
  launcher?.watch(() => (told += 1));
  const stop = launcher?.watch(() => (toldOther += 1));
  await clock.advance(5_000);
  expect(told).toBe(0);
  stop?.();
  parent = 1;
  await clock.advance(5_000);
  expect([told, toldOther, clock.waiting()]).toEqual([1, 0, 0]);
});
