// Rows about which turn is the user's, what clients add to it, and how large the request is (the stock file).

import {
  assistant,
  call,
  contextBlock,
  filler,
  heartbeatTurn,
  openclawSystem,
  picture,
  result,
  type Row,
  user,
} from "./conversation.ts";

export const turns: readonly Row[] = [
  ["no message at all", "short-message", { messages: [] }],
  ["an empty message", "short-message", { messages: [user("")] }],
  ["a blank message", "short-message", { messages: [user(" \n\t ")] }],
  ["a message without blocks", "short-message", { messages: [{ role: "user", content: [] }] }],
  [
    "only the last user turn counts",
    "short-message",
    { messages: [user("hello"), assistant("Yes?"), user("Go on.")] },
  ],
  [
    "the assistant's words do not count",
    "short-message",
    { messages: [user("Go on."), assistant("hello, hi, thanks")] },
  ],
  ["several text parts are one turn", "math-reasoning", { messages: [user("prove", "the theorem")] }],
  ["the last of two user messages", "short-message", { messages: [user("hello"), user("Go on.")] }],
  [
    "OpenClaw's context block is skipped",
    "simple-query",
    { messages: [user("hello"), user(contextBlock("none"))] },
  ],
  [
    "keywords inside the context block",
    "short-message",
    { messages: [user("Go on."), user(contextBlock("hi, thanks. refactor, debug"))] },
  ],
  [
    "a context block behind the words",
    "short-message",
    { messages: [user(`Go on.\n${contextBlock("hello")}`)] },
  ],
  [
    "a context block before the words",
    "simple-query",
    { messages: [user(`${contextBlock("refactor debug")}\nhello`)] },
  ],
  [
    "two context blocks",
    "simple-query",
    { messages: [user(`${contextBlock("debug")} hello ${contextBlock("refactor")}`)] },
  ],
  [
    "a context block that was cut off",
    "short-message",
    { messages: [user("Go on. <<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>> hello")] },
  ],
  [
    "OpenClaw's stamp and run line",
    "simple-query",
    {
      messages: [
        user(
          "[Sat 2026-11-21 01:53 UTC] hello one\nRuntime: agent=main | session=agent:main:main | sessionId=0",
        ),
      ],
    },
  ],
  [
    "words of the run line do not count",
    "short-message",
    {
      messages: [
        user(
          "[Sat 2026-11-21 01:53 UTC] Go on.\nRuntime: agent=hi | session=agent:hello | sessionId=0 | define",
        ),
      ],
    },
  ],
  [
    "a system-reminder is not the user's",
    "short-message",
    { messages: [user("<system-reminder>hello, define: translate</system-reminder>", "Go on.")] },
  ],
  [
    "a message of system-reminders only",
    "simple-query",
    { messages: [user("hello"), user("<system-reminder>debug, refactor</system-reminder>")] },
  ],
  [
    "a repeated turn",
    "simple-query",
    { messages: [user("[Retry after the previous model attempt failed or timed out]\n\nhello")] },
  ],
  [
    "a queued turn",
    "simple-query",
    {
      messages: [
        user(
          "[Queued user message from a previous active turn; preserved as context only. Debug: refactor.]\nhello",
        ),
      ],
    },
  ],
  [
    "a tool result is last",
    "simple-query",
    { messages: [user("hello"), call("a"), result("a", "debug, refactor")], tools: true },
  ],
  [
    "keywords in a tool result",
    "tool-use",
    { messages: [user("Go on."), call("a"), result("a", "hello, hi, define")], tools: true },
  ],
  [
    "a tool result, then OpenClaw's context",
    "simple-query",
    {
      messages: [user("hello"), call("a"), result("a", "x"), user(contextBlock("debug, refactor"))],
      tools: true,
    },
  ],
  [
    "words beside a tool result are the user's",
    "simple-query",
    { messages: [user("Go on."), call("a"), result("a", "x", "thanks")], tools: true },
  ],
  [
    "OpenClaw's carrier of tool images",
    "simple-query",
    {
      messages: [
        user("hello"),
        call("a"),
        result("a", "x"),
        { role: "user", content: [{ type: "text", text: "Image(s) from tool result #1 (read):" }, picture] },
      ],
      tools: true,
    },
  ],
  [
    "a picture without words hides older words",
    "general-default",
    { messages: [user("hello"), assistant("Yes?"), { role: "user", content: [picture] }] },
  ],
  ["a heartbeat turn", "heartbeat", { system: openclawSystem, messages: [user(heartbeatTurn)], tools: true }],
  [
    "a heartbeat turn, then OpenClaw's context",
    "heartbeat",
    { system: openclawSystem, messages: [user(heartbeatTurn), user(contextBlock("none"))], tools: true },
  ],
  [
    "a heartbeat turn that called a tool",
    "heartbeat",
    { messages: [user(heartbeatTurn), call("a"), result("a", "x")], tools: true },
  ],
  [
    "the heartbeat turn of older releases",
    "heartbeat",
    {
      messages: [
        user(
          "Read HEARTBEAT.md if it exists (workspace context). If nothing needs attention, reply HEARTBEAT_OK.",
        ),
      ],
    },
  ],
  [
    "a repeated heartbeat turn",
    "heartbeat",
    { messages: [user(`[Retry after the previous model attempt failed or timed out]\n${heartbeatTurn}`)] },
  ],
  [
    "an answered heartbeat is over",
    "simple-query",
    { messages: [user(heartbeatTurn), assistant("NO_REPLY"), user("hello")] },
  ],
  [
    "talk about heartbeats",
    "short-message",
    { messages: [user("Why did it follow the heartbeat monitor scratch context?")] },
  ],
  [
    "a heartbeat turn to a direct id",
    "-> deepseek-reasoner",
    { model: "deepseek-reasoner", messages: [user(heartbeatTurn)] },
  ],
];

export const sizes: readonly Row[] = [
  ["tools", "tool-use", { tools: true }],
  ["tools and a greeting: words go first", "simple-query", { tools: true, messages: [user("hello")] }],
  ["tools in a huge request", "tool-use", { tools: true, messages: [user(filler(60_000))] }],
  ["90 tokens", "short-message", { messages: [user(filler(90))] }],
  ["110 tokens", "general-default", { messages: [user(filler(110))] }],
  ["the system prompt counts as tokens", "general-default", { system: filler(110) }],
  [
    "earlier turns count as tokens",
    "general-default",
    { messages: [user(filler(60)), assistant(filler(60)), user("Go on.")] },
  ],
  ["49,000 tokens", "general-default", { messages: [user(filler(49_000))] }],
  ["51,000 tokens", "long-context", { messages: [user(filler(51_000))] }],
  [
    "51,000 tokens of tool results",
    "long-context",
    { messages: [user("Go on."), call("a"), result("a", filler(51_000))] },
  ],
  ["Chinese weighs by its bytes", "general-default", { messages: [user("路由".repeat(70))] }],
  [
    "an image weighs as much as a page",
    "general-default",
    { messages: [{ role: "user", content: [{ type: "text", text: "Look." }, picture] }] },
  ],
  [
    "keywords far inside a long message",
    "math-reasoning",
    { messages: [user(`${filler(20_000)} prove ${filler(20_000)} theorem`)] },
  ],
];
