// The watch over the config's files: every way in which editors, operators and Kubernetes put a new text there is told once,
// and nothing else is.

import { describe, expect, test } from "bun:test";
import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readFileSync } from "node:fs";
import { type FileWatch, watchFiles } from "../../src/config/file-watch.ts";
import { systemClock } from "../../src/system/clock.ts";
import { errorCode } from "../../src/system/files.ts";
import { cleanupsAfterEach } from "../support/cleanups.ts";
import { fakeClock } from "../support/clock.ts";

const cleanups = cleanupsAfterEach();

function folder(): string {
  return cleanups.folder("clawgate-watch-");
}

function readFile(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (thrown) {
    if (errorCode(thrown) === "ENOENT") return null;
    throw thrown;
  }
}

/** By the wall clock: resolves with the paths of the next change. */
function watchNow(files: readonly string[]): { next(): Promise<readonly string[]>; watch: FileWatch } {
  let waiting: ((paths: readonly string[]) => void) | null = null;
  const watch = cleanups.stopAtEnd(
    watchFiles({ clock: systemClock, readFile, onChange: (paths) => waiting?.(paths) }),
  );
  watch.expect(new Map(files.map((path) => [path, readFile(path)])));
  return {
    watch,
    next: () =>
      new Promise((resolve) => {
        waiting = resolve;
      }),
  };
}

describe("is told", () => {
  test("a text written in place", async () => {
    const path = join(folder(), "config.yaml");
    writeFileSync(path, "a: 1");
    const { next } = watchNow([path]);
    const told = next();
    writeFileSync(path, "a: 2");
    expect(await told).toEqual([path]);
  });

  test("a new file renamed over the old one, twice", async () => {
    const path = join(folder(), "config.yaml");
    writeFileSync(path, "a: 1");
    const { next } = watchNow([path]);
    for (const text of ["a: 2", "a: 3"]) {
      const told = next();
      writeFileSync(`${path}.tmp`, text);
      renameSync(`${path}.tmp`, path);
      expect(await told).toEqual([path]);
    }
  });

  test("a swapped link, as Kubernetes updates a mounted ConfigMap", async () => {
    const place = folder();
    for (const [name, text] of [
      ["v1", "a: 1"],
      ["v2", "a: 2"],
    ] as const) {
      mkdirSync(join(place, name));
      writeFileSync(join(place, name, "config.yaml"), text);
    }
    symlinkSync("v1", join(place, "..data"));
    symlinkSync("..data/config.yaml", join(place, "config.yaml"));
    const path = join(place, "config.yaml");
    const { next } = watchNow([path]);
    const told = next();
    symlinkSync("v2", join(place, "..data_tmp"));
    renameSync(join(place, "..data_tmp"), join(place, "..data"));
    expect(await told).toEqual([path]);
  });

  test("the file behind a link, written in place in its own folder", async () => {
    const target = join(folder(), "real.yaml");
    const path = join(folder(), "config.yaml");
    writeFileSync(target, "a: 1");
    symlinkSync(target, path);
    const { next } = watchNow([path]);
    const told = next();
    writeFileSync(target, "a: 2");
    expect(await told).toEqual([path]);
  });

  test("a file that goes and comes again, and a .env that was not there", async () => {
    const place = folder();
    const [path, dotEnv] = [join(place, "config.yaml"), join(place, ".env")];
    writeFileSync(path, "a: 1");
    const { next } = watchNow([path, dotEnv]);
    const gone = next();
    rmSync(path);
    expect(await gone).toEqual([path]);
    const back = next();
    writeFileSync(path, "a: 1");
    expect(await back).toEqual([path]);
    const came = next();
    writeFileSync(dotEnv, "KEY=1");
    expect(await came).toEqual([dotEnv]);
  });
});

