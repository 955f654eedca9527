// Long config texts are worked on in a thread: the loop goes on meanwhile, the answers are those of the same work done here, and a
// thread that is lost is told and replaced.

import { describe, expect, test } from "bun:test";
import { readDocument, receivedDocument } from "../../../src/config/document.ts";
import { answerTo, type TextQuestion } from "../../../src/operator/config-editor/text-questions.ts";
import { TextWorker } from "../../../src/operator/config-editor/text-worker.ts";

const hashes = Array.from(
  { length: 300 },
  (_, at) => `sha256:${String(at).padStart(8, "0")}${"ab".repeat(28)}`,
);
const text = `providers: { demo: { backend: demo } }\ntenants:\n${hashes
  .map((hash, at) => `  - name: tenant-${at}\n    api_key: "${hash}" # ${at}\n`)
  .join("")}`;
const secrets = { known: hashes, tagKey: "of this test" };

async function ticksDuring(work: Promise<unknown>): Promise<number> {
  let ticks = 0;
  const timer = setInterval(() => (ticks += 1), 1);
  await work;
  clearInterval(timer);
  return ticks;
}

describe("a long text", () => {
  const original = answerTo({ ask: "mask", text, secrets }) as never;
  const key = { key: `sha256:${"cd".repeat(32)}`, created: "2026-11-01" };
  const questions: readonly TextQuestion[] = [
    { ask: "read", text },
    { ask: "mask", text, secrets },
    { ask: "restore", edited: (original as { text: string }).text, original, secrets },
    { ask: "diff", before: original, after: `${text}# more\n`, name: "config.yaml", secrets },
    { ask: "changeKeys", text, changes: [{ do: "add", tenant: "tenant-7", key }] },
    { ask: "changeKeys", text, changes: [{ do: "add", tenant: "nobody", key }] },
  ];

  test("does not hold the loop, and is answered as it would be here", async () => {
    const worker = new TextWorker();
    await worker.ask({ ask: "read", text });
    for (const question of questions) {
      const asked = worker.ask(question);
      expect(await ticksDuring(asked)).toBeGreaterThan(0);
      expect<unknown>(await asked).toEqual(answerTo(question));
    }
  }, 60_000);

  test("is read with the line of every key, a broken one with its valid sections", async () => {
    const worker = new TextWorker();
    for (const each of [text, `${text}server: { port: [1 }\n`, `- [\n${text}`]) {
      const [sent, here] = [
        receivedDocument((await worker.ask({ ask: "read", text: each })) as never),
        readDocument(each),
      ];
      const partOf = (read: typeof here) => ("problem" in read ? read.rest : read.document);
      expect("problem" in sent ? sent.problems : []).toEqual("problem" in here ? [...here.problems] : []);
      expect(partOf(sent)?.value).toEqual(partOf(here)?.value);
      const path = ["tenants", 5, "api_key"];
      expect(partOf(sent)?.lineOf(path)).toBe(partOf(here)?.lineOf(path) as never);
      expect(partOf(sent)?.isSound?.(["server"])).toBe(partOf(here)?.isSound?.(["server"]) as never);
    }
  });

  test("with a value that cannot be handed over is left to whoever asked", async () => {
    for (const value of [".inf", "-.inf", ".nan", "-0.0"])
      expect(await new TextWorker().ask({ ask: "read", text: `${text}odd: ${value}\n` })).toBeNull();
  });

  test("whose thread is lost is refused, and the next one is answered", async () => {
    const started: Worker[] = [];
    const worker = new TextWorker(() => {
      const place = new URL("../../../src/config-worker.ts", import.meta.url).href;
      started.push(new Worker(place, { ref: false }));
      return started.at(-1) as Worker;
    });
    const lost = worker.ask({ ask: "mask", text, secrets }).catch((error: unknown) => error);
    started[0]?.terminate();
    expect(await lost).toMatchObject({ status: 503, code: "config_busy" });
    expect(await worker.ask({ ask: "mask", text, secrets })).not.toBeNull();
    expect(started).toHaveLength(2);
  });
});
