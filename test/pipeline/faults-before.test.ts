// Faults before the first word: the next target answers and the client sees one clean answer; alone, the fault is told
// in the endpoint's own shape. At both endpoints, passed on and translated.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { allWell, goodAnswer, formatPairs, openTestPipeline, type TestPipeline } from "./test-pipeline.ts";
import { startUpstream, type Scripted } from "../support/upstream.ts";

const upstreams = { bad: startUpstream(), good: startUpstream() };
const html = "<html><body>nginx at 10.0.0.7</body></html>";
const errorBody = { error: { type: "api_error", message: "it broke, key vendor-secret-key" }, type: "error" };

/** What the bad vendor does, the status that its client gets without fallback, and what the health book makes of it. */
type Case = readonly [name: string, answer: Scripted, status: number, kind: string];

const cases: readonly Case[] = [
  ["accepts and never answers", { isSilent: true }, 504, "timed_out"],
  ["sends headers and no more", { chunks: [], ending: "hang" }, 504, "timed_out"],
  ["closes without a word", { isSilent: true, ending: "fin" }, 502, "unreachable"],
  ["resets without a word", { isSilent: true, ending: "reset" }, 502, "unreachable"],
  ["is no HTTP server", { raw: "SSH-2.0-OpenSSH_9.2\r\n" }, 502, "unreachable"],
  ["says 429", { status: 429, body: errorBody }, 429, "rate_limited"],
  ["says 402", { status: 402, body: errorBody }, 429, "quota_exhausted"],
  ["says 500", { status: 500, body: errorBody }, 502, "upstream_error"],
  [
    "says 502 in HTML",
    { status: 502, headers: { "content-type": "text/html" }, body: html },
    503,
    "overloaded",
  ],
  ["says 503 with nothing", { status: 503, body: "" }, 503, "overloaded"],
  ["says 529", { status: 529, body: errorBody }, 503, "overloaded"],
  ["says 504", { status: 504, body: errorBody }, 504, "timed_out"],
  ["says 401", { status: 401, body: errorBody }, 502, "credentials_rejected"],
  ["says 403", { status: 403, body: errorBody }, 502, "credentials_rejected"],
  ["says 404 for a listed model", { status: 404, body: errorBody }, 502, "model_missing"],
  ["says 301", { status: 301, headers: { location: "http://127.0.0.1:1/" }, body: "" }, 502, "bad_output"],
  ["says 204", { status: 204 }, 502, "bad_output"],
  ["answers with a page", { headers: { "content-type": "text/html" }, body: html }, 502, "bad_output"],
  [
    "answers with an empty body",
    { headers: { "content-type": "application/json" }, body: "" },
    502,
    "bad_output",
  ],
  [
    "answers with half a JSON",
    { headers: { "content-type": "application/json" }, body: '{"id": "x", "cho' },
    502,
    "bad_output",
  ],
  ["answers with JSON of another kind", { body: { hello: "world" } }, 502, "bad_output"],
  ["answers with an error as 200", { body: errorBody }, 502, "upstream_error"],
  ["streams garbage first", { chunks: ["data: <<<\n\n"] }, 502, "bad_output"],
  ["streams nothing", { chunks: [] }, 502, "bad_output"],
  ["streams comments only", { chunks: [": hi\n\n", ": hi\n\n"] }, 502, "bad_output"],
  [
    "streams an error first",
    { chunks: [`event: error\ndata: ${JSON.stringify(errorBody)}\n\n`] },
    502,
    "upstream_error",
  ],
  ["is cut before the first word", { chunks: [": hi\n\n"], ending: "reset" }, 502, "unreachable"],
  [
    "mislabels its encoding",
    { headers: { "content-encoding": "gzip" }, body: { hello: 1 } },
    502,
    "bad_output",
  ],
];

