// Clients that go away: the vendor hears of it, the record says so, and nothing is left over.

import { describe, expect, test } from "bun:test";
import type { RequestRecord } from "../../src/canon/record.ts";
import type { Script } from "../support/upstream.ts";
import { everyWay, openingOf, providerOf, type Question, type ScenarioSetup } from "./setup.ts";

/** The next record after now. */
function nextRecord({ gateway }: ScenarioSetup): () => Promise<RequestRecord> {
  const seen = new Set(gateway.records());
  return () => gateway.waitForRecord((record) => !seen.has(record));
}

async function expectGone(
  stage: ScenarioSetup,
  question: Question,
  next: () => Promise<RequestRecord>,
): Promise<void> {
  const { gateway, upstream } = stage;
  const asked = await upstream.waitFor((request) => request.isAborted);
  expect(asked.isFinished).toBe(false);
  const record = await next();
  expect(record).toMatchObject({ failure: "cancelled", finish: null, stream: question.stream });
  expect(record.attempts).toMatchObject([
    {
      provider: providerOf(question.vendor),
      lane: question.lane,
      outcome: "cancelled",
      failure: "cancelled",
    },
  ]);
  // Going away is no fault of the vendor's.
  expect(gateway.app.services.health.view(providerOf(question.vendor)).consecutiveFailures).toBe(0);
  await gateway.assertClean(upstream.requests);
}

export function describeLeaving(stageOf: () => ScenarioSetup): void {
  describe.each(everyWay)("client-gone: a client of $client, a vendor of $vendor, $lane", (way) => {
    const question = (stream: boolean): Question => ({ ...way, scenario: "client-gone", stream });

    test("after the first word", async () => {
      const stage = stageOf();
      const next = nextRecord(stage);
      const { before, firstWord } = openingOf("client-gone", way.vendor);
      const client = new AbortController();
      const script: Script = () => ({ chunks: [...before, firstWord], ending: "hang" });
      const answer = await stage.ask(question(true), script, client.signal);
      const reader = answer.body?.getReader();
      let heard = "";
      while (!heard.includes("Sing, ")) {
        const step = await reader?.read();
        if (step === undefined || step.done) throw new Error(`The stream ended early: ${heard}`);
        heard += Buffer.from(step.value).toString();
      }
      client.abort();
      await expectGone(stage, question(true), next);
    });

    const silences: readonly (readonly [string, boolean, Script])[] = [
      ["before the vendor's headers, streamed", true, () => ({ isSilent: true })],
      ["before the vendor's headers, whole", false, () => ({ isSilent: true })],
      [
        "before the first word",
        true,
        () => ({ chunks: openingOf("client-gone", way.vendor).before, ending: "hang" }),
      ],
    ];
    test.each([...silences])("%s", async (_name, stream, script) => {
      const stage = stageOf();
      const next = nextRecord(stage);
      const client = new AbortController();
      const answer = stage.ask(question(stream), script, client.signal).catch((error: unknown) => error);
      await stage.upstream.waitFor((request) => request.rawBody !== "");
      client.abort();
      expect(await answer).toBeInstanceOf(Error);
      await expectGone(stage, question(stream), next);
    });
  });
}
