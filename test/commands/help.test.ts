import { afterAll, describe, expect, test } from "bun:test";
import { topics } from "../../src/manual/topics.ts";
import { ownHome } from "./command-run.ts";

const home = ownHome();
afterAll(home.remove);

describe("clawgate help", () => {
  test("lists the commands and every page", async () => {
    const { code, stdout } = await home.run(["help"]);
    expect(code).toBe(0);
    expect(stdout).toContain("  serve ");
    for (const { name, summary } of topics)
      expect(stdout).toMatch(new RegExp(`^  ${name}(?:\\.md)? +${summary}$`, "m"));
  });

  test("--help lists the commands and says where the pages are", async () => {
    const { stdout } = await home.run(["--help"]);
    expect(stdout).toContain("clawgate help lists the pages of the manual.");
    expect(stdout).not.toContain("moving-over");
  });

  test("without a terminal a page is its markdown", async () => {
    const { code, stdout, stderr } = await home.run(["help", "routing"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toStartWith("# Routing\n");
    expect(stdout).toContain("\n## Rules\n");
    expect((await home.run(["help", "configuration"])).stdout).not.toContain("<!--");
  });

  test("on a terminal it is laid out for it, without colour where that is said", async () => {
    const coloured = (await home.run(["help", "routing"], { columns: 80 })).stdout;
    expect(coloured).toContain("\u001b[");
    expect(coloured).not.toContain("## Rules");
    const plain = (await home.run(["help", "routing"], { columns: 80, environment: { NO_COLOR: "1" } }))
      .stdout;
    expect(plain).not.toContain("\u001b");
    expect(plain).toContain("Routing\n═══════\n");
    expect(plain).toContain("Named on this page:\n  clawgate help models\n");
    expect((await home.run(["help", "start"], { columns: 80 })).stdout).toContain(
      "clawgate help providers.md\n",
    );
  });

  test("every page can be asked for as the list says it", async () => {
    const { topics: listed } = JSON.parse((await home.run(["help", "--json"])).stdout) as {
      topics: { name: string; title: string }[];
    };
    expect(listed).toHaveLength(topics.length);
    for (const { name, title } of listed)
      expect((await home.run(["help", name])).stdout).toStartWith(`# ${title}\n`);
  });

  test("a command comes before a page of its name, and both are there as JSON", async () => {
    expect((await home.run(["help", "providers"])).stdout).toStartWith("Usage: clawgate providers");
    expect((await home.run(["help", "providers.md"])).stdout).toStartWith("# Providers\n");
    expect(JSON.parse((await home.run(["help", "manage", "add", "--json"])).stdout)).toMatchObject({
      name: "manage add",
      help: expect.stringContaining("Usage: clawgate manage add"),
    });
    expect(JSON.parse((await home.run(["help", "terms", "--json"])).stdout)).toMatchObject({
      name: "terms",
      text: expect.stringContaining("# Terms of use"),
    });
  });

  test.each([
    [["help", "rotuing"], 'there is no command and no page "rotuing". Did you mean "routing"'],
    [["help", "config"], 'Did you mean "configuration"'],
    [["help", "hedging"], 'clawgate help routing has a section "Hedging".\n'],
    [["help", "vendors"], 'clawgate help providers.md has a section "Vendors".\n'],
    [["help", "xyzzy"], 'no page "xyzzy".\n'],
    [["help", "routing", "rules"], 'unexpected argument "rules"'],
    [["help", "routing", "--jsno"], "did you mean --json?"],
    [["help", "manage", "ad"], 'Did you mean "manage add"?'],
  ])("%j is refused", async (args, words) => {
    const { code, stdout, stderr } = await home.run(args);
    expect([code, stdout]).toEqual([64, ""]);
    expect(stderr).toContain(words);
  });
});
