// The profile for OpenClaw: names there and back, and which blocks of a prompt go.

import { describe, expect, test } from "bun:test";
import { withProfile } from "../../../src/backends/claude-code/openclaw-profile.ts";
import { type ChatRequest, emptyRequest, type Tool } from "../../../src/canon/request.ts";

const tool = (name: string): Tool => ({ name, description: null, schema: {} });
const all = { mapsToolNames: true, filtersPrompt: true };
const asking = (names: readonly string[], more: Partial<ChatRequest> = {}): ChatRequest => ({
  ...emptyRequest,
  tools: names.map(tool),
  ...more,
});
const start = (name: string) => ({ type: "tool-start", index: 0, id: "t1", name }) as const;

describe("tool names", () => {
  const called: ChatRequest["messages"] = [
    { role: "user", content: [{ type: "text", text: "use exec" }] },
    { role: "assistant", content: [{ type: "tool-call", id: "t0", name: "exec", input: "{}" }] },
    { role: "user", content: [{ type: "tool-result", callId: "t0", content: [], isError: false }] },
  ];

  test("in tools, history and choice alike, and back on the way out", () => {
    const { request, restore } = withProfile(
      asking(["exec", "read", "write", "edit", "web_search", "web_fetch", "browser", "canvas", "process"], {
        messages: called,
        toolChoice: { type: "tool", name: "exec" },
      }),
      all,
    );
    expect(request.tools.map(({ name }) => name)).toEqual([
      "Bash",
      "Read",
      "Write",
      "Edit",
      "WebSearch",
      "WebFetch",
      "Browser",
      "Canvas",
      "process",
    ]);
    expect(request.messages[1]?.content).toEqual([
      { type: "tool-call", id: "t0", name: "Bash", input: "{}" },
    ]);
    expect(request.messages[0] === called[0]).toBe(true);
    expect(request.toolChoice).toEqual({ type: "tool", name: "Bash" });
    expect([restore?.(start("Bash")), restore?.(start("process"))]).toEqual([
      start("exec"),
      start("process"),
    ]);
  });

  test("a name that the client has itself is not taken: the way back must be one", () => {
    const { request, restore } = withProfile(asking(["exec", "Bash", "read"]), all);
    expect(request.tools.map(({ name }) => name)).toEqual(["exec", "Bash", "Read"]);
    expect([restore?.(start("Bash")), restore?.(start("Read"))]).toEqual([start("Bash"), start("read")]);
  });

  test("a tool that only the past knows is renamed there too", () => {
    const { request } = withProfile(asking([], { messages: called }), all);
    expect(request.messages[1]?.content[0]).toMatchObject({ name: "Bash" });
  });

  test("switched off, nothing changes", () => {
    const before = asking(["exec"], { messages: called });
    expect(withProfile(before, { mapsToolNames: false, filtersPrompt: false }).request).toBe(before);
  });
});

describe("the system prompt", () => {
  const filtered = (text: string, names: readonly string[] = ["exec"]): string => {
    const { request } = withProfile(asking(names, { system: [{ type: "text", text }] }), all);
    const [block] = request.system;
    return block?.type === "text" ? block.text : "";
  };

  test.each(["tools", "available-tools", "available_tools", "tool_definitions", "system-tools", "functions"])(
    "a block <%s> goes",
    (tag) =>
      expect(filtered(`You help.\n\n<${tag}>\n- exec\n</${tag}>\n\nBe kind.`)).toBe("You help.\n\nBe kind."),
  );

  test.each([
    ["skills, which stand nowhere else", "<available_skills>\n<skill>x</skill>\n</available_skills>"],
    ["a tag within a line", "Use <tools>exec</tools> well."],
    ["a block that never ends", "<tools>\n- exec"],
    ["fenced code", "```xml\n<tools>\n- exec\n</tools>\n```"],
    ["who OpenClaw is", "You are a personal assistant running inside OpenClaw."],
  ])("%s stays", (_name, text) => expect(filtered(text)).toBe(text));

  test("without declared tools the block is all there is, and stays", () => {
    expect(filtered("<tools>\n- exec\n</tools>", [])).toContain("- exec");
  });

  test("it is said what was left out, and users' words are not touched", () => {
    const notes: string[] = [];
    const text = "<tools>\nx\n</tools>";
    const before = asking(["exec"], {
      system: [{ type: "text", text }],
      messages: [{ role: "user", content: [{ type: "text", text }] }],
    });
    const { request } = withProfile(before, { mapsToolNames: false, filtersPrompt: true }, (word) =>
      notes.push(word),
    );
    expect([notes, request.messages]).toEqual([["tool-blocks-left-out"], before.messages]);
  });
});
