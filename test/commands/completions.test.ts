// The completions in the shells themselves, and that the help, from which they are made, agrees with what the commands take.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { commandTree } from "../../src/commands/completion/command-tree.ts";
import { sourceOf } from "../../src/commands/completion/option-list.ts";
import { commands } from "../../src/commands/command-table.ts";
import { ownHome } from "./command-run.ts";

const home = ownHome();
afterAll(home.remove);

const tree = commandTree(commands);
const named = tree.filter(({ path }) => path !== "");
const hostile = ["$(touch owned)", "`touch owned`", "a b", "x;touch owned", "\u001b[31mred", "'q'"];

const config = {
  providers: {
    groq: { base_url: "http://127.0.0.1:1", model: "llama3:8b", models: [{ id: "gpt-oss:20b" }, "qwen"] },
    lab: { base_url: "http://127.0.0.1:1", model: "m" },
  },
  aliases: { smart: "groq", "gpt-*": "groq" },
  tenants: ["alice", "alina", ...hostile].map((name) => ({ name, api_key: "0123456789abcdef" })),
};

const root = new URL("../..", import.meta.url).pathname;
const isThere = (shell: string): boolean => Bun.which(shell) !== null;

beforeAll(async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, stdout } = await home.run(["completions", shell]);
    expect(code).toBe(0);
    home.put(`script.${shell}`, stdout);
  }
  home.put("config.yaml", JSON.stringify(config));
  home.put("notes.yaml", "");
  home.put("a folder/inner.yaml", "");
  home.put("bin/clawgate", `#!/bin/sh\nexec "${process.execPath}" --no-env-file "${root}src/main.ts" "$@"\n`);
  chmodSync(home.at("bin/clawgate"), 0o700);
});

const environment = {
  HOME: home.dir,
  PATH: `${home.at("bin")}:/usr/local/bin:/usr/bin:/bin`,
  LANG: "C.UTF-8",
  TERM: "dumb",
  CLAWGATE_STATE_DIR: home.stateDir,
};

async function output(argv: readonly string[]): Promise<readonly string[]> {
  const child = Bun.spawn([...argv], { cwd: home.dir, env: environment, stderr: "pipe" });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  await child.exited;
  expect(stderr).toBe("");
  return stdout.split("\n").filter((line) => line !== "");
}

/** What bash offers for these words, the last of them unfinished; each is split as bash splits it. */
function inBash(words: readonly string[], breaks = " \t\n\"'><=;|&(:"): Promise<readonly string[]> {
  const split = words.flatMap((word) => (breaks.includes("=") ? word.split(/([=:]+)/) : [word]));
  const kept = split.filter((word, at) => word !== "" || at === split.length - 1);
  return output([
    "bash",
    "--norc",
    "--noprofile",
    "-c",
    `source script.bash; COMP_WORDBREAKS=$1; shift; complete -p clawgate > /dev/null
     COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _clawgate; printf '%s\\n' "\${COMPREPLY[@]}"`,
    "bash",
    breaks,
    ...kept,
  ]);
}

const subcommands = (path: string): readonly string[] =>
  (tree.find((each) => each.path === path)?.subcommands ?? []).map(({ name }) => name);

