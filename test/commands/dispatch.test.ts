import { afterAll, describe, expect, test } from "bun:test";
import { commands } from "../../src/commands/command-table.ts";
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
    [["route"], "it needs the text of a message"],
    [["route", "hi", "--toosl"], "did you mean --tools?"],
    [["route", "hi", "--model"], "--model"],
  ])("%j is refused", async (args, words) => {
    const { code, stdout, stderr } = await home.run(args);
    expect(code).toBe(64);
    expect(stdout).toBe("");
    expect(stderr).toContain(words);
    expect(stderr).toStartWith(`clawgate ${args[0] ?? ""}`);
  });

  const port = "--port must be a whole number from 0 to 65535";
  const host = "--host must be an address or a host name";
  test.each([
    [["serve", "--port", "abc"], `${port}, not "abc"`],
    [["--port", "abc"], port],
    [["serve", "--port", "0x50"], port],
    [["serve", "--port", "70000"], port],
    [["serve", "--port=-1"], port],
    [["serve", "--port", "-1"], "--port needs a value: a whole number from 0 to 65535"],
    [["serve", "--port", ""], port],
    [["serve", "--port", " 80"], port],
    [["serve", "--port", "80.5"], port],
    [["serve", "--port", "1e3"], port],
    [["serve", "--port", "99999999999999999999"], port],
    [["serve", "--port", "٣"], port],
    [["serve", "--port", "8\u001b[31m0"], 'not "8\\u001b[31m0"'],
    [["serve", "--port"], "--port needs a value"],
    [["serve", "--demo=yes"], "--demo takes no value"],
    [["serve", "--host", ""], host],
    [["serve", "--host", "http://0.0.0.0"], host],
    [["serve", "--host", "127.0.0.1:80"], host],
    [["serve", "--host", "1.2.3"], host],
    [["serve", "--host", "300.1.1.1"], host],
    [["setup", "--host", "a b"], host],
    [["serve", "--config", ""], "--config must be a non-empty text"],
    [["setup", "--api", "soap"], "--api must be one of openai-completions"],
    [["doctor", "--config", " "], "--config must be"],
    [["reload", "--config="], "--config must be"],
    [["providers", "--config", ""], "--config must be"],
    [["route", "hi", "--model", "a\nb"], "--model must be the name of a model"],
    [["route", "hi", "--door", ""], "--door must be"],
    [["route", "hi", "--tenant", ""], "--tenant must be"],
    [["providers", "test", "a", "--model", ""], "--model must be"],
    [["manage", "add", "bob", "--docker", "a b"], "--docker must be the name of a container"],
    [["manage", "add", "bob", "--working-dir", ""], "--working-dir must be"],
    [["manage", "skills", "pull", "bob", "--container", "-x;y"], "--container"],
    [["login", "bob", "--provider", ""], "--provider must be"],
  ])("%j is no value", async (args, words) => {
    const { code, stdout, stderr } = await home.run(args);
    expect([code, stdout]).toEqual([64, ""]);
    expect(stderr).toContain(words);
    expect(stderr).toContain(" --help shows the options.");
  });

  test("a key that is refused is not printed", async () => {
    const { code, stderr } = await home.run(["manage", "add", "bob", "--key", "hunter-two"]);
    expect(code).toBe(64);
    expect(stderr).not.toContain("hunter");
  });

  test("every option with a value, in every command, refuses an empty one", async () => {
    const paths = commands.flatMap(({ name, verbs, help }) => [
      { path: [name], help },
      ...(verbs ?? []).map((verb) => ({ path: [name, verb.name], help: verb.help })),
    ]);
    let count = 0;
    for (const { path, help } of paths)
      for (const [, option = ""] of help.matchAll(/^  (--[\w-]+) [A-Z]/gm)) {
        const { code, stderr } = await home.run([...path, `${option}=`]);
        expect([...path, option, code]).toEqual([...path, option, 64]);
        expect(stderr).toContain(`${option} must be`);
        count += 1;
      }
    expect(count).toBeGreaterThan(20);
  });

  test("behind -- nothing is an option", async () => {
    const { stderr } = await home.run(["reload", "--", "--help"]);
    expect(stderr).toContain('unexpected argument "--help"');
  });
});