describe("with a clock that stands still between two looks", () => {
  function watchSlowly(path: string) {
    const clock = fakeClock();
    const told: (readonly string[])[] = [];
    const watch = cleanups.stopAtEnd(
      watchFiles({ clock, readFile, onChange: (paths) => void told.push(paths) }),
    );
    watch.expect(new Map([[path, readFile(path)]]));
    return { clock, told, watch };
  }

  test("a touch, and a text that comes back before it was told, are nothing", async () => {
    const path = join(folder(), "config.yaml");
    writeFileSync(path, "a: 1");
    const { clock, told } = watchSlowly(path);
    utimesSync(path, new Date(0), new Date());
    await clock.advance(10_000);
    writeFileSync(path, "a: 2");
    writeFileSync(path, "a: 1");
    await clock.advance(10_000);
    expect(told).toEqual([]);
  });

  test("a text that is still being written is not told: two looks must find the same", async () => {
    const path = join(folder(), "config.yaml");
    writeFileSync(path, "a: 1");
    const { clock, told } = watchSlowly(path);
    await clock.advance(2_900);
    writeFileSync(path, "b");
    // The poll sees "b" ...
    await clock.advance(110);
    // ... and every look after it something longer.
    for (const text of ["b:", "b: ", "b: 2"]) {
      writeFileSync(path, text);
      await clock.advance(100);
      expect(told).toEqual([]);
    }
    await clock.advance(100);
    expect(told).toEqual([[path]]);
    await clock.advance(10_000);
    expect(told).toHaveLength(1);
  });

  test("without any announcement the poll finds it, also after the directory was made anew", async () => {
    const place = join(folder(), "inner");
    const path = join(place, "config.yaml");
    mkdirSync(place);
    writeFileSync(path, "a: 1");
    const { clock, told } = watchSlowly(path);
    await clock.advance(1_000);
    rmSync(place, { recursive: true });
    mkdirSync(place);
    writeFileSync(path, "a: 2");
    await clock.advance(4_000);
    expect(told).toEqual([[path]]);
  });

  test("stopped: no timer is left, and nothing is told any more", async () => {
    const path = join(folder(), "config.yaml");
    writeFileSync(path, "a: 1");
    const { clock, told, watch } = watchSlowly(path);
    watch.stop();
    expect(clock.waiting()).toBe(0);
    writeFileSync(path, "a: 2");
    await clock.advance(10_000);
    expect(told).toEqual([]);
  });
});

test("a neighbour that is written all the time is not looked at: a database may lie beside the config", async () => {
  const place = folder();
  const path = join(place, "config.yaml");
  writeFileSync(path, "a: 1");
  let reads = 0;
  const changed = Promise.withResolvers<void>();
  const watch = watchFiles({
    clock: systemClock,
    readFile: (each) => {
      reads += 1;
      return readFile(each);
    },
    onChange: () => changed.resolve(),
  });
  cleanups.push(() => watch.stop());
  watch.expect(new Map([[path, "a: 1"]]));
  // The look that follows `expect`.
  while (reads === 0) await Bun.sleep(10);
  const before = reads;
  const begunMs = performance.now();
  for (let time = 0; time < 60; time++) {
    writeFileSync(join(place, "metrics.db"), String(time));
    await Bun.sleep(10);
  }
  // It looks by itself every few seconds as well.
  expect(reads - before).toBeLessThan(2 + (performance.now() - begunMs) / 1_000);
  writeFileSync(path, "a: 2");
  await changed.promise;
});

test("a file that cannot be opened for want of descriptors has not changed, and what was written meanwhile is told afterwards", async () => {
  const path = join(folder(), "config.yaml");
  writeFileSync(path, "a: 1");
  const clock = fakeClock();
  const told: string[] = [];
  let isShort = false;
  const watch = watchFiles({
    clock,
    readFile(each) {
      if (isShort) throw Object.assign(new Error("too many open files"), { code: "EMFILE" });
      return readFile(each);
    },
    onChange: (paths) => told.push(...paths),
  });
  cleanups.push(() => watch.stop());
  watch.expect(new Map([[path, "a: 1"]]));
  isShort = true;
  writeFileSync(path, "a: 2");
  await clock.advance(10_000);
  expect(told).toEqual([]);
  isShort = false;
  await clock.advance(10_000);
  expect(told).toEqual([path]);
});
