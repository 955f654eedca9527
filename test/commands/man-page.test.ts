// The man page: complete, and read without complaint by the programs that show one.

import { afterAll, expect, test } from "bun:test";
import { commandTree } from "../../src/commands/completion/command-tree.ts";
import { commands } from "../../src/commands/command-table.ts";
import { ownHome } from "./command-run.ts";

const home = ownHome();
afterAll(home.remove);

const page = async (): Promise<string> => (await home.run(["help", "--man"])).stdout;

async function through(argv: readonly string[], input: string): Promise<{ out: string; complaints: string }> {
  const child = Bun.spawn([...argv], { stdin: Buffer.from(input), stdout: "pipe", stderr: "pipe" });
  const [out, complaints] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  await child.exited;
  return { out, complaints };
}

test("every command and every option is in it", async () => {
  const text = (await page()).replaceAll("\\-", "-");
  for (const { path, options } of commandTree(commands).filter((each) => each.path !== "")) {
    expect(text).toContain(`.SS "clawgate ${path}"\n`);
    for (const { name } of options) expect(text).toContain(`\\fB--${name}\\fR`);
  }
});

test.skipIf(Bun.which("mandoc") === null)("mandoc finds nothing wrong with it", async () => {
  // The sources have no commit, so no date either.
  const dated = (await page()).replace('.TH CLAWGATE 1 ""', '.TH CLAWGATE 1 "2026-11-30"');
  const { out, complaints } = await through(["mandoc", "-Tlint", "-W", "warning"], dated);
  expect(out + complaints).toBe("");
});

test.skipIf(Bun.which("groff") === null)("groff shows it as it was written", async () => {
  const { out, complaints } = await through(["groff", "-man", "-ww", "-Tascii", "-P-cbou"], await page());
  expect(complaints).toBe("");
  const shown = out.replaceAll(/\s+/g, " ");
  expect(shown).toContain("source <(clawgate completions bash) in ~/.bashrc");
  expect(shown).toContain("`skills.sync: manual` means the same");
  expect(shown).toContain("the instance's container, if it is not found by the tenant's name");
});

test("it is the page of all commands, and takes nothing else", async () => {
  for (const args of [
    ["--man", "serve"],
    ["--man", "--json"],
  ])
    expect((await home.run(["help", ...args])).code).toBe(64);
});
