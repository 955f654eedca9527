import { afterAll, describe, expect, test } from "bun:test";
import { commands } from "../../src/commands/table.ts";
import { ownHome } from "./command-run.ts";

const home = ownHome();
afterAll(home.remove);

describe("groups", () => {
  test("every command and every verb has help that starts with its own usage", async () => {
    for (const command of commands) {
      const paths = [[command.name], ...(command.verbs ?? []).map((verb) => [command.name, verb.name])];
      for (const path of paths) {
        const asked = await home.run([...path, "--help"]);
        expect(asked).toMatchObject({ code: 0, stderr: "" });
        expect(asked.stdout).toStartWith(`Usage: clawgate ${path[0] === "serve" ? "[serve]" : path[0]}`);
        expect(await home.run(["help", ...path])).toEqual(asked);
      }
    }
  });

  test("a verb's help is its own, not the group's", async () => {
    expect((await home.run(["providers", "reset", "--help"])).stdout).toContain("reset <id>");
    expect((await home.run(["providers", "--help"])).stdout).toContain("catalog");
  });

  test("an unknown verb names the nearest one", async () => {
    const { code, stderr } = await home.run(["providers", "lst"]);
    expect(code).toBe(64);
    expect(stderr).toContain('there is no command "providers lst". Did you mean "providers list"?');
    expect(stderr).toContain("clawgate providers --help");
  });

  test("help for what does not exist", async () => {
    const { code, stderr } = await home.run(["help", "provders"]);
    expect(code).toBe(64);
    expect(stderr).toContain('Did you mean "providers"?');
  });

  test("a group without a verb takes options of its first", async () => {
    const { code, stderr } = await home.run(["providers", "--josn"]);
    expect(code).toBe(64);
    expect(stderr).toContain("unknown option --josn; did you mean --json?");
  });
});

describe("options", () => {
  test.each([
    [["serve", "--prot", "1"], "did you mean --port?"],
    [["serve", "here"], 'unexpected argument "here"'],
    [["serve", "--port"], "--port"],
    [["reload", "--jsno"], "did you mean --json?"],
    [["reload", "now"], 'unexpected argument "now"'],
    [["providers", "reset"], "it needs a provider's id"],
    [["providers", "reset", "a", "b"], 'unexpected argument "b"'],
    [["providers", "catalog", "--confg", "x"], "did you mean --config?"],
    [["providers", "test", "--model", "m"], "--model needs a provider's id"],
    [["route"], "it needs the words of a message"],
    [["route", "hi", "--toosl"], "did you mean --tools?"],
    [["route", "hi", "--model"], "--model"],
  ])("%j is refused", async (args, words) => {
    const { code, stdout, stderr } = await home.run(args);
    expect(code).toBe(64);
    expect(stdout).toBe("");
    expect(stderr).toContain(words);
    expect(stderr).toStartWith(`clawgate ${args[0] ?? ""}`);
  });

  test("behind -- nothing is an option", async () => {
    const { stderr } = await home.run(["reload", "--", "--help"]);
    expect(stderr).toContain('unexpected argument "--help"');
  });
});