describe.each([...formatPairs])("$endpoint endpoint, $wire vendor", ({ endpoint, wire }) => {
  let pipeline: TestPipeline;
  beforeAll(async () => {
    pipeline = await openTestPipeline({
      endpoint,
      wire,
      upstreams,
      badProvider: { timeout: { read_s: 0.15, connect_s: 5 } },
    });
  });
  afterEach(() => pipeline.clear());
  afterAll(() => pipeline.stop());

  describe.each([{ stream: true }, { stream: false }])("stream: $stream", ({ stream }) => {
    test.each([...cases])("a vendor that %s: the next one answers", async (_, answer) => {
      pipeline.bad.script(() => answer);
      const heard = await pipeline.receive("hello", { stream });
      expect(heard.error).toBeNull();
      expect(heard).toMatchObject({ status: 200, text: allWell, isEnded: true });
      expect(heard.headers.get("x-clawgate-provider")).toBe("good");
      expect(heard.headers.get("x-clawgate-attempts")).toBe("2");
      expect(heard.headers.get("x-clawgate-rule")).toBe("explicit-model->fallback");
      expect(pipeline.good.count()).toBe(1);
      await pipeline.gateway.assertClean(pipeline.bad.requests);
    });

    test.each([...cases])("a vendor that %s, alone: it is told", async (_, answer, status, kind) => {
      pipeline.bad.script(() => answer);
      const response = await pipeline.ask("hello", { stream, model: "alone" });
      const text = await response.text();
      // Overload of any vendor is 529 on the Messages endpoint.
      expect(response.status).toBe(endpoint === "anthropic" && kind === "overloaded" ? 529 : status);
      expect(response.headers.get("content-type")).toContain("application/json");
      const body = JSON.parse(text) as { type?: string; error: { message: string; type: string } };
      expect(body.error.message).not.toBe("");
      expect(body.type).toBe(endpoint === "anthropic" ? "error" : undefined);
      for (const secret of ["vendor-secret-key", "10.0.0.7", "127.0.0.1"]) expect(text).not.toContain(secret);
      const record = await pipeline.gateway.recordOf(response);
      expect(record.failure?.replaceAll("-", "_")).toBe(kind);
      expect(record.attempts).toHaveLength(1);
      expect(record.attempts[0]).toMatchObject({ provider: "alone", outcome: "failed" });
      await pipeline.gateway.assertClean(pipeline.bad.requests);
    });

    test("a refused connection: the next one answers", async () => {
      const gone = startUpstream();
      const { url } = gone;
      gone.stop();
      const other = await openTestPipeline({ endpoint, wire, upstreams, badProvider: { base_url: url } });
      const heard = await other.receive("hello", { stream });
      expect(heard).toMatchObject({ status: 200, text: allWell });
      const alone = await other.receive("hello", { stream, model: "alone" });
      expect(alone.status).toBe(502);
      expect(alone.raw).not.toContain("127.0.0.1");
      await other.gateway.assertClean();
      await other.stop();
    });

    test("a 400 is the client's: passed on, tried nowhere else, nobody blamed", async () => {
      const message = "temperature: must be at most 2";
      const answer = {
        status: 400,
        body: { type: "error", error: { type: "invalid_request_error", message, param: "temperature" } },
      };
      pipeline.bad.script(() => answer);
      for (let i = 0; i < 7; i++) {
        const heard = await pipeline.receive("hello", { stream });
        expect(heard.status).toBe(400);
        expect(heard.error?.message).toContain(message);
      }
      expect(pipeline.good.count()).toBe(0);
      expect(pipeline.bad.count()).toBe(7);
      expect(pipeline.gateway.app.services.health.view("bad")).toMatchObject({
        healthy: true,
        consecutiveFailures: 0,
      });
    });

    test("a 413 or a 422 goes nowhere else", async () => {
      for (const status of [413, 422]) {
        pipeline.bad.script(() => ({ status, body: errorBody }));
        const heard = await pipeline.receive("hello", { stream });
        // A client of the vendor's own format gets the vendor's answer as it is.
        const isSame = endpoint === "anthropic" && wire === "anthropic";
        expect(heard.status).toBe(status === 413 || isSame ? status : 400);
      }
      expect(pipeline.good.count()).toBe(0);
    });

    test("a model that the client made up and the vendor does not have is 404", async () => {
      const heard = await pipeline.receive("hello", { stream, model: "bad/missing-model" });
      expect(heard.status).toBe(404);
      if (endpoint === "openai") expect(heard.error?.code).toBe("model_not_found");
      else expect(heard.error?.type).toBe("not_found_error");
      expect(pipeline.good.count()).toBe(0);
    });

    test("a redirect is not followed and the key stays here", async () => {
      const elsewhere = startUpstream();
      for (const status of [301, 302, 303, 307, 308]) {
        pipeline.clear();
        pipeline.bad.script(() => ({
          status,
          headers: { location: `${elsewhere.url}/v1/stolen` },
          body: "",
        }));
        expect((await pipeline.receive("hello", { stream })).text).toBe(allWell);
      }
      expect(elsewhere.count()).toBe(0);
      elsewhere.stop();
    });

    test("a context that is exceeded goes only to a larger window", async () => {
      const windows = async (bad: number | null, good: number | null): Promise<number> => {
        const model = (window: number | null): object => ({
          models: [window === null ? "x1" : { id: "x1", context_window: window }],
        });
        const other = await openTestPipeline({
          endpoint,
          wire,
          upstreams,
          provider: model(good),
          badProvider: model(bad),
        });
        const heard = await other.receive("[[mode:context-exceeded]] hello", { stream });
        expect(heard.status === 200 ? heard.text : heard.status).toBe(heard.status === 200 ? allWell : 400);
        await other.stop();
        return heard.status;
      };
      expect(await windows(8_000, 100_000)).toBe(200);
      expect(await windows(8_000, 8_000)).toBe(400);
      expect(await windows(8_000, null)).toBe(400);
      expect(await windows(null, 100_000)).toBe(400);
    });

    test("a client that wants no fallback gets none", async () => {
      pipeline.bad.script(() => ({ status: 500, body: errorBody }));
      const heard = await pipeline.receive("hello", { stream, headers: { "x-clawgate-fallback": "off" } });
      expect(heard.status).toBe(502);
      expect(pipeline.good.count()).toBe(0);
    });

    test("gzip answers are decoded and their headers do not lie", async () => {
      pipeline.bad.script((request) => {
        const scripted = goodAnswer(request);
        const body = Buffer.from(scripted.chunks?.join("") ?? JSON.stringify(scripted.body));
        const type = scripted.chunks === undefined ? "application/json" : "text/event-stream";
        return { headers: { "content-type": type, "content-encoding": "gzip" }, body: Bun.gzipSync(body) };
      });
      const heard = await pipeline.receive("hello", { stream });
      expect(heard).toMatchObject({ status: 200, text: allWell, isEnded: true });
      expect(heard.headers.get("content-encoding")).toBeNull();
      expect(heard.headers.get("x-clawgate-provider")).toBe("bad");
      const length = heard.headers.get("content-length");
      if (length !== null) expect(Number(length)).toBe(Buffer.byteLength(heard.raw));
    });

    test("JSON where a stream was asked for, and a stream where JSON was, reach the client in the asked way", async () => {
      pipeline.bad.script((request) =>
        goodAnswer({ path: request.path, body: { stream: request.body["stream"] !== true } }),
      );
      const heard = await pipeline.receive("hello", { stream });
      expect(heard).toMatchObject({ status: 200, text: allWell, isEnded: true });
      expect(heard.headers.get("content-type")).toContain(stream ? "event-stream" : "json");
      expect(heard.headers.get("x-clawgate-provider")).toBe("bad");
      const record = await pipeline.gateway.recordOf(new Response(null, { headers: heard.headers }));
      expect(record.usage).toMatchObject({ input: 9, output: 3 });
    });
  });
});

afterAll(() => {
  upstreams.bad.stop();
  upstreams.good.stop();
});
