// The model list.

import { expect, test } from "bun:test";
import { openaiChat } from "../../../src/dialects/openai-chat/dialect.ts";

const card = { id: "p/m", created: 5, ownedBy: "p", description: null, contextWindow: null, maxOutput: null };

test("a list holds plain OpenAI models; what is unknown is left out", () => {
  expect(openaiChat.client.encodeModelList([card])).toEqual({
    object: "list",
    data: [{ id: "p/m", object: "model", created: 5, owned_by: "p" }],
  });
});

test("what is known of a model is shown", () => {
  expect(
    openaiChat.client.encodeModel({ ...card, description: "d", contextWindow: 8, maxOutput: 4 }),
  ).toEqual({
    id: "p/m",
    object: "model",
    created: 5,
    owned_by: "p",
    description: "d",
    context_length: 8,
    max_output_tokens: 4,
  });
});
