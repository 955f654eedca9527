// config.example.yaml as it is, on a machine where Ollama runs and nobody has a key: the gateway answers with its model. When it
// has gone, or comes, a reload sees it.

import { expect, test } from "bun:test";
import { startBinary } from "./support/binary.ts";

const example = await Bun.file(new URL("../config.example.yaml", import.meta.url)).text();

function startOllama(port: number, seen: { url: string; authorization: string | null }[]) {
  return Bun.serve({
    hostname: "127.0.0.1",
    port,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      seen.push({ url: pathname, authorization: request.headers.get("authorization") });
      if (pathname === "/v1/models")
        return Response.json({
          object: "list",
          data: [{ id: "nomic-embed-text:latest" }, { id: "llama3.2:latest" }],
        });
      const { model } = (await request.json()) as { model: string };
      return Response.json({
        id: "x",
        object: "chat.completion",
        created: 1,
        model,
        choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
        usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
      });
    },
  });
}

test("is used while it answers", async () => {
  const seen: { url: string; authorization: string | null }[] = [];
  let ollama = startOllama(0, seen);
  const port = ollama.port ?? 0;
  const gateway = await startBinary({
    config: example,
    env: { OLLAMA_BASE_URL: `http://127.0.0.1:${port}` },
  });
  try {
    const ask = async (): Promise<{ status: number; model: unknown; provider: string | null }> => {
      const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ model: "auto", messages: [{ role: "user", content: "hi" }] }),
      });
      const { model } = (await answer.json()) as { model?: string };
      return { status: answer.status, model, provider: answer.headers.get("x-clawgate-provider") };
    };
    const loaded = { status: 200, model: "llama3.2:latest", provider: "ollama" };
    expect(await ask()).toEqual(loaded);
    expect(seen.map(({ authorization }) => authorization)).toEqual(seen.map(() => null));
    expect(gateway.output()).toContain("a model server answers at 127.0.0.1:");
    expect(gateway.output()).toContain("does not have gpt-oss:20b; llama3.2:latest is used instead");

    await ollama.stop(true);
    gateway.signal("SIGHUP");
    await gateway.waitForOutput(`and no model server answers at 127.0.0.1:${port}`);
    expect((await ask()).status).not.toBe(200);
    const skipped = async (headers: Record<string, string>): Promise<string | undefined> => {
      const answer = await fetch(`${gateway.url}/health`, { headers });
      return ((await answer.json()) as { skipped: Record<string, string> }).skipped["ollama"];
    };
    expect(await skipped({})).toContain(`no model server answers at 127.0.0.1:${port}`);
    // Through a proxy anybody may ask.
    expect(await skipped({ "x-forwarded-for": "203.0.113.7" })).toBe("OLLAMA_API_KEY is not set");

    ollama = startOllama(port, seen);
    const before = gateway.output().split('"config reloaded"').length;
    gateway.signal("SIGHUP");
    while (gateway.output().split('"config reloaded"').length === before) await Bun.sleep(10);
    expect(await ask()).toEqual(loaded);
  } finally {
    await gateway.stop();
    await ollama.stop(true);
  }
}, 30_000);
