// A conversation that has outgrown a window goes on only where the window is known to be larger, whatever format that is.

import { expect, test } from "bun:test";
import type { DialectName } from "../../src/canon/request.ts";
import { startTestGateway } from "../support/gateway.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { backends, bodies, type Json, names, pathOf } from "./conversations.ts";

const tooLong: Readonly<Record<DialectName, Json>> = {
  "openai-chat": { error: { message: "maximum context length is 8192", code: "context_length_exceeded" } },
  "openai-responses": { error: { message: "too long", code: "context_length_exceeded" } },
  "anthropic-messages": {
    type: "error",
    error: { type: "invalid_request_error", message: "prompt is too long: 9000 tokens > 8192 maximum" },
  },
  "google-genai": {
    error: {
      code: 400,
      status: "INVALID_ARGUMENT",
      message: "The input token count (9000) exceeds the maximum number of tokens allowed (8192).",
    },
  },
};

const pairs = names.flatMap((small) => names.map((large) => ({ small, large })));

test.each(pairs)("from $small to $large", async ({ small, large }) => {
  const strict = startUpstream({ strict: true });
  const tight = startUpstream();
  tight.script(() => ({ status: 400, body: tooLong[small] }));
  const never = startUpstream();
  const at = (vendor: DialectName, upstream: Upstream, window: number | null): Json => ({
    backend: backends[vendor],
    base_url: upstream.url,
    models: [{ id: "own-model", ...(window === null ? {} : { context_window: window }) }],
  });
  const gateway = await startTestGateway({
    config: {
      providers: {
        tight: at(small, tight, 8_192),
        unknown: at(large, never, null),
        equal: at(large, never, 8_192),
        large: at(large, strict, 100_000),
      },
      fallback_chain: ["unknown", "equal", "large"],
    },
  });
  const answer = await fetch(gateway.url + pathOf(small, "tight", false), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...bodies[small], ...(small === "google-genai" ? {} : { model: "tight" }) }),
  });
  expect(await answer.text()).toContain("Sunny.");
  const { attempts, candidates } = await gateway.recordOf(answer);
  expect(attempts.map((each) => [each.provider, each.failure])).toEqual([
    ["tight", "context-exceeded"],
    ["large", null],
  ]);
  expect(never.requests).toHaveLength(0);
  const skipped = candidates.filter((each) => each.note.includes("not known to be larger"));
  expect(skipped.map((each) => [each.provider, each.kept])).toEqual([
    ["unknown", false],
    ["equal", false],
  ]);
  expect(strict.requests[0]?.breach).toBeNull();
  await gateway.stop();
  for (const upstream of [strict, tight, never]) upstream.stop();
});

test("from a window that nobody knows there is no larger one", async () => {
  const tight = startUpstream();
  tight.script(() => ({ status: 400, body: tooLong["openai-chat"] }));
  const never = startUpstream();
  const gateway = await startTestGateway({
    config: {
      providers: {
        tight: { base_url: tight.url, models: ["own-model"] },
        large: { base_url: never.url, models: [{ id: "own-model", context_window: 100_000 }] },
      },
      fallback_chain: ["large"],
    },
  });
  const answer = await fetch(gateway.url + pathOf("openai-chat", "tight", false), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...bodies["openai-chat"], model: "tight" }),
  });
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ error: { code: "context_length_exceeded" } });
  expect(never.requests).toHaveLength(0);
  await gateway.stop();
  for (const upstream of [tight, never]) upstream.stop();
});
