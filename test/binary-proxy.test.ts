// HTTP_PROXY in the environment of the compiled program: other hosts go through it, this machine's own never do.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { type RunningBinary, startBinary } from "./support/binary.ts";

const reply = JSON.stringify({
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "m",
  choices: [{ index: 0, message: { role: "assistant", content: "hello" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
});
const answer = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${reply.length}\r\nconnection: close\r\n\r\n${reply}`;

/** Answers everything and keeps the request lines. */
function listen(lines: string[]) {
  return Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(socket, data) {
        const [line] = data.toString().split("\r\n");
        if (line?.includes("HTTP/1.1")) {
          lines.push(line);
          socket.end(answer);
        }
      },
    },
  });
}

const atProxy: string[] = [];
const atVendor: string[] = [];
const proxy = listen(atProxy);
const vendor = listen(atVendor);
let gateway: RunningBinary;

beforeAll(async () => {
  const provider = { backend: "openai-compat", api_key: "k", models: ["m"] };
  const environment = { HTTP_PROXY: `http://127.0.0.1:${proxy.port}`, NO_PROXY: undefined };
  gateway = await startBinary({
    config: {
      providers: {
        near: { ...provider, base_url: `http://127.0.0.1:${vendor.port}` },
        far: { ...provider, base_url: "http://vendor.invalid" },
      },
    },
    env: { ...environment, http_proxy: environment.HTTP_PROXY },
  });
});
afterAll(async () => {
  await gateway.stop();
  proxy.stop(true);
  vendor.stop(true);
});

const ask = async (model: string): Promise<number> => {
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-clawgate-fallback": "off" },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "hi" }] }),
  });
  return response.status;
};

test("an upstream on this machine is asked directly", async () => {
  expect(await ask("near")).toBe(200);
  expect(atVendor).toEqual(["POST /v1/chat/completions HTTP/1.1"]);
  expect(atProxy).toEqual([]);
});

test("any other is asked through the proxy", async () => {
  expect(await ask("far")).toBe(200);
  expect(atProxy).toEqual(["POST http://vendor.invalid/v1/chat/completions HTTP/1.1"]);
});
