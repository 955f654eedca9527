// What the config says of the records' file, held by the database that is opened.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { openRecords } from "../../src/app/request-records.ts";
import { SqliteMetricsStore } from "../../src/metrics/sqlite-metrics-store.ts";
import { createLog } from "../../src/system/log.ts";
import { systemClock } from "../../src/system/clock.ts";
import { load } from "../config/loading.ts";
import { temporaryFolder } from "../metrics/samples.ts";

test.each([
  ["", 2_048],
  ["metrics: { max_mb: 32 }", 32],
])("the file grows to metrics.max_mb: %p", async (yaml, megabytes) => {
  const folder = temporaryFolder();
  const { store } = openRecords({
    clock: systemClock,
    log: createLog({
      level: "error",
      pretty: false,
      clock: systemClock,
      redact: (text) => text,
      write: () => undefined,
    }),
    loaded: load(`providers: { demo: { backend: demo } }\n${yaml}\n`, {
      environment: { CLAWGATE_DB_PATH: join(folder.path, "records.db") },
    }),
    workingDirectory: folder.path,
    homeDirectory: folder.path,
    isListed: () => false,
    completeRecords: () => Promise.resolve(),
  });
  if (!(store instanceof SqliteMetricsStore)) throw new Error("another store");
  const most = store.read((db) => db.query("SELECT * FROM pragma_max_page_count, pragma_page_size").get());
  expect(most).toEqual({ max_page_count: megabytes * 128, page_size: 8_192 });
  await store.close();
  folder.remove();
});
