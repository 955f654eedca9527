import { describe, expect, test } from "bun:test";
import { noRequestOptions } from "../../../src/backends/backend.ts";
import { createDemoBackend } from "../../../src/backends/demo/backend.ts";
import { isClosing, type StreamEvent } from "../../../src/canon/event.ts";
import { Failure } from "../../../src/canon/failure.ts";
import { foldReply } from "../../../src/canon/reply.ts";
import { type ChatRequest, emptyRequest, type Message, type Tool } from "../../../src/canon/request.ts";
import { estimateTokens } from "../../../src/canon/tokens.ts";
import { fakeClock, instantClock } from "../../support/clock.ts";

const user = (text: string): Message => ({ role: "user", content: [{ type: "text", text }] });
const asking = (text: string, more: Partial<ChatRequest> = {}): ChatRequest => ({
  ...emptyRequest,
  model: "demo/demo",
  stream: true,
  messages: [user(text)],
  ...more,
});

const weather: Tool = {
  name: "get_weather",
  description: "Weather of a city",
  schema: {
    type: "object",
    properties: {
      city: { type: "string" },
      unit: { enum: ["celsius", "fahrenheit"] },
      days: { type: "integer" },
    },
    required: ["city", "unit"],
  },
};
const clockTool: Tool = { name: "get_time", description: null, schema: { type: "object", properties: {} } };

const backendWith = (clock = instantClock()) => createDemoBackend({ clock, random: () => "abc123" });
const callWith = (signal: AbortSignal = new AbortController().signal, statuses: number[] = []) => ({
  requestId: "R1",
  model: "demo",
  signal,
  passHeaders: {},
  tenant: null,
  session: null,
  requestOptions: noRequestOptions,
  abort: () => undefined,
  onHeaders: (status: number) => void statuses.push(status),
});

async function batches(request: ChatRequest, clock = instantClock()): Promise<(readonly StreamEvent[])[]> {
  return Array.fromAsync(backendWith(clock).generate(request, callWith()));
}
const reply = async (request: ChatRequest) => foldReply((await batches(request)).flat());
const textOf = async (request: ChatRequest): Promise<string> => {
  const [block] = (await reply(request)).content;
  return block?.type === "text" ? block.text : "";
};

describe("an answer in words", () => {
  test("says plainly what it is, echoes what it got, and says what to do next", async () => {
    const text = await textOf(
      asking("Hello there", {
        messages: [user("a"), { role: "assistant", content: [] }, user("Hello there")],
      }),
    );
    expect(text).toStartWith("This is ClawGate's built-in demonstration; no AI model was asked.");
    expect(text).toContain('3 messages for the model "demo/demo"');
    expect(text).toContain('Your last words were: "Hello there".');
    expect(text).toContain("config.yaml");
  });

  test("streams word by word in several batches that add up to one answer, within a second", async () => {
    const clock = instantClock();
    const all = await batches(asking("word ".repeat(300)), clock);
    const events = all.flat();
    expect(all.length).toBeGreaterThan(10);
    expect(clock.monotonicMs()).toBeLessThan(1_000);
    expect(events[0]).toMatchObject({ type: "start", id: "demoabc123", model: "demo" });
    expect(events.filter(isClosing)).toHaveLength(1);
    expect(events.at(-1)).toMatchObject({ type: "finish", reason: "stop" });
    const deltas = events.flatMap((event) => (event.type === "text-delta" ? [event.text] : []));
    expect(deltas.length).toBeGreaterThan(20);
    for (const delta of deltas) expect(delta.trim()).not.toContain(" ");
  });

  test("a whole reply is not kept waiting", async () => {
    const clock = fakeClock();
    const events = (await batches(asking("hi", { stream: false }), clock)).flat();
    expect(events.at(-1)).toMatchObject({ type: "finish" });
    expect(clock.waiting()).toBe(0);
  });

  test("usage is the gateway's estimate", async () => {
    const request = asking("count me");
    const { usage, content } = await reply(request);
    const text = content[0]?.type === "text" ? content[0].text : "";
    expect(usage).toMatchObject({
      input: estimateTokens(request),
      inputCached: 0,
      output: Math.ceil(text.length / 4),
    });
  });

  test("long last words are cut without halving a character, and lone surrogates do no harm", async () => {
    const text = await textOf(asking("😀".repeat(500)));
    expect(text).toContain(`"${"😀".repeat(200)}…"`);
    expect((await textOf(asking("bad \ud800 end"))).isWellFormed()).toBe(true);
    expect(await textOf(asking("", { messages: [] }))).toContain("0 messages");
  });

  test("keeps the token limit and stop sequences, whichever comes first", async () => {
    const short = await reply(asking("hi", { maxTokens: 5 }));
    expect(short).toMatchObject({
      finish: "length",
      content: [{ type: "text", text: "This is ClawGate's b" }],
    });
    expect(short.usage.output).toBe(5);
    const stopped = await reply(asking("hi", { stop: ["", "no AI", "built-in"] }));
    expect(stopped).toMatchObject({ finish: "stop-sequence", stopSequence: "built-in" });
    expect(stopped.content).toEqual([{ type: "text", text: "This is ClawGate's " }]);
    expect(await reply(asking("hi", { stop: ["built-in"], maxTokens: 1 }))).toMatchObject({
      finish: "length",
    });
    expect(await reply(asking("hi", { stop: ["This"] }))).toMatchObject({
      finish: "stop-sequence",
      content: [],
    });
  });
});

