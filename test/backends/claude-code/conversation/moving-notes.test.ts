// OpenClaw's note about its own state follows the newest message of every request: the conversation is the same one.

import { expect, test } from "bun:test";
import { after, asking, model, openHarness, result, textOf, tool, user } from "../backend-harness.ts";

const note = (state: string) =>
  user(`<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>\nexec sessions: ${state}\n<<<END_OPENCLAW_INTERNAL_CONTEXT>>>`);
const calling = asking(["use:look t1"], { tools: [tool] });
const noted = asking(["use:look t1", note("none")], { tools: [tool] });

test("a tool's result goes to the process that waits, though the note has moved behind it", async () => {
  const { program, ask } = openHarness({
    fake: {
      model: (messages) =>
        messages.length === 1
          ? { text: "calling", calls: [{ id: "t1", name: "look", input: {} }] }
          : { text: "seen" },
    },
  });
  const reply = await ask(noted);
  expect(textOf(await ask(after(calling, reply, user(result("t1")), note("none"))))).toBe("seen");
  expect([program.started(), program.upstream.length]).toEqual([1, 2]);
});

test("so do the next words, and the note is not said again", async () => {
  const { program, ask } = openHarness();
  const first = asking(["hello", note("none")]);
  const reply = await ask(first);
  const next = asking(["hello", model(...reply.content), user("and now"), note("none")]);
  expect(textOf(await ask(next))).toBe("said and now");
  expect([program.started(), program.upstream.length]).toEqual([1, 2]);
  expect(program.upstream[1]?.messages.at(-1)?.content).toEqual([{ type: "text", text: "and now" }]);
});

test.each([
  ["says something new", note("one")],
  [
    "is not all that stands there",
    user("<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>\nexec\n<<<END_OPENCLAW_INTERNAL_CONTEXT>>> and a word"),
  ],
])("a note that %s is told to a fresh process", async (_name, last) => {
  const { program, ask } = openHarness();
  const reply = await ask(asking(["hello", note("none")]));
  await ask(asking(["hello", model(...reply.content), user("and now"), last]));
  expect(program.started()).toBe(2);
});
