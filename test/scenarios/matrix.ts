// Every scenario through the started app, for every client dialect over every backend dialect, streamed and whole.

import { describe, expect, test } from "bun:test";
import { consequences, Failure, type FailureKind } from "../../src/canon/failure.ts";
import { foldReply } from "../../src/canon/reply.ts";
import type { RequestRecord } from "../../src/canon/record.ts";
import type { DialectName } from "../../src/canon/request.ts";
import { unknownUsage } from "../../src/canon/usage.ts";
import type { AnswerFacts } from "../../src/dialects/dialect.ts";
import { dialects } from "../../src/dialects/dialect-table.ts";
import { endpoints } from "../../src/pipeline/endpoints.ts";
import {
  closingOf,
  encoded,
  kindAtClient,
  marked,
  passable,
  plain,
  type PlainEvent,
  said,
  toolIdsAccepted,
  understood,
  unmarked,
  usageOf,
} from "./oracle.ts";
import { canonicalOf, scenarioNames, sideOf } from "./scenario.ts";
import {
  contentOf,
  everyWay,
  isNamedInPath,
  isStreamAsked,
  lastRequest,
  providerOf,
  type Question,
  type ScenarioSetup,
  vendorModel,
} from "./setup.ts";

export function factsOf(record: RequestRecord, wantsUsage: boolean): AnswerFacts {
  return { requestId: record.id, createdSeconds: Math.floor(record.startedAtMs / 1000), wantsUsage };
}

/** An error body in this dialect with every message blanked: what is left is its shape and its machine-readable words. */
function shapeOf(body: unknown): unknown {
  return JSON.parse(JSON.stringify(body), (key: string, value: unknown) => {
    // How long to wait is told beside the kind, where the vendor said it (Google's RetryInfo).
    if (Array.isArray(value)) return value.filter((each) => !JSON.stringify(each).includes('"retryDelay"'));
    return key === "message" && typeof value === "string" && value !== "" ? "…" : value;
  }) as unknown;
}

export function expectErrorBody(
  client: DialectName,
  text: string,
  kind: FailureKind,
  requestId: string,
): void {
  const wanted = dialects[client].client.encodeFailure(new Failure(kind, "some words"), requestId);
  expect(shapeOf(JSON.parse(text))).toEqual(shapeOf(wanted));
}

/** What the vendor was asked: passed through, the client's own bytes; translated, everything the client said. */
function expectAsked(stage: ScenarioSetup, question: Question): void {
  const asked = lastRequest(stage.upstream);
  const { vendor, lane, scenario, stream } = question;
  const isStreamed = lane === "hub" || stream;
  const address = dialects[vendor].backend.path({ model: vendorModel, stream: isStreamed });
  expect(asked.path).toBe((vendor === "google-genai" ? "/v1beta" : "/v1") + (address.split("?")[0] ?? ""));
  expect(asked.query).toBe(address.split("?")[1] ?? "");
  expect(asked.body["model"]).toBe(isNamedInPath(vendor) ? undefined : vendorModel);
  expect(isStreamAsked(asked)).toBe(isStreamed);
  if (lane === "relay") {
    const { model: _model, stream_options: _options, ...theirs } = stage.bodyOf(question);
    const { model: _other, stream_options: _others, ...ours } = asked.body;
    expect<unknown>(ours).toEqual(theirs);
  } else {
    const missing = contentOf(scenario).filter(
      (text) => !asked.rawBody.includes(JSON.stringify(text).slice(1, -1)),
    );
    expect(missing).toEqual([]);
    const blocks = dialects[vendor].client
      .decodeRequest(asked.body)
      .messages.flatMap(({ content }) => content);
    const calls = blocks.flatMap((block) => (block.type === "tool-call" ? [block.id] : []));
    const answered = blocks.flatMap((block) => (block.type === "tool-result" ? [block.callId] : []));
    expect(answered).toEqual(calls);
    for (const id of calls) expect(id).toMatch(toolIdsAccepted(vendor));
  }
}

/** Overload is 529 on the Messages endpoint. */
const statusAt = (client: DialectName, kind: FailureKind): number =>
  dialects[client].client.statuses?.[kind] ?? consequences[kind].status;

function expectRecord(record: RequestRecord, question: Question, isHeard: boolean): void {
  const { vendor, client, lane, scenario, stream } = question;
  const events = said(scenario, vendor);
  const closing = closingOf(events);
  const failure = closing?.type === "failure" ? closing.failure.kind : null;
  const start = events.find((event) => event.type === "start");
  expect(record).toMatchObject({
    requestedModel: providerOf(vendor),
    stream,
    layer: "direct",
    rule: "explicit-model",
    provider: isHeard ? providerOf(vendor) : null,
    model: isHeard ? vendorModel : null,
    upstreamModel: isHeard && start?.type === "start" ? start.model : null,
    usage: isHeard ? usageOf(events) : unknownUsage,
    status: failure === null || stream ? 200 : statusAt(client, failure),
    finish: closing?.type === "finish" ? closing.reason : null,
    failure,
  });
  expect(record.attempts).toHaveLength(1);
  expect(record.attempts[0]).toMatchObject({
    provider: providerOf(vendor),
    model: vendorModel,
    lane,
    outcome: failure === null ? "ok" : "failed",
    failure,
  });
  const door = endpoints.find((each) => each.dialect === client && each.kind === "chat");
  expect(record.door).toBe(door?.name ?? "");
}

