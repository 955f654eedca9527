// Options for the CLI in a body never reach a vendor: it would refuse what it does not know.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { noRequestOptions } from "../../src/backends/backend.ts";
import type { Envelope } from "../../src/pipeline/body/envelope.ts";
import { maxJsonDepth } from "../../src/pipeline/body/envelope.ts";
import { takeRequestOptions } from "../../src/pipeline/request-options.ts";
import { scanObject } from "../../src/wire/json.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

function envelope(body: object): Envelope {
  const bytes = Buffer.from(JSON.stringify(body));
  return { bytes, scan: scanObject(bytes, maxJsonDepth), model: "m", stream: false, session: null };
}
const none = new Headers();
const parsed = ({ bytes }: Envelope): unknown => JSON.parse(bytes.toString("utf8")) as unknown;

describe("taking them out", () => {
  test("a body without any is the same bytes", () => {
    const before = envelope({ model: "m", metadata: { user_id: "effort" }, messages: [] });
    expect(takeRequestOptions(before, none, "anthropic-messages")).toEqual({
      envelope: before,
      requestOptions: noRequestOptions,
    });
    expect(takeRequestOptions(before, none, "anthropic-messages").envelope).toBe(before);
  });

  test("at Anthropic's endpoint both go", () => {
    const before = envelope({ metadata: { effort: "low", user_id: "u", mcp_servers: ["a"] }, model: "m" });
    const { envelope: after, requestOptions } = takeRequestOptions(before, none, "anthropic-messages");
    expect(requestOptions).toEqual({ effort: "low", mcpServers: ["a"] });
    expect(parsed(after)).toEqual({ metadata: { user_id: "u" }, model: "m" });
    expect(after.scan.members.map(({ key }) => key)).toEqual(["metadata", "model"]);
  });

  test("elsewhere texts are the client's own metadata, and what is left empty is nothing", () => {
    const texts = envelope({ metadata: { effort: "low", mcp_servers: "a,b" } });
    const kept = takeRequestOptions(texts, none, "openai-chat");
    expect([kept.requestOptions, parsed(kept.envelope)]).toEqual([
      { effort: "low", mcpServers: ["a", "b"] },
      { metadata: { effort: "low", mcp_servers: "a,b" } },
    ]);
    const list = takeRequestOptions(envelope({ metadata: { mcp_servers: ["a"] } }), none, "openai-chat");
    expect(parsed(list.envelope)).toEqual({ metadata: null });
    const anthropic = takeRequestOptions(
      envelope({ metadata: { mcp_servers: ["a"] } }),
      none,
      "anthropic-messages",
    );
    expect(parsed(anthropic.envelope)).toEqual({ metadata: {} });
  });

  test("headers alone change no byte", () => {
    const before = envelope({ model: "m" });
    const headers = new Headers({ "x-effort": "high", "x-mcp-servers": "a" });
    const { envelope: after, requestOptions } = takeRequestOptions(before, headers, "openai-chat");
    expect([after === before, requestOptions]).toEqual([true, { effort: "high", mcpServers: ["a"] }]);
  });
});

describe("on the way to a vendor", () => {
  let vendor: Upstream;
  let gateway: TestGateway;
  beforeAll(async () => {
    vendor = startUpstream();
    gateway = await startTestGateway({
      config: {
        providers: { a: { backend: "anthropic", base_url: vendor.url, api_key: "k", model: "m" } },
      },
    });
  });
  afterAll(async () => {
    await gateway.stop();
    vendor.stop();
  });

  test("an Anthropic vendor sees its own metadata only, and no header of ours; a wrong effort is none of its business", async () => {
    const answer = await fetch(`${gateway.url}/v1/messages`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-effort": "bogus", "x-mcp-servers": "nope" },
      body: JSON.stringify({
        model: "a/m",
        max_tokens: 9,
        metadata: { user_id: "u", effort: "low", mcp_servers: ["n"] },
        messages: [{ role: "user", content: "echo" }],
      }),
    });
    expect(answer.status).toBe(200);
    await answer.text();
    const [seen] = vendor.requests;
    expect(seen?.body).toMatchObject({ metadata: { user_id: "u" } });
    expect(JSON.stringify(seen?.body)).not.toContain("mcp_servers");
    expect(JSON.stringify(seen?.headers)).not.toContain("bogus");
  });
});
