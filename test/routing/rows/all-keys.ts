// Rows about the keys that the stock file leaves out (fixtures/all-keys.yaml).

import {
  asks,
  assistant,
  call,
  contextBlock,
  filler,
  picture,
  type Row,
  says,
  user,
} from "./conversation.ts";

const fence = "```ts\nlet a = 1;\n```";
export const own: readonly Row[] = [
  ...asks("claude-names", "claude-sonnet-4-6", "CLAUDE-X", "claude-"),
  ...asks("any-mini", "claude-haiku-4", "claude-3-haiku-20240307", "gpt-5-mini", "o4-mini-high", "MINI"),
  ...asks("404", "claude", "my-claude-3", "gpt-5"),
  [
    "both headers and the word",
    "night-shift",
    { system: "Nightly run", headers: { "x-shift": "Night", "x-team": "blue-2" } },
  ],
  ["one header of two", "no-match", { system: "Nightly run", headers: { "x-shift": "night" } }],
  ["headers without the word", "no-match", { headers: { "x-shift": "night", "x-team": "green" } }],
  ["AND within a block", "reviewer", { system: "Review this.", headers: { "x-app": "CI" } }],
  [
    "`not` through a header",
    "no-match",
    { system: "Review this.", headers: { "x-app": "ci", "x-urgent": "yes" } },
  ],
  ["`not` through the prompt", "no-match", { system: "Review this draft.", headers: { "x-app": "ci" } }],
  ["half of a block", "no-match", { system: "Review this." }],
  ["a pattern over the system prompt", "ticket-bot", { system: "You handle TICKET  #12." }],
  [
    "a pattern stops at OpenClaw's mark",
    "no-match",
    { system: "<!-- openclaw:attempt:STABLE -->ticket #12" },
  ],
  ["a pattern is no keyword", "no-match", { system: "ticket # 12" }],
  ...says("deploy", "please Deploy v12 now", "rollback 3", "/run tests"),
  ...says("no-match", "deploys v12", "deploy later", "do /run tests", "fix it"),
  ["a picture", "picture", { messages: [{ role: "user", content: [picture] }] }],
  [
    "a picture in an earlier turn",
    "picture",
    { messages: [{ role: "user", content: [picture] }, assistant("A cat."), user("Sure?")] },
  ],
  [
    "a picture in a tool result",
    "picture",
    {
      messages: [
        user("Look."),
        call("a"),
        { role: "user", content: [{ type: "tool-result", callId: "a", content: [picture], isError: false }] },
      ],
    },
  ],
  [
    "a picture and code",
    "picture-code",
    { messages: [{ role: "user", content: [picture, { type: "text", text: fence }] }] },
  ],
  ["code", "code-without-tools", { messages: [user(`Look:\n${fence}`)] }],
  ["code in mid-line", "code-without-tools", { messages: [user("Look: ```let a```")] }],
  ["code between tildes", "code-without-tools", { messages: [user("Look:\n~~~\nlet a\n~~~")] }],
  ["tildes in mid-line", "no-match", { messages: [user("about ~~~ five")] }],
  ["one backtick", "no-match", { messages: [user("the `fix` word")] }],
  ["code in an earlier turn", "no-match", { messages: [user(fence), assistant("Nice."), user("Go on.")] }],
  ["code of the assistant", "no-match", { messages: [user("Go on."), assistant(fence)] }],
  ["code in OpenClaw's context", "no-match", { messages: [user("Go on."), user(contextBlock(fence))] }],
  ["code with tools", "no-match", { tools: true, messages: [user(fence)] }],
  ["a keyword with tools", "fix-with-tools", { tools: true, messages: [user("Fix it")] }],
  ["a keyword that ends in signs", "fix-with-tools", { tools: true, messages: [user("use C++17")] }],
  [
    "a keyword that begins with signs",
    "fix-with-tools",
    { tools: true, messages: [user("ASP.NET is it, #bug")] },
  ],
  ["no boundary before c", "no-match", { tools: true, messages: [user("objc++")] }],
  ["between both numbers of tokens", "middle", { messages: [user(filler(500))] }],
  ["above both", "no-match", { messages: [user(filler(1_100))] }],
  ["between, but with tools", "no-match", { tools: true, messages: [user(filler(500))] }],
];
