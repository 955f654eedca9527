// What is taken of a local server's list of models.

import { afterAll, expect, test } from "bun:test";
import { probeModels } from "../../src/app/providers/model-server-probe.ts";

const listed = [
  "llama3:8b",
  "my model",
  "${OPENAI_API_KEY}",
  "",
  "a\u001b[31m",
  "x".repeat(10_000),
  "org/qwen-3",
];
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: () => Response.json({ data: [...listed.map((id) => ({ id })), { id: 3 }, null] }),
});
afterAll(() => server.stop(true));

test("names that a config could not hold as they are make no start fail, and none is expanded", async () => {
  expect(await probeModels(`http://127.0.0.1:${server.port}/v1/models`)).toEqual(["llama3:8b", "org/qwen-3"]);
});