async function streamed(stage: ScenarioSetup, question: Question): Promise<void> {
  const { client, vendor, lane, scenario } = question;
  const wantsUsage = question.wantsUsage ?? true;
  const answer = await stage.ask(question);
  const text = unmarked(await answer.text());
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toStartWith("text/event-stream");
  expect(answer.headers.get("x-clawgate-provider")).toBe(providerOf(vendor));
  const record = await stage.gateway.recordOf(answer);
  const events = said(scenario, vendor);
  const wanted =
    lane === "relay"
      ? passable(sideOf(scenario, vendor).sse, wantsUsage)
      : encoded(client, marked(client, vendor, events), factsOf(record, wantsUsage));
  const closing = closingOf(events);
  if (closing?.type !== "failure") expect(text).toBe(wanted);
  else {
    expect(text.slice(0, wanted.length)).toBe(wanted);
    expect(plain(understood(client, text)).at(-1)).toEqual({
      type: "failure",
      kind: kindAtClient(client, closing),
    });
    const endFrame = dialects[client].client.framing.end;
    if (endFrame !== "") expect(text).not.toContain(endFrame);
  }
  expectAsked(stage, question);
  expectRecord(record, question, true);
}

async function whole(stage: ScenarioSetup, question: Question): Promise<void> {
  const { client, vendor, lane, scenario } = question;
  const answer = await stage.ask(question);
  const text = unmarked(await answer.text());
  expect(answer.headers.get("content-type")).toStartWith("application/json");
  const record = await stage.gateway.recordOf(answer);
  const { failure } = canonicalOf(scenario);
  if (failure !== null) {
    expect(answer.status).toBe(statusAt(client, failure));
    expectErrorBody(client, text, failure, record.id);
  } else {
    expect(answer.status).toBe(200);
    const reply = foldReply(marked(client, vendor, said(scenario, vendor)));
    const wanted = dialects[client].client.encodeReply(reply, factsOf(record, true));
    if (lane === "relay") expect(text).toBe(sideOf(scenario, vendor).reply?.text ?? "");
    else expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(wanted)));
  }
  expectAsked(stage, question);
  expectRecord(record, question, failure === null);
}

export function describeMatrix(stageOf: () => ScenarioSetup): void {
  describe.each(everyWay)("a client of $client over a vendor of $vendor, $lane", (way) => {
    test.each([...scenarioNames])("%s, streamed", (scenario) =>
      streamed(stageOf(), { ...way, scenario, stream: true }),
    );
    test.each([...scenarioNames])("%s, streamed, usage not asked for", (scenario) =>
      streamed(stageOf(), { ...way, scenario, stream: true, wantsUsage: way.client !== "openai-chat" }),
    );
    test.each([...scenarioNames])("%s, whole", (scenario) =>
      whole(stageOf(), { ...way, scenario, stream: false }),
    );
  });
}

const withoutUsage = (event: PlainEvent): PlainEvent =>
  event.type === "finish" ? { ...event, usage: unknownUsage } : event;

/** Passthrough and translation of one dialect, as its own parser understands them. */
export function describeOwnFormats(stageOf: () => ScenarioSetup): void {
  const own = everyWay.filter(({ lane }) => lane === "relay").map(({ client }) => client);
  describe.each(own)("%s: passthrough and translation say the same", (dialect) => {
    const way = { client: dialect, vendor: dialect };
    test.each([...scenarioNames])("%s, streamed", async (scenario) => {
      for (const wantsUsage of [true, false]) {
        const question = { ...way, scenario, stream: true, wantsUsage } as const;
        const express = await (await stageOf().ask({ ...question, lane: "relay" })).text();
        const hub = await (await stageOf().ask({ ...question, lane: "hub" })).text();
        const [left, right] = [plain(understood(dialect, express)), plain(understood(dialect, hub))];
        // A usage that is part of a frame with another purpose (DeepSeek's) is passed through although the client did not ask for it.
        if (wantsUsage) expect(left).toEqual(right);
        else expect(left.map(withoutUsage)).toEqual(right.map(withoutUsage));
      }
    });
    test.each([...scenarioNames])("%s, whole", async (scenario) => {
      const question = { ...way, scenario, stream: false } as const;
      const express = await stageOf().ask({ ...question, lane: "relay" });
      const hub = await stageOf().ask({ ...question, lane: "hub" });
      expect(express.status).toBe(hub.status);
      const [left, right] = [await express.text(), await hub.text()];
      const { decodeReply } = dialects[dialect].backend;
      if (express.ok)
        expect(foldReply(decodeReply(JSON.parse(left)))).toEqual(foldReply(decodeReply(JSON.parse(right))));
      else expect(plain(decodeReply(JSON.parse(left)))).toEqual(plain(decodeReply(JSON.parse(right))));
    });
  });
}
