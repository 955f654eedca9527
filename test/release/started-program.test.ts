// How a built program is tried: one that answers without being healthy, dies or stays silent is not taken for one that works.

import { expect, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { healthProblem, startProgram } from "../../scripts/release/started-program.ts";
import { cleanupsAfterEach } from "../support/cleanups.ts";

const atEnd = cleanupsAfterEach();

test.each([
  [{ status: "ok", state: { store: "ok" } }, null],
  [{ status: "degraded", state: { store: "ok" } }, "/health is degraded"],
  [{ status: "ok", state: { store: "memory", detail: "ENOENT" } }, "its state is not kept: ENOENT"],
  [{}, "/health is undefined"],
])("%j", (health, problem) => {
  expect(healthProblem(JSON.stringify(health))).toBe(problem);
});

function program(text: string): string {
  const path = join(atEnd.folder("clawgate-stand-in-"), "program");
  writeFileSync(path, `#!${process.execPath}\n${text}`, { mode: 0o755 });
  return path;
}

const serving = (status: number): string =>
  `const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: (request) =>
     request.headers.get("authorization") === null && !request.url.endsWith("/health")
       ? new Response("no key", { status: 401 }) : new Response("{}", { status: ${status} }) });
   console.log(JSON.stringify({ message: "listening", url: "http://127.0.0.1:" + server.port }));
   process.on("SIGTERM", () => process.exit(7));`;

/** Nobody else makes folders there. */
function ownTemporaryFolder(): string {
  const usual = process.env["TMPDIR"];
  const folder = atEnd.folder("clawgate-temporary-");
  atEnd.push(() => {
    if (usual === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = usual;
  });
  process.env["TMPDIR"] = folder;
  return folder;
}

test("a program that answers is timed, and its exit code is its own", async () => {
  const running = await startProgram([program(serving(200))]);
  expect(running.startMs).toBeGreaterThan(1);
  expect(running.health).toBe("{}");
  expect(await running.stop()).toBe(7);
});

test.each([
  ["refuses the key", serving(403), "answered with 403"],
  ["dies", 'console.error("Illegal instruction"); process.exit(132);', "Illegal instruction"],
  ["stays silent", "setInterval(() => {}, 1000);", "did not answer"],
])("a program that %s is reported with its output, and its folder goes", async (_what, text, words) => {
  const standIn = program(text);
  const temporary = ownTemporaryFolder();
  await expect(startProgram([standIn], { limitMs: 1_500 })).rejects.toThrow(words);
  expect(readdirSync(temporary)).toEqual([]);
});
