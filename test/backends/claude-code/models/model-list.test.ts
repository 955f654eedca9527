// What the program said of its models: asked once, kept, asked again when the program is another one.

import { expect, test } from "bun:test";
import { createModelList } from "../../../../src/backends/claude-code/models/model-list.ts";
import { cliName, cliNames, reportedModel } from "../../../../src/backends/claude-code/models/cli-models.ts";

function listForTest(answers: readonly unknown[]) {
  const world = { stamp: "bin:1" as string | null, stored: undefined as unknown, asked: 0, nowMs: 0 };
  const warnings: string[] = [];
  const make = () =>
    createModelList({
      stamp: () => Promise.resolve(world.stamp),
      ask() {
        const answer = answers[world.asked];
        world.asked += 1;
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
      },
      store: {
        get: () => Promise.resolve(world.stored),
        set: (value) => Promise.resolve(void (world.stored = JSON.parse(JSON.stringify(value)))),
      },
      nowMs: () => world.nowMs,
      warn: (message, error) => void warnings.push(`${message}: ${error.message}`),
    });
  const names = (list: ReturnType<typeof make>): string[] => list.known().map((model) => model.value);
  return { world, warnings, make, names };
}

const saying = (...values: string[]) => ({
  models: values.map((value) => ({ value, resolvedModel: `claude-${value}` })),
});

test("the program is not asked before the list is needed, and then once", async () => {
  const { world, make, names } = listForTest([saying("opus")]);
  const list = make();
  expect([names(list), world.asked]).toEqual([[], 0]);
  await Promise.all([list.refresh(), list.refresh()]);
  await list.refresh();
  world.nowMs += 120_000;
  await list.refresh();
  expect([names(list), world.asked]).toEqual([["opus"], 1]);
});

test("it is kept over a restart and asked again for another program", async () => {
  const { world, make, names } = listForTest([saying("opus"), saying("opus", "fable")]);
  await make().refresh();
  const next = make();
  await next.recall();
  expect([names(next), world.asked]).toEqual([["opus"], 1]);
  world.stamp = "bin:2";
  const updated = make();
  await updated.recall();
  expect([names(updated), world.asked]).toEqual([[], 1]);
  await updated.refresh();
  expect([names(updated), world.asked]).toEqual([["opus", "fable"], 2]);
});

test("what a model's thinking can do is kept as well", async () => {
  const models = [
    {
      value: "opus",
      resolvedModel: "claude-opus-5",
      supportsThinkingOff: false,
      supportsAdaptiveThinking: true,
    },
    { value: "haiku" },
  ];
  const { make } = listForTest([{ models }]);
  await make().refresh();
  const next = make();
  await next.recall();
  expect(next.known()).toMatchObject([{ alwaysThinks: true, adaptsThinking: true }, { value: "haiku" }]);
  expect(Object.keys(next.known()[1] ?? {})).not.toContain("adaptsThinking");
});

test("a question without an answer is logged and not repeated for a minute", async () => {
  const { world, warnings, make, names } = listForTest([new Error("no"), { models: 7 }, saying("opus")]);
  const list = make();
  await list.refresh();
  await list.refresh();
  expect([world.asked, warnings.length]).toEqual([1, 1]);
  world.nowMs += 61_000;
  await list.refresh();
  world.nowMs += 61_000;
  await list.refresh();
  expect([names(list), world.asked, warnings.length]).toEqual([["opus"], 3, 2]);
});

test("an answer to another process counts, and a missing program is not a failure", async () => {
  const { world, warnings, make, names } = listForTest([saying("opus")]);
  const list = make();
  await list.refresh();
  list.learn(saying("haiku"), "bin:1", "haiku");
  list.learn("nonsense", "bin:1", "haiku");
  expect(names(list)).toEqual(["haiku"]);
  world.stamp = null;
  const lost = make();
  await lost.refresh();
  expect([names(lost), world.asked, warnings]).toEqual([[], 1, []]);
});

test.each([null, "x", { stamp: 1, models: [] }, { stamp: "bin:1", models: [{}, 7, null] }])(
  "a stored %p is asked for again",
  async (stored) => {
    const { world, make, names } = listForTest([saying("opus")]);
    world.stored = stored;
    const list = make();
    await list.refresh();
    expect([names(list), world.asked]).toEqual([["opus"], 1]);
  },
);

test("a name that a request started the program with is known, and not shown to other clients", async () => {
  const { world, make } = listForTest([saying("opus")]);
  const list = make();
  await list.refresh();
  const stored = world.stored;
  const secret = "claude-our-secret-9";
  list.learn(saying("opus", secret), "bin:1", secret);
  list.learn(saying("opus", "best"), "bin:1", "best");
  expect(cliNames(list.known())).toEqual(["opus", "sonnet", "haiku", "fable", "claude-opus"]);
  expect([cliName(secret, list.known()), cliName("best", list.known())]).toEqual([
    { model: secret, isKnown: false },
    null,
  ]);
  expect(reportedModel(secret, list.known())?.resolved).toBe(`claude-${secret}`);
  expect(world.stored).toBe(stored);
  // What it offers by itself stays offered when a request asks for it.
  list.learn(saying("opus", "opus[1m]"), "bin:1", "haiku");
  list.learn(saying("opus", "opus[1m]"), "bin:1", "opus[1m]");
  expect(cliNames(list.known())).toContain("opus[1m]");
  for (let at = 0; at < 200; at++) list.learn(saying("opus", `x${at}`), "bin:1", `x${at}`);
  expect(list.known().length).toBeLessThan(60);
});
