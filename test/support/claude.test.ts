import { describe, expect, test } from "bun:test";
import type { Faults, ScriptedClaude } from "./claude.ts";
import { scriptedClaude } from "./claude.ts";
import { listOf, parsed, recordOf, textOf } from "./upstream/json.ts";
import type { Json } from "./upstream/json.ts";
import { cleanupsAfterEach } from "./cleanups.ts";

const cleanups = cleanupsAfterEach();

const flags =
  "-p --input-format stream-json --output-format stream-json --verbose --include-partial-messages --strict-mcp-config --no-session-persistence --disable-slash-commands --allowedTools mcp__client --model opus".split(
    " ",
  );
const isolation = ["--tools", "", "--setting-sources", ""];

type Driver = {
  readonly pid: number;
  readonly lines: readonly Json[];
  send(line: object | string): void;
  close(): void;
  /** Lines up to and including the first that fits, from where the last call ended; throws if the output ends before. */
  until(fits: (line: Json) => boolean): Promise<readonly Json[]>;
  readonly exited: Promise<number>;
  readonly stderr: Promise<string>;
  kill(name: NodeJS.Signals): void;
};

function claude(faults: Faults = {}): ScriptedClaude {
  const made = scriptedClaude(faults);
  cleanups.push(made.remove);
  return made;
}

