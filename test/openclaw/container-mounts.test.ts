// Where a container's paths lie on this machine: held below the mount, whatever docker and the container's variables say.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import {
  insidePath,
  type Mount,
  mountOf,
  outermost,
  outsideOf,
  writableSources,
} from "../../src/openclaw/container-mounts.ts";
import { dockerInstances } from "../../src/openclaw/docker.ts";
import { runCommand } from "../../src/system/process.ts";
import { type FakeContainer, fakeDocker } from "../support/docker.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clawgate-mounts-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const state = "/home/node/.openclaw";
const mounts = [{ source: "/srv/a", destination: state }];

async function found(more: Partial<FakeContainer>) {
  const docker = fakeDocker(dir, [{ name: "box", mounts, ...more }]);
  const { instances } = await dockerInstances((args) =>
    runCommand([docker.path, ...args], { timeoutMs: 10_000 }),
  );
  const [{ stateDir, configPath, stateBelow, insideStateDir } = {}] = instances;
  return [insideStateDir, stateDir, stateBelow, configPath];
}

test.each([
  ["nothing said", {}, [state, "/srv/a", "/srv/a", "/srv/a/openclaw.json"]],
  [
    "dots and slashes inside",
    { OPENCLAW_STATE_DIR: `/home//node/./x/../.openclaw//st/` },
    [`${state}/st`, "/srv/a/st", "/srv/a", "/srv/a/st/openclaw.json"],
  ],
  [
    "dots that lead out",
    { OPENCLAW_STATE_DIR: `${state}/../../../root/.ssh` },
    ["/root/.ssh", null, null, null],
  ],
  [
    "dots in the config alone",
    { OPENCLAW_CONFIG_PATH: `${state}/../../../etc/x.json` },
    [state, "/srv/a", "/srv/a", null],
  ],
  [
    "dots beyond the top",
    { OPENCLAW_STATE_DIR: `/../../..${state}` },
    [state, "/srv/a", "/srv/a", "/srv/a/openclaw.json"],
  ],
  [
    "a neighbour of the mount",
    { OPENCLAW_STATE_DIR: `${state}-other` },
    [`${state}-other`, null, null, null],
  ],
  [
    "a relative one",
    { OPENCLAW_STATE_DIR: "home/node/.openclaw/../.openclaw" },
    [state, "/srv/a", "/srv/a", "/srv/a/openclaw.json"],
  ],
  [
    "the home's sign",
    { OPENCLAW_STATE_DIR: "~/.openclaw" },
    [state, "/srv/a", "/srv/a", "/srv/a/openclaw.json"],
  ],
  ["another home", { HOME: "/home/node/.openclaw/../" }, [state, "/srv/a", "/srv/a", "/srv/a/openclaw.json"]],
  [
    "OPENCLAW_HOME before HOME",
    { HOME: "/root", OPENCLAW_HOME: "/home/node/" },
    [state, "/srv/a", "/srv/a", "/srv/a/openclaw.json"],
  ],
  ["a line break", { OPENCLAW_STATE_DIR: `${state}\n/etc` }, [null, null, null, null]],
  ["a NUL in the config", { OPENCLAW_CONFIG_PATH: `${state}/a\0b` }, [null, null, null, null]],
])("%s", async (_name, env: Readonly<Record<string, string>>, expected: readonly (string | null)[]) => {
  expect(await found({ env })).toEqual([...expected]);
});

test("the longest mount counts, then the later; what is of memory or of a driver is not seen here; a file has its folder", () => {
  const at = (source: string | null, destination: string, isReadOnly = false): Mount => ({
    source,
    destination,
    isReadOnly,
  });
  const all = [
    at("/srv/a", state),
    at("/srv/b", `${state}/sub`),
    at(null, `${state}/memory`),
    at("/srv/c", `${state}/sub`),
    at("/srv/f.json", `${state}/f.json`, true),
  ];
  const seen = (inside: string, isFile = true) => outsideOf(inside, all, writableSources(all), isFile);
  expect(seen(`${state}/x`)).toEqual({ path: "/srv/a/x", below: "/srv/a", isReadOnly: false });
  expect(seen(`${state}/sub/x`)).toEqual({ path: "/srv/c/x", below: "/srv/c", isReadOnly: false });
  expect(seen(`${state}/memory/x`)).toBeNull();
  expect(seen(`${state}/f.json`)).toEqual({ path: "/srv/f.json", below: "/srv", isReadOnly: true });
  expect(outsideOf(`${state}/x`, [at("/srv/a/deep", state)], ["/srv/a", "/other"], true)?.below).toBe(
    "/srv/a",
  );
  expect(outermost(["/srv/a", "/"], "/srv/a")).toBe("/");
  expect(mountOf({ Type: "bind", Source: "/srv//a/../b/", Destination: "/data/./x//", RW: true })).toEqual(
    at("/srv/b", "/data/x"),
  );
  expect(mountOf({ Type: "tmpfs", Source: "/x", Destination: "/data" })?.source).toBeNull();
  expect(
    mountOf({ Type: "volume", Driver: "rclone", Source: "/x", Destination: "/data" })?.source,
  ).toBeNull();
  expect(mountOf({ Type: "volume", Driver: "local", Source: "/x", Destination: "/data" })?.source).toBe("/x");
  for (const odd of ["relative", "", 7, null, "/a\nb"]) {
    expect(mountOf({ Source: odd, Destination: "/data" })?.source ?? null).toBeNull();
    expect(mountOf({ Source: "/x", Destination: odd })).toBeNull();
  }
});

test("any path and any mount: what is seen here lies below the mount's folder", () => {
  const part = fc.constantFrom("a", "b", "..", ".", "", "~", ".openclaw", "x y", "...");
  const path = fc.array(part, { maxLength: 8 }).map((parts) => parts.join("/"));
  const rooted = path.map((each) => `/${each}`);
  const mount = fc.record({ Source: rooted, Destination: rooted, RW: fc.boolean() });
  fc.assert(
    fc.property(path, rooted, fc.array(mount, { maxLength: 4 }), (written, base, trees) => {
      const all = trees.flatMap((each) => mountOf(each) ?? []);
      const inside = insidePath(written, base, "/home/node");
      if (inside === null) throw new Error("a plain path was refused");
      expect(inside.split("/")).not.toContain("..");
      const place = outsideOf(inside, all, writableSources(all), false);
      if (place === null) return;
      const owner = all.find(
        ({ source }) =>
          source !== null && (source === "/" || place.path === source || place.path.startsWith(`${source}/`)),
      );
      expect(owner).toBeDefined();
      expect(
        place.path === place.below || place.below === "/" || place.path.startsWith(`${place.below}/`),
      ).toBe(true);
      expect(place.path.split("/")).not.toContain("..");
    }),
    { numRuns: 2_000 },
  );
});
