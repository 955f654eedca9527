// The documented order of database paths.

import { expect, test } from "bun:test";
import { databasePaths, type DatabasePathInput } from "../../src/metrics/database-path.ts";

function ask(change: Partial<DatabasePathInput>) {
  return databasePaths({ env: {}, configured: null, cwd: "/srv/checkout", home: "/home/ann", ...change });
}

const userPath = "/home/ann/.local/share/clawgate/clawgate.db";

test("nothing said: the user path", () => {
  expect(ask({})).toEqual({ paths: [userPath], from: "HOME", notices: [] });
});

test("CLAWGATE_DB_PATH beats the config, and the user path stands behind both", () => {
  const env = { CLAWGATE_DB_PATH: "/var/lib/clawgate/clawgate.db" };
  expect(ask({ env, configured: "/etc/other.db" }).paths).toEqual([
    "/var/lib/clawgate/clawgate.db",
    userPath,
  ]);
  expect(ask({ configured: "/etc/other.db" }).paths).toEqual(["/etc/other.db", userPath]);
  expect(ask({ env: { CLAWGATE_DB_PATH: " " }, configured: "~/x.db" }).paths).toEqual([
    "/home/ann/x.db",
    userPath,
  ]);
});

test("XDG_DATA_HOME moves the user path, unless it is relative", () => {
  expect(ask({ env: { XDG_DATA_HOME: "/data" } }).paths).toEqual(["/data/clawgate/clawgate.db"]);
  expect(ask({ env: { XDG_DATA_HOME: "data" } }).paths).toEqual([userPath]);
});

test("the default name inside the working directory is refused with a notice", () => {
  for (const configured of [
    "./clawgate.db",
    "clawgate.db",
    "/srv/checkout/clawgate.db",
    "./clawgate.db-test",
  ]) {
    const answer = ask({ configured });
    expect(answer.paths).toEqual([userPath]);
    expect(answer.notices).toHaveLength(1);
    expect(answer.notices[0]).toContain(configured);
  }
  expect(ask({ configured: "./data/clawgate.db" }).paths).toEqual([
    "/srv/checkout/data/clawgate.db",
    userPath,
  ]);
});

test("memory may be asked for by SQLite's name for it", () => {
  expect(ask({ configured: ":memory:" }).paths).toEqual([":memory:", userPath]);
});
