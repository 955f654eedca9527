// The audit on its store: kept over restarts, bounded in number and age, and without what the redactor knows.

import { expect, test } from "bun:test";
import { type AuditEvent, AuditLog } from "../../src/operator/audit-log.ts";
import { createMemoryStore } from "../../src/state/memory-store.ts";
import { fakeClock } from "../support/clock.ts";

const day = 86_400_000;
const event: AuditEvent = {
  actor: "session",
  address: "127.0.0.1",
  action: "provider.reset",
  subject: "demo",
  detail: "",
};

function open(clock = fakeClock(), store = createMemoryStore(clock.nowMs)) {
  const warnings: string[] = [];
  const log = { warn: (message: string) => void warnings.push(message) };
  const redact = (text: string): string => text.replaceAll("hush", "***");
  return { audit: new AuditLog({ store, clock, log, redact }), clock, store, warnings };
}
const subjects = (audit: AuditLog): string[] => audit.page(500, null).entries.map(({ subject }) => subject);

test("what was noted is there after a restart, in order", async () => {
  const { audit, clock, store } = open();
  for (const subject of ["a", "b", "c"]) {
    audit.note({ ...event, subject });
    await clock.advance(5);
  }
  const next = open(clock, store).audit;
  await next.load();
  next.note({ ...event, subject: "d" });
  expect(subjects(next)).toEqual(["d", "c", "b", "a"]);
});

test("the oldest go first: by number and by age, in memory and in the store", async () => {
  const { audit, clock, store } = open();
  for (let i = 0; i < 2_005; i++) audit.note({ ...event, subject: `s${i}` });
  expect((await store.list("audit")).length).toBe(2_000);
  expect(audit.page(500, null).entries[0]?.subject).toBe("s2004");
  await clock.advance(180 * day + 1);
  expect(subjects(audit)).toEqual([]);
  expect(await store.list("audit")).toEqual([]);
});

test("texts are redacted and cut, addresses are plain", () => {
  const { audit } = open();
  audit.note({ ...event, subject: "hush", detail: "x".repeat(2_000), address: "<b>10.0.0.1\u001b[31m" });
  const [entry] = audit.page(1, null).entries;
  expect(entry).toMatchObject({ subject: "***", address: "b10.0.0.131m" });
  expect(entry?.detail.length).toBe(500);
});

test("rows that are no entries are left out, and a store that fails is told", async () => {
  const { clock, store } = open();
  await store.set("audit", "x", { atMs: "soon" }, null);
  await store.set("audit", "y", 7, null);
  const failing = { ...store, set: () => Promise.reject(new Error("full")) };
  const { audit, warnings } = open(clock, failing);
  await audit.load();
  audit.note(event);
  await Promise.resolve();
  await Promise.resolve();
  expect(subjects(audit)).toEqual(["demo"]);
  expect(warnings).toEqual(["the audit could not be saved"]);
});
