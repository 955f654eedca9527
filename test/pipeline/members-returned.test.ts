// What a vendor puts beside its calls and thoughts reaches the client where its format has a place, and goes back to that
// vendor; elsewhere the vendor's own stand-in does. And the quirks that an operator writes.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import type { DialectName } from "../../src/canon/request.ts";
import type { Json } from "./conversations.ts";
import {
  callOf,
  chunk,
  frames,
  framesIn,
  openVendorSetup,
  type VendorSetup,
  withTools,
} from "./vendor-answers.ts";

let stand: VendorSetup;
beforeAll(async () => void (stand = await openVendorSetup()));
afterEach(() => stand.vendor.reset());
afterAll(() => stand.stop());

const others = ["anthropic-messages", "openai-responses", "google-genai"] as const;
const asked: Readonly<Record<DialectName, Json>> = {
  "openai-chat": { messages: [{ role: "user", content: "x" }] },
  "anthropic-messages": {
    max_tokens: 4_000,
    thinking: { type: "enabled", budget_tokens: 2_000 },
    messages: [{ role: "user", content: "x" }],
  },
  "openai-responses": { input: [{ role: "user", content: "x" }], store: false },
  "google-genai": { contents: [{ role: "user", parts: [{ text: "x" }] }] },
};

/** The request of the next turn, as a client of the format writes it that sends back what it got. */
function nextTurn(door: DialectName, answer: Json): Json {
  const first = asked[door];
  switch (door) {
    case "openai-chat": {
      const [choice] = answer["choices"] as [{ message: Json }];
      return {
        messages: [...(first["messages"] as Json[]), choice.message, { role: "user", content: "go on" }],
      };
    }
    case "anthropic-messages":
      return {
        ...first,
        messages: [
          ...(first["messages"] as Json[]),
          { role: "assistant", content: answer["content"] },
          { role: "user", content: "go on" },
        ],
      };
    case "openai-responses":
      return {
        ...first,
        input: [
          ...(first["input"] as Json[]),
          ...(answer["output"] as Json[]),
          { role: "user", content: "go on" },
        ],
      };
    case "google-genai": {
      const [candidate] = answer["candidates"] as [{ content: Json }];
      return {
        contents: [
          ...(first["contents"] as Json[]),
          candidate.content,
          { role: "user", parts: [{ text: "go on" }] },
        ],
      };
    }
  }
}

/** The first call in the history of a chat body. */
function firstCall(body: Json): Json {
  for (const { tool_calls: calls } of body["messages"] as Json[])
    if (Array.isArray(calls)) return calls[0] as Json;
  throw new Error("No call was sent.");
}

const talk = frames(chunk({ content: "well" }), chunk({}, { finish_reason: "stop" }), "[DONE]");

describe("thinking in reasoning_details", () => {
  const thought = { type: "reasoning.text", text: "Let me see.", signature: null, index: 0, format: "x" };
  const sealed = { type: "reasoning.encrypted", data: "c2VhbGVk", id: "r1", index: 1 };
  const answer = frames(
    chunk({ reasoning_details: [{ ...thought, text: "Let me " }] }),
    chunk({ reasoning_details: [{ type: "reasoning.text", text: "see.", index: 0 }] }),
    chunk({ reasoning_details: [{ type: "reasoning.text", signature: "sig", index: 0 }] }),
    chunk({ reasoning_details: [sealed] }),
    chunk({ content: "well" }),
    chunk({}, { finish_reason: "stop" }),
    "[DONE]",
  );

  test.each(others)("is shown at the endpoint of %s", async (door) => {
    for (const stream of [true, false]) {
      stand.vendor.script(() => answer);
      const text = await (await stand.ask(door, "openai-chat", asked[door], stream)).text();
      const shown = stream ? JSON.stringify(framesIn(text)) : text;
      expect(shown).toContain("Let me ");
      expect(shown).toContain("see.");
    }
  });

  test.each(["anthropic-messages", "openai-responses"] as const)("and comes back from %s", async (door) => {
    stand.vendor.script(() => answer);
    const said = (await (await stand.ask(door, "openai-chat", asked[door], false)).json()) as Json;
    stand.vendor.script(() => talk);
    const next = await stand.ask(door, "openai-chat", nextTurn(door, said), false);
    expect(next.status).toBe(200);
    const sent = (stand.sent()["messages"] as Json[]).find((each) => each["role"] === "assistant");
    expect(sent?.["reasoning_details"]).toEqual([{ ...thought, signature: "sig" }, sealed]);
  });

  test("a mark of ours never reaches Anthropic as a signature", async () => {
    const door = "anthropic-messages";
    stand.vendor.script(() => answer);
    const said = (await (await stand.ask(door, "openai-chat", asked[door], false)).json()) as Json;
    expect(JSON.stringify(said)).toContain("clawgate.kept.");
    stand.vendor.script(() => callOf("anthropic-messages", "f", "{}"));
    const next = await stand.ask(door, "anthropic-messages", nextTurn(door, said), true);
    expect(next.status).toBe(200);
    await next.text();
    expect(JSON.stringify(stand.sent())).not.toContain("clawgate.");
    expect(JSON.stringify(stand.sent())).toContain("well");
  });

  test("beside a text of the same thought it is shown once", async () => {
    stand.vendor.script(() =>
      frames(
        chunk({ reasoning: "Hm.", reasoning_details: [{ type: "reasoning.text", text: "Hm.", index: 0 }] }),
        chunk({ content: "well" }),
        chunk({}, { finish_reason: "stop" }),
        "[DONE]",
      ),
    );
    const body = await stand.ask("anthropic-messages", "openai-chat", asked["anthropic-messages"], false);
    expect(await body.json()).toMatchObject({ content: [{ type: "thinking", thinking: "Hm." }, {}] });
  });
});

