// A stand-in for Anthropic's own address: the real app's fetch goes here for api.anthropic.com and to the network for everything else.

export type Seen = {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

export type FakeAnthropic = {
  readonly seen: Seen[];
  /** The answer to the next requests; by default a short message. */
  answer: (seen: Seen) => Response;
  readonly fetch: typeof fetch;
};

export const message = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude-opus-5",
  content: [{ type: "text", text: "all is well" }],
  stop_reason: "end_turn",
  stop_sequence: null,
  usage: { input_tokens: 9, output_tokens: 3 },
};

export function fakeAnthropic(): FakeAnthropic {
  const seen: Seen[] = [];
  const fake: FakeAnthropic = {
    seen,
    answer: () => Response.json(message),
    fetch: Object.assign(
      async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
        const url = input instanceof Request ? input.url : String(input);
        if (new URL(url).hostname !== "api.anthropic.com") return fetch(input, init);
        const request = {
          url,
          method: init?.method ?? "GET",
          headers: Object.fromEntries(new Headers(init?.headers)),
          body: init?.body === undefined || init.body === null ? "" : await new Response(init.body).text(),
        };
        seen.push(request);
        return fake.answer(request);
      },
      { preconnect: () => undefined },
    ),
  };
  return fake;
}
