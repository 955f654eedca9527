// Run by sqlite-metrics-store.test.ts as a process of its own: writes records for ever and says how many are acknowledged.

import { sampleRecord, testStore } from "./samples.ts";

const [path = "", padding = "0"] = process.argv.slice(2);
const store = testStore(path, { queueLimit: 400 });
const reason = "x".repeat(Number(padding));
for (let sent = 0; ;) {
  for (let i = 0; i < 37 && store.status().queued < 400; i++)
    store.record(sampleRecord(`child-${sent++}`, { reason }));
  const isFlushed = await store.flush();
  const { written, queued, dropped, state, detail } = store.status();
  process.stdout.write(`${JSON.stringify({ sent, written, queued, dropped, state, isFlushed, detail })}\n`);
  if (!isFlushed) await new Promise<void>((resolve) => setTimeout(resolve, 5));
}