describe("a seal beside a call", () => {
  const extra = { google: { thought_signature: "c2lnbmVk" } };
  const sealedCall = frames(
    chunk({
      tool_calls: [
        { index: 0, id: "call_1", function: { name: "f", arguments: "{}" }, extra_content: extra },
      ],
    }),
    chunk({}, { finish_reason: "tool_calls" }),
    "[DONE]",
  );
  const callSent = (): Json => {
    return firstCall(stand.sent());
  };

  test("of a chat vendor comes back through a client of Google's format", async () => {
    const door = "google-genai";
    stand.vendor.script(() => sealedCall);
    const said = (await (await stand.ask(door, "openai-chat", asked[door], false)).json()) as Json;
    stand.vendor.script(() => talk);
    await (await stand.ask(door, "openai-chat", nextTurn(door, said), false)).text();
    expect(callSent()["extra_content"]).toEqual(extra);
    // Google itself is no maker of it.
    stand.vendor.script(() => callOf("google-genai", "f", "{}"));
    await (await stand.ask(door, "google-genai", nextTurn(door, said), false)).text();
    expect(JSON.stringify(stand.sent())).not.toContain("clawgate.");
    expect(JSON.stringify(stand.sent())).not.toContain("c2lnbmVk");
  });

  test("of Google's own API comes back through a chat client", async () => {
    const door = "openai-chat";
    const answer = {
      responseId: "g1",
      candidates: [
        {
          content: {
            role: "model",
            parts: [{ functionCall: { name: "f", args: {} }, thoughtSignature: "c2lnbmVk" }],
          },
          finishReason: "STOP",
        },
      ],
    };
    for (const stream of [false, true]) {
      stand.vendor.script(() => frames(answer));
      const text = await (await stand.ask(door, "google-genai", asked[door], stream)).text();
      expect(text).toContain('"extra_content":{"google":{"thought_signature":"c2lnbmVk"}}');
    }
    const said = (await (await stand.ask(door, "google-genai", asked[door], false)).json()) as Json;
    await (await stand.ask(door, "google-genai", nextTurn(door, said), false)).text();
    expect(JSON.stringify(stand.sent())).toContain('"thoughtSignature":"c2lnbmVk"');
  });

  describe("which the client could not keep, at Google's chat address", () => {
    let google: VendorSetup;
    beforeAll(async () => void (google = await openVendorSetup({ quirks: ["google-call-signatures"] })));
    afterAll(() => google.stop());

    test.each([...others, "openai-chat" as const])(
      "a client of %s: the word that skips the check",
      async (door) => {
        google.vendor.script(() => talk);
        await (await google.ask(door, "openai-chat", withTools(door, ["f"], "f"), false)).text();
        expect(firstCall(google.sent())).toMatchObject({
          extra_content: { google: { thought_signature: "skip_thought_signature_validator" } },
        });
      },
    );

    test("a seal that is there stays", async () => {
      const body = withTools("openai-chat", ["f"], "f");
      Object.assign(firstCall(body), { extra_content: extra });
      google.vendor.script(() => talk);
      await (await google.ask("openai-chat", "openai-chat", body, false)).text();
      expect(JSON.stringify(google.sent())).toContain("c2lnbmVk");
      expect(JSON.stringify(google.sent())).not.toContain("skip_thought");
    });
  });
});

describe("quirks of the config", () => {
  const sentWith = async (settings: Json): Promise<Json> => {
    const own = await openVendorSetup(settings);
    own.vendor.script(() => talk);
    const body = { ...asked["openai-chat"], max_tokens: 9, logprobs: true };
    await (await own.ask("openai-chat", "openai-chat", body, false)).text();
    const sent = own.sent();
    await own.stop();
    return sent;
  };

  test("a name adds, and without it nothing is changed", async () => {
    expect(await sentWith({})).toMatchObject({ max_tokens: 9, logprobs: true });
    const sent = await sentWith({ quirks: ["max-completion-tokens", "groq-members"] });
    expect(sent).toMatchObject({ max_completion_tokens: 9 });
    expect(sent).not.toHaveProperty("max_tokens");
    expect(sent).not.toHaveProperty("logprobs");
  });

  test("!name takes away, in the order of writing", async () => {
    const sent = await sentWith({ quirks: ["max-completion-tokens", "groq-members", "!groq-members"] });
    expect(sent).toMatchObject({ max_completion_tokens: 9, logprobs: true });
  });
});