describe("bash", () => {
  test.each([
    [["clawgate", ""], subcommands("")],
    [["clawgate", "prov"], ["providers"]],
    [["clawgate", "manage", "skills", ""], subcommands("manage skills")],
    [
      ["clawgate", "manage", "skills", "pu"],
      ["pull", "push"],
    ],
    [["clawgate", "--config", "config.yaml", ""], []],
    [["clawgate", "manage", "--json", "sk"], []],
    [["clawgate", "--po"], ["--port"]],
    [
      ["clawgate", "stats", "--da"],
      ["--daily", "--days"],
    ],
    [
      ["clawgate", "export", "--format", ""],
      ["csv", "jsonl"],
    ],
    [["clawgate", "export", "--format=j"], ["jsonl"]],
    [["clawgate", "route", "hi", "--door", "m"], ["messages"]],
    [["clawgate", "stats", "--by", "pro"], ["provider"]],
    [["clawgate", "completions", "z"], ["zsh"]],
    [["clawgate", "--config", "no"], ["notes.yaml"]],
    [["clawgate", "--config", "a f"], ["a folder"]],
    [["clawgate", "status", "--state-dir", "a"], ["a folder"]],
    [
      ["clawgate", "login", "al"],
      ["alice", "alina"],
    ],
    [
      ["clawgate", "login", ""],
      ["alice", "alina"],
    ],
    [["clawgate", "providers", "test", "g"], ["groq"]],
    [["clawgate", "providers", "catalog", "anth"], ["anthropic"]],
    [["clawgate", "route", "hi", "--model", "sm"], ["smart"]],
    [["clawgate", "route", "hi", "--model", "groq/llama3:"], ["8b"]],
    [
      ["clawgate", "help", "claude"],
      ["claude-code", "claude-code-gateway"],
    ],
    [["clawgate", "manage", "add", "--key", ""], []],
    [["clawgate", "nonsense", "--x"], []],
  ])("%j", async (words, offered) => {
    expect((await inBash(words)).toSorted()).toEqual([...offered].toSorted());
  });

  test("without = and : among the word breaks the whole word is offered", async () => {
    expect(await inBash(["clawgate", "export", "--format=j"], " \t\n")).toEqual(["--format=jsonl"]);
    expect(await inBash(["clawgate", "route", "--model", "groq/l"], " \t\n")).toEqual(["groq/llama3:8b"]);
  });

  test("another config that the line names", async () => {
    home.put("other.yaml", JSON.stringify({ tenants: [{ name: "zoe", api_key: "0123456789abcdef" }] }));
    expect(await inBash(["clawgate", "login", "--config", "other.yaml", ""])).toEqual(["zoe"]);
  });
});

describe.skipIf(!isThere("fish"))("fish", () => {
  const inFish = async (line: string): Promise<readonly string[]> =>
    (
      await output(["fish", "--no-config", "-c", `source script.fish; complete -C ${JSON.stringify(line)}`])
    ).map((each) => each.split("\t")[0] ?? "");

  test.each([
    ["clawgate ", subcommands("")],
    ["clawgate prov", ["providers"]],
    ["clawgate manage skills pu", ["pull", "push"]],
    ["clawgate stats --da", ["--daily", "--days"]],
    ["clawgate export --format ", ["csv", "jsonl"]],
    ["clawgate stats --by pro", ["provider"]],
    ["clawgate --config no", ["notes.yaml"]],
    ["clawgate login ali", ["alice", "alina"]],
    ["clawgate --config config.yaml sta", []],
    ["clawgate manage --json sk", []],
    ["clawgate route hi --model smar", ["smart"]],
    ["clawgate completions z", ["zsh"]],
  ])("%j", async (line, offered) => {
    expect((await inFish(line)).toSorted()).toEqual([...offered].toSorted());
  });
});

