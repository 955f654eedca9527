import { expect, test } from "bun:test";
import { availableMemoryMb } from "../../src/system/memory.ts";

const meminfo = "MemTotal:       4000000 kB\nMemFree:         100000 kB\nMemAvailable:   2097152 kB\n";
const megabytes = (count: number): string => `${count * 1024 * 1024}\n`;
const on = (files: Readonly<Record<string, string>>) =>
  availableMemoryMb(
    (path) => Promise.resolve(files[path] ?? null),
    () => 300 * 1024 * 1024,
  );

test("the machine's own number where nothing is narrower", async () => {
  expect(await on({ "/proc/meminfo": meminfo })).toBe(2048);
  expect(await on({ "/proc/meminfo": meminfo, "/proc/self/cgroup": "4:memory:/x\n0::/\n" })).toBe(2048);
});

test("without /proc the free memory", async () => {
  expect(await on({})).toBe(300);
});

test("the tightest control group above the process, and cached files give way", async () => {
  const files = {
    "/proc/meminfo": meminfo,
    "/proc/self/cgroup": "0::/outer/inner\n",
    "/sys/fs/cgroup/outer/inner/memory.max": "max\n",
    "/sys/fs/cgroup/outer/inner/memory.current": megabytes(900),
    "/sys/fs/cgroup/outer/memory.max": megabytes(1000),
    "/sys/fs/cgroup/outer/memory.current": megabytes(950),
    "/sys/fs/cgroup/outer/memory.stat": `anon 1\ninactive_file ${megabytes(30)}slab 2\n`,
  };
  expect(await on(files)).toBe(80);
  expect(await on({ ...files, "/sys/fs/cgroup/outer/memory.current": megabytes(1100) })).toBe(0);
});

test("a container that shows only its own group", async () => {
  expect(
    await on({
      "/proc/meminfo": meminfo,
      "/proc/self/cgroup": "0::/\n",
      "/sys/fs/cgroup/memory.max": megabytes(512),
      "/sys/fs/cgroup/memory.current": megabytes(112),
    }),
  ).toBe(400);
});

test("on this machine it is something", async () => {
  expect(await availableMemoryMb()).toBeGreaterThan(0);
});