describe("tools", () => {
  const called = async (request: ChatRequest) => {
    const { content, finish } = await reply(request);
    const [block] = content;
    if (block?.type !== "tool-call") return null;
    return { name: block.name, id: block.id, finish, input: JSON.parse(block.input) as unknown };
  };

  test("the forced tool is called with arguments that fit its schema, in several pieces", async () => {
    const request = asking("hi", {
      tools: [clockTool, weather],
      toolChoice: { type: "tool", name: "get_weather" },
    });
    expect(await called(request)).toEqual({
      name: "get_weather",
      id: "callabc123",
      finish: "tool-calls",
      input: { city: "example", unit: "celsius" },
    });
    const deltas = (await batches(request)).flat().filter((event) => event.type === "tool-delta");
    expect(deltas.length).toBeGreaterThan(1);
  });

  test("a required call goes to the tool that the text names, else to the first", async () => {
    const tools = [clockTool, weather];
    const toolChoice = { type: "required" } as const;
    expect(await called(asking("hi", { tools, toolChoice }))).toMatchObject({ name: "get_time", input: {} });
    expect(await called(asking("use get_weather", { tools, toolChoice }))).toMatchObject({
      name: "get_weather",
    });
  });

  test("left to itself it calls the first tool when the text names it, as a whole word", async () => {
    const tools = [weather, clockTool];
    expect(await called(asking("Please call Get_Weather for me", { tools }))).toMatchObject({
      name: "get_weather",
    });
    expect(await called(asking("Please call get_weather_now", { tools }))).toBeNull();
    expect(await called(asking("What is the weather?", { tools }))).toBeNull();
    expect(await called(asking("call get_weather", { tools, toolChoice: { type: "none" } }))).toBeNull();
    expect(
      await called(asking("call get_weather", { tools, toolChoice: { type: "tool", name: "gone" } })),
    ).toBeNull();
  });

  test("after a tool's result it says what came back, even if a call is still demanded", async () => {
    const call = { type: "tool-call", id: "c1", name: "get_weather", input: "{}" } as const;
    const result = {
      type: "tool-result",
      callId: "c1",
      content: [{ type: "text", text: "sunny, 21" }],
      isError: false,
    } as const;
    const messages: Message[] = [
      user("call get_weather"),
      { role: "assistant", content: [call] },
      { role: "user", content: [result, { ...result, content: [], isError: true }] },
    ];
    const text = await textOf(asking("", { messages, tools: [weather], toolChoice: { type: "required" } }));
    expect(text).toContain("The tool returned: sunny, 21");
    expect(text).toContain("The tool failed with nothing that is text.");
    expect(text).toContain("no AI model was asked");
  });

  test("a token limit cuts arguments as a model's would be", async () => {
    const { content, finish } = await reply(asking("get_weather", { tools: [weather], maxTokens: 2 }));
    expect(finish).toBe("length");
    expect(content[0]).toMatchObject({ type: "tool-call", input: '{"city":' });
  });
});

describe("structured output", () => {
  test("fits the schema", async () => {
    const format = { type: "json-schema", name: "w", schema: weather.schema, strict: true } as const;
    expect(JSON.parse(await textOf(asking("hi", { format })))).toEqual({ city: "example", unit: "celsius" });
  });

  test("a JSON object still says what it is", async () => {
    const value = JSON.parse(await textOf(asking("hi", { format: { type: "json-object" } }))) as unknown;
    expect(value).toMatchObject({ demonstration: true });
  });
});

describe("the end before the end", () => {
  test("an abort in mid-stream ends with its reason and leaves no timer", async () => {
    const clock = fakeClock();
    const abort = new AbortController();
    const stream = backendWith(clock).generate(asking("hi"), callWith(abort.signal));
    expect((await stream.next()).value?.[0]).toMatchObject({ type: "start" });
    const next = stream.next();
    abort.abort(new Failure("timed-out", "late"));
    expect((await next).value).toMatchObject([{ type: "failure", failure: { kind: "timed-out" } }]);
    expect((await stream.next()).done).toBe(true);
    expect(clock.waiting()).toBe(0);
  });

  test("an abort before the start ends as cancelled, and no status line is claimed", async () => {
    const statuses: number[] = [];
    const stream = backendWith().generate(asking("hi"), callWith(AbortSignal.abort(), statuses));
    expect(await Array.fromAsync(stream)).toMatchObject([
      [{ type: "failure", failure: { kind: "cancelled" } }],
    ]);
    expect(statuses).toEqual([]);
  });

  test("the status line is reported once, and there is no wire to open", async () => {
    const statuses: number[] = [];
    await Array.fromAsync(backendWith().generate(asking("hi"), callWith(undefined, statuses)));
    expect(statuses).toEqual([200]);
    expect(backendWith()).toMatchObject({ provider: "demo", dialect: null, open: null });
  });
});