describe.skipIf(!isThere("zsh"))("zsh", () => {
  /** The line after the tab key, as zsh would run it. */
  async function inZsh(lines: readonly string[]): Promise<readonly string[]> {
    let seen = "";
    const decoder = new TextDecoder();
    const child = Bun.spawn(["zsh", "-f", "-i"], {
      cwd: home.dir,
      env: environment,
      terminal: {
        cols: 300,
        rows: 50,
        data(_terminal, data) {
          seen += decoder.decode(data, { stream: true });
        },
      },
    });
    const until = async (text: string): Promise<void> => {
      const endMs = performance.now() + 20_000;
      while (!seen.includes(text)) {
        if (performance.now() > endMs) throw new Error(`zsh never printed ${text}: ${seen}`);
        await Bun.sleep(10);
      }
    };
    try {
      child.terminal?.write(
        "bindkey -e; autoload -U compinit && compinit -u -D; source script.zsh; print rea''dy\r",
      );
      await until("ready");
      for (const [at, line] of lines.entries()) {
        // Instead of running the line, it is printed.
        child.terminal?.write(`${line}\t\u0001print -r -- 'line${at}=\u0005'; print e''nd${at}\r`);
        await until(`end${at}`);
      }
    } finally {
      child.kill("SIGKILL");
      await child.exited;
    }
    return lines.map((_, at) => new RegExp(`^line${at}=(.*?)\\s*$`, "m").exec(seen)?.[1] ?? "");
  }

  test("a unique word is written out", async () => {
    const typed = [
      ["clawgate prov", "clawgate providers"],
      ["clawgate manage skills pul", "clawgate manage skills pull"],
      ["clawgate stats --dail", "clawgate stats --daily"],
      ["clawgate --json-log statu", "clawgate --json-log statu"],
      ["clawgate export --format j", "clawgate export --format jsonl"],
      ["clawgate stats --by pro", "clawgate stats --by provider"],
      ["clawgate serve --config no", "clawgate serve --config notes.yaml"],
      ["clawgate login alic", "clawgate login alice"],
      ["clawgate route hi --model smar", "clawgate route hi --model smart"],
      ["clawgate completions fi", "clawgate completions fish"],
      ["clawgate providers catalog anth", "clawgate providers catalog anthropic"],
    ] as const;
    expect(await inZsh(typed.map(([line]) => line))).toEqual(typed.map(([, whole]) => whole));
  }, 60_000);
});

test("no hostile name is ever offered, and none was run", async () => {
  const { stdout } = await home.run(["__complete", "tenant"]);
  expect(stdout).toBe("alice\nalina\n");
  expect(await Bun.file(home.at("owned")).exists()).toBe(false);
});

test.each([
  ["an unreadable config", "providers: [", ""],
  ["a config of another shape", "tenants: 3\nproviders: [a]\naliases: x\n", "auto\n"],
])("%s offers what there is, silently", async (_what, text, models) => {
  home.put("broken.yaml", text);
  const asked = await home.run(["__complete", "model", "login", "--config", "broken.yaml"]);
  expect(asked).toMatchObject({ code: 0, stderr: "" });
  expect(asked.stdout.startsWith(models)).toBe(true);
});

test.each([[[]], [["tcsh"]], [["bash", "zsh"]], [["bash", "--json"]]])(
  "completions %j is refused",
  async (words) => {
    const { code, stdout, stderr } = await home.run(["completions", ...words]);
    expect({ code, stdout }).toEqual({ code: 64, stdout: "" });
    expect(stderr).toContain("clawgate completions");
  },
);

describe("what the help lists is what a command takes", () => {
  const own = named.filter(({ subcommands: under }) => under.length === 0);
  const unknown = "--no-such-option";

  test.each(own.map((each) => [each.path, each] as const))("%s", async (path, { options }) => {
    for (const { name, short, value } of options.filter((each) => each.name !== "help")) {
      for (const option of [`--${name}`, ...(short === null ? [] : [`-${short}`])]) {
        // Read until the unknown one: an option that is not taken would be named in its place.
        const given = value === null ? [option] : [option, "1"];
        const { code, stderr } = await home.run([...path.split(" "), ...given, unknown]);
        expect(`${code} ${stderr}`).toContain(`64 clawgate ${path}: unknown option ${unknown}`);
        if (!option.startsWith("--")) continue;
        const other = await home.run([...path.split(" "), ...(value === null ? [`${option}=1`] : [option])]);
        expect(`${other.code} ${other.stderr}`).toContain(
          `64 clawgate ${path}: --${name} ${value === null ? "takes no value" : "needs a value"}`,
        );
      }
    }
  });

  test("each option that names its values lists them all", () => {
    const listed = tree.flatMap(({ path, options }) =>
      options.flatMap((option) => {
        const source = sourceOf(option);
        return source.kind === "words" ? [`${path} --${option.name}: ${source.words.join(" ")}`] : [];
      }),
    );
    expect(listed).toContain("export --format: csv jsonl");
    expect(listed).toContain("route --door: chat messages responses gemini");
    expect(listed).toContain("setup --api: openai-completions anthropic-messages openai-responses");
    expect(listed).toContain("stats --by: tenant client session agent provider model rule status class");
  });
});