function start(
  made: ScriptedClaude,
  env: Record<string, string> = {},
  argv = [...flags, ...isolation],
): Driver {
  const child = Bun.spawn([made.bin, ...argv], {
    cwd: made.dir,
    env: { PATH: "/usr/bin:/bin", HOME: made.dir, CLAUDE_CODE_DISABLE_ATTACHMENTS: "1", ...env },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  const lines: Json[] = [];
  const reader = child.stdout.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let read = 0;
  return {
    pid: child.pid,
    lines,
    send(line) {
      void child.stdin.write(typeof line === "string" ? line : `${JSON.stringify(line)}\n`);
      void child.stdin.flush();
    },
    close: () => void child.stdin.end(),
    async until(fits) {
      const from = read;
      for (;;) {
        while (read < lines.length) {
          read += 1;
          if (fits(lines[read - 1] ?? {})) return lines.slice(from, read);
        }
        const { done, value } = await reader.read();
        if (done)
          throw new Error(`It ended before. Lines:\n${lines.map((line) => JSON.stringify(line)).join("\n")}`);
        const pieces = (rest + decoder.decode(value, { stream: true })).split("\n");
        rest = pieces.pop() ?? "";
        lines.push(
          ...pieces.map((piece) => (parsed(piece) === undefined ? { text: piece } : recordOf(parsed(piece)))),
        );
      }
    },
    exited: child.exited,
    stderr: new Response(child.stderr).text(),
    kill: (name) => child.kill(name),
  };
}

const user = (content: unknown, more: object = {}): object => ({
  type: "user",
  message: { role: "user", content },
  parent_tool_use_id: null,
  session_id: "",
  ...more,
});
const assistant = (content: unknown): object => ({
  type: "assistant",
  message: { id: "msg_h", type: "message", role: "assistant", model: "m", content, stop_reason: "end_turn" },
  parent_tool_use_id: null,
  session_id: "",
});
const control = (request: object, id = "i1"): object => ({
  type: "control_request",
  request_id: id,
  request,
});
const initialize = (more: object = {}): object =>
  control({ subtype: "initialize", systemPrompt: ["You are X."], ...more });
const isResult = (line: Json): boolean => line["type"] === "result";
const named = (line: Json): string =>
  [
    line["type"],
    recordOf(line["event"])["type"] ??
      recordOf(recordOf(line["request"])["message"])["method"] ??
      line["subtype"],
  ]
    .filter(Boolean)
    .join("/");
const resultOf = (lines: readonly Json[]): Json => lines.findLast(isResult) ?? {};
const textIn = (lines: readonly Json[]): string =>
  lines.map((line) => textOf(recordOf(recordOf(line["event"])["delta"])["text"])).join("");

const methodOf = (line: Json): unknown => recordOf(recordOf(line["request"])["message"])["method"];

/** Answers the program's requests about its tools until a line fits; returns that line. */
async function untilWithTools(
  driver: Driver,
  tools: readonly object[],
  fits: (line: Json) => boolean,
): Promise<Json> {
  for (;;) {
    const line =
      (await driver.until((each) => each["type"] === "control_request" || fits(each))).at(-1) ?? {};
    if (fits(line)) return line;
    const id = recordOf(recordOf(line["request"])["message"])["id"] ?? 0;
    const result = methodOf(line) === "tools/list" ? { tools } : {};
    driver.send(mcpAnswer(line, { jsonrpc: "2.0", id, result }));
  }
}
const untilCall = (driver: Driver, tools: readonly object[]): Promise<Json> =>
  untilWithTools(driver, tools, (line) => methodOf(line) === "tools/call");
const mcpAnswer = (asked: Json, mcp_response: object): object => ({
  type: "control_response",
  response: { subtype: "success", request_id: asked["request_id"], response: { mcp_response } },
});
const toolAnswer = (asked: Json, text: string): object =>
  mcpAnswer(asked, {
    jsonrpc: "2.0",
    id: recordOf(recordOf(asked["request"])["message"])["id"],
    result: { content: [{ type: "text", text }], isError: false },
  });

describe("commands", () => {
  const run = (made: ScriptedClaude, args: string[], env: Record<string, string> = {}) =>
    Bun.spawnSync([made.bin, ...args], { cwd: made.dir, env });

  test("--version and auth status", () => {
    const made = claude();
    expect(run(made, ["--version"]).stdout.toString()).toBe("2.1.197 (Claude Code)\n");
    expect(run(made, ["auth", "status"])).toMatchObject({ exitCode: 1 });
    const withKey = run(made, ["auth", "status"], { ANTHROPIC_API_KEY: "dummy" });
    expect(JSON.parse(withKey.stdout.toString())).toMatchObject({ loggedIn: true, authMethod: "api_key" });
    made.setFaults({ version: "1.0.2", auth: { loggedIn: true, authMethod: "claude.ai" } });
    expect(run(made, ["--version"]).stdout.toString()).toBe("1.0.2 (Claude Code)\n");
    expect(run(made, ["auth", "status"]).exitCode).toBe(0);
    expect(made.runs().map(({ argv }) => argv[0])).toEqual([
      "--version",
      "auth",
      "auth",
      "--version",
      "auth",
    ]);
    expect(made.runs()[2]?.env).toEqual({ ANTHROPIC_API_KEY: "***" });
  });

  test("a flag that the program does not know ends it", () => {
    const done = run(claude(), ["-p", "--no-such-flag"]);
    expect(done.exitCode).toBe(1);
    expect(done.stderr.toString()).toBe("error: unknown option '--no-such-flag'\n");
  });
});

describe("a turn", () => {
  test("silence at start, then init, the events, one result", async () => {
    const made = claude();
    const driver = start(made);
    await made.waitFor((runs) => runs.length === 1);
    driver.send({ type: "of_no_known_type" });
    driver.send(initialize());
    const answer = await driver.until((line) => line["type"] === "control_response");
    expect(answer).toHaveLength(1);
    driver.send(user("[[think:let me]] [[say:good morning]]"));
    const turn = await driver.until(isResult);
    expect(turn.map(named)).toEqual([
      "system/init",
      "system/status",
      "stream_event/message_start",
      "stream_event/content_block_start",
      "system/thinking_tokens",
      "stream_event/content_block_delta",
      "system/thinking_tokens",
      "stream_event/content_block_delta",
      "stream_event/content_block_delta",
      "assistant",
      "stream_event/content_block_stop",
      "stream_event/content_block_start",
      "stream_event/content_block_delta",
      "stream_event/content_block_delta",
      "assistant",
      "stream_event/content_block_stop",
      "stream_event/message_delta",
      "stream_event/message_stop",
      "result/success",
    ]);
    expect(resultOf(turn)).toMatchObject({
      is_error: false,
      result: "good morning",
      num_turns: 1,
      stop_reason: "end_turn",
    });
    driver.send(user("[[say:again]]"));
    const second = await driver.until(isResult);
    expect(second.map(named).slice(0, 2)).toEqual(["system/init", "system/status"]);
    expect(Number(resultOf(second)["total_cost_usd"])).toBeGreaterThan(
      Number(resultOf(turn)["total_cost_usd"]),
    );
    driver.close();
    expect(await driver.exited).toBe(0);
    expect(made.sessions()[0]).toMatchObject({ exitCode: 0, argv: [...flags, ...isolation] });
    expect(made.sessions()[0]?.events.slice(0, 4)).toEqual([
      "in:of_no_known_type",
      "in:control_request/initialize",
      "out:control_response/success",
      "in:user",
    ]);
  });

  test("an error is a success with is_error, and the process lives on; the exit code is 1 when it came last", async () => {
    const driver = start(claude(), { CLAUDE_CODE_MAX_RETRIES: "1" });
    driver.send(user("[[mode:429 7]]"));
    const failed = await driver.until(isResult);
    expect(failed.map(named)).toContain("system/api_retry");
    expect(resultOf(failed)).toMatchObject({
      subtype: "success",
      is_error: true,
      api_error_status: 429,
      total_cost_usd: 0,
    });
    driver.send(user("[[say:well again]]"));
    expect(resultOf(await driver.until(isResult))).toMatchObject({ is_error: false, result: "well again" });
    driver.send(user("[[mode:no-login]]"));
    await driver.until(isResult);
    driver.close();
    expect(await driver.exited).toBe(1);
  });

  test("a text with a slash never goes upstream, a blank before it helps", async () => {
    const driver = start(claude());
    driver.send(user("/zzz foo"));
    expect(resultOf(await driver.until(isResult))).toMatchObject({
      result: "Unknown command: /zzz",
      num_turns: 0,
    });
    driver.send(user("\n/zzz [[say:through]]"));
    expect(resultOf(await driver.until(isResult))).toMatchObject({ result: "through", num_turns: 1 });
  });

  test("max_tokens makes it go on by itself", async () => {
    const driver = start(claude(), { CLAUDE_CODE_MAX_OUTPUT_TOKENS: "3" });
    driver.send(user("[[long:9]]"));
    const turn = await driver.until(isResult);
    expect(turn.filter((line) => named(line) === "stream_event/message_stop")).toHaveLength(2);
    expect(textIn(turn)).toBe("word1 word2 word3and that was all.");
  });

  test.each([
    ["session-limit 4102444800", "rate_limit_event", { is_error: true, api_error_status: 429 }],
    ["limit-allowed", "rate_limit_event", { is_error: false }],
    ["refusal", "system/model_refusal_no_fallback", { is_error: true, api_error_status: null }],
    ["cut", "stream_event/content_block_delta", { is_error: true, api_error_status: null }],
    ["too-long", "assistant", { is_error: true, terminal_reason: "prompt_too_long" }],
    ["broken", "system/status", { subtype: "error_during_execution", is_error: true }],
    ["max-turns", "stream_event/message_stop", { subtype: "error_max_turns", terminal_reason: "max_turns" }],
    ["noise", "of_a_later_version", { is_error: false, result: "some words here" }],
    ["garbage", "", { is_error: false, result: "some words here" }],
  ])("mode %s", async (mode, seen, result) => {
    const driver = start(claude());
    driver.send(user(`[[say:some words here]] [[mode:${mode}]]`));
    const turn = await driver.until(isResult);
    expect(turn.map(named)).toContain(seen);
    expect(resultOf(turn)).toMatchObject(result);
  });
});

describe("ends", () => {
  test.each([
    ["die 3", 3],
    ["die-mid", 1],
    ["half-line", 1],
    ["die-end 7", 7],
    ["die-mid killed", 137],
  ])("mode %s", async (mode, code) => {
    const driver = start(claude());
    driver.send(user(`[[say:some words]] [[mode:${mode}]]`));
    await expect(driver.until(isResult)).rejects.toThrow("It ended before");
    expect(await driver.exited).toBe(code);
  });

  test("a line that is not JSON: exit 1 and words on stderr", async () => {
    const driver = start(claude());
    driver.send("{not json\n");
    expect(await driver.exited).toBe(1);
    expect(await driver.stderr).toBe("Error parsing streaming input line: {not json\n");
  });

  test("SIGTERM in mid-stream: 143 and no result", async () => {
    const made = claude();
    const driver = start(made);
    driver.send(user("[[say:some words]] [[mode:hang-mid]]"));
    await driver.until((line) => named(line) === "stream_event/content_block_delta");
    driver.kill("SIGTERM");
    expect(await driver.exited).toBe(143);
    expect(driver.lines.some(isResult)).toBe(false);
    expect(made.runs()[0]?.events.at(-1)).toBe("signal:SIGTERM");
  });

  test("at the end of its input it finishes the turn first", async () => {
    const driver = start(claude());
    driver.send(user("[[say:the whole answer]]"));
    driver.close();
    expect(resultOf(await driver.until(isResult))).toMatchObject({ result: "the whole answer" });
    expect(await driver.exited).toBe(0);
  });

  test.each([
    ["start", { dies: { at: "start", how: 9 } }],
    ["initialize", { dies: { at: "initialize", how: 9 } }],
    ["history", { dies: { at: "history", how: 9 } }],
    ["turn", { dies: { at: "turn", how: 9 } }],
  ] as const)("at the stage %s", async (_stage, faults) => {
    const driver = start(claude(faults));
    driver.send(initialize());
    driver.send(user("one", { shouldQuery: false }));
    driver.send(user("two"));
    expect(await driver.exited).toBe(9);
  });
});

describe("history", () => {
  const roles = (result: Json): unknown =>
    listOf(recordOf(parsed(textOf(result["result"])))["messages"]).map(
      (message) => recordOf(message)["role"],
    );

  test("with the wait between a user line and an assistant line the order holds", async () => {
    const driver = start(claude());
    driver.send(user("first", { shouldQuery: false }));
    const fed = await driver.until(isResult);
    expect(fed.map(named)).toEqual(["system/init", "result/success"]);
    expect(resultOf(fed)).toMatchObject({ num_turns: 0, result: "" });
    expect(resultOf(fed)).not.toHaveProperty("terminal_reason");
    driver.send(assistant([{ type: "text", text: "second" }]));
    driver.send(user("third [[request]]"));
    expect(roles(resultOf(await driver.until(isResult)))).toEqual(["user", "assistant", "user"]);
  });

  test("without the wait the assistant line lands before, and the user texts are merged", async () => {
    const driver = start(claude());
    driver.send(user("first", { shouldQuery: false }));
    driver.send(assistant([{ type: "text", text: "second" }]));
    driver.send(user("third [[request]]"));
    await driver.until(isResult);
    expect(roles(resultOf(await driver.until(isResult)))).toEqual(["assistant", "user"]);
  });
});

describe("tools of the client", () => {
  const tool = (name: string, more: object = {}): object => ({
    name,
    description: "d".repeat(3000),
    inputSchema: { type: "object", properties: { city: { type: "string" } } },
    ...more,
  });
  const bare = { CLAUDE_AGENT_SDK_MCP_NO_PREFIX: "1" };

  test("the call comes before message_delta with the id of the block, and is resumed by its answer", async () => {
    const driver = start(claude(), bare);
    driver.send(initialize({ sdkMcpServers: ["client"] }));
    driver.send(user('[[tool:get_weather {"city":"Paris"}]] [[toolresult]]'));
    const call = await untilCall(driver, [tool("get_weather")]);
    expect(recordOf(recordOf(call["request"])["message"])["params"]).toMatchObject({
      name: "get_weather",
      arguments: { city: "Paris" },
    });
    const rest = await driver.until((line) => named(line) === "stream_event/message_stop");
    expect(rest.map(named)).toEqual([
      "stream_event/content_block_stop",
      "stream_event/message_delta",
      "stream_event/message_stop",
    ]);
    const block = driver.lines.find((line) => line["type"] === "assistant");
    const [content] = listOf(recordOf(block?.["message"])["content"]);
    expect(
      recordOf(recordOf(recordOf(recordOf(call["request"])["message"])["params"])["_meta"]),
    ).toMatchObject({
      "claudecode/toolUseId": recordOf(content)["id"],
    });
    driver.send(toolAnswer(call, "18C"));
    const end = await driver.until(isResult);
    expect(named(end[0] ?? {})).toBe("user");
    expect(resultOf(end)).toMatchObject({ result: "result: 18C", num_turns: 2 });
  });

  test("several calls come one at a time, and all at once when they only read", async () => {
    for (const annotations of [undefined, { readOnlyHint: true }]) {
      const driver = start(claude(), bare);
      driver.send(initialize({ sdkMcpServers: ["client"] }));
      driver.send(user("[[tools:a;b]] [[toolresult]]"));
      const offered = [tool("a", { annotations }), tool("b", { annotations })];
      const first = await untilCall(driver, offered);
      const isStop = (line: Json): boolean => named(line) === "stream_event/message_stop";
      const rest = await driver.until(isStop);
      const others = rest.filter((line) => line["type"] === "control_request");
      expect(others).toHaveLength(annotations === undefined ? 0 : 1);
      driver.send(toolAnswer(first, "A"));
      const second = others[0] ?? (await untilCall(driver, offered));
      driver.send(toolAnswer(second, "B"));
      expect(resultOf(await driver.until(isResult))).toMatchObject({ result: "result: A\nB" });
    }
  });

  test("prefix, the cut of descriptions and the missing grant", async () => {
    const driver = start(claude(), {}, [
      ...flags.filter((flag) => !/allowedTools|mcp__client/.test(flag)),
      ...isolation,
    ]);
    driver.send(initialize({ sdkMcpServers: ["client"] }));
    driver.send(user("[[request]]"));
    const offering = [tool("get_weather")];
    const result = await untilWithTools(driver, offering, isResult);
    const { tools } = recordOf(parsed(textOf(result["result"])));
    const [offered] = listOf(tools).map(recordOf);
    expect(offered?.["name"]).toBe("mcp__client__get_weather");
    expect(textOf(offered?.["description"])).toHaveLength(2048);
    driver.send(user("[[tool:mcp__client__get_weather]] [[toolresult]]"));
    expect((await untilWithTools(driver, offering, isResult))["result"]).toBe(
      "result: error: Claude requested permissions to use mcp__client__get_weather, but you haven't granted it yet.",
    );
  });

  test("an interrupt while a call is held: cancelled, acknowledged, aborted_tools, and it goes on", async () => {
    const driver = start(claude(), bare);
    driver.send(initialize({ sdkMcpServers: ["client"] }));
    driver.send(user("[[tool:a]]"));
    await untilCall(driver, [tool("a")]);
    driver.send(control({ subtype: "interrupt" }, "stop"));
    const end = await driver.until(isResult);
    expect(end.map(named)).toContain("control_request/notifications/cancelled");
    expect(resultOf(end)).toMatchObject({
      subtype: "error_during_execution",
      terminal_reason: "aborted_tools",
      num_turns: 3,
    });
    driver.send(user("[[say:still here]]"));
    expect(resultOf(await driver.until(isResult))).toMatchObject({ result: "still here" });
  });
});

describe("settings", () => {
  test("live: extra body, output limit, effort, thinking", async () => {
    const driver = start(claude());
    driver.send(
      control({
        subtype: "apply_flag_settings",
        settings: {
          effortLevel: "low",
          env: { CLAUDE_CODE_EXTRA_BODY: '{"temperature":0.2}', CLAUDE_CODE_MAX_OUTPUT_TOKENS: "5000" },
        },
      }),
    );
    driver.send(control({ subtype: "set_max_thinking_tokens", max_thinking_tokens: 0 }, "i2"));
    driver.send(control({ subtype: "nonsense" }, "i3"));
    driver.send(user("[[request]]"));
    const turn = await driver.until(isResult);
    expect(
      recordOf(turn.find((line) => recordOf(line["response"])["request_id"] === "i3")?.["response"]),
    ).toEqual({
      subtype: "error",
      request_id: "i3",
      error: "Unsupported control request subtype: nonsense",
    });
    expect(recordOf(parsed(textOf(resultOf(turn)["result"])))).toMatchObject({
      model: "claude-opus-4-8",
      temperature: 0.2,
      max_tokens: 5000,
      thinking: { type: "disabled" },
      output_config: { effort: "low" },
      tools: [],
    });
  });

  test("structured output: the result holds the JSON", async () => {
    const driver = start(claude());
    driver.send(initialize({ jsonSchema: { type: "object", properties: { city: { type: "string" } } } }));
    driver.send(user('[[json:{"city":"Paris"}]]'));
    expect(resultOf(await driver.until(isResult))).toMatchObject({
      structured_output: { city: "Paris" },
      result: '{"city":"Paris"}',
      stop_reason: "tool_use",
    });
  });
});
