import { expect, test } from "bun:test";
import { clawrouterRefusal } from "../../src/openclaw/clawrouter-refusal.ts";

const facts = {
  text: "{}",
  dotEnv: "",
  environment: {},
  version: "2026.9.6",
  url: "http://127.0.0.1:8090",
  key: "our-key-0123456789",
};
const entry = (provider: string): string => `{ models: { providers: { clawrouter: ${provider} } } }`;

test.each<[string, Partial<typeof facts> & { readonly environment?: Record<string, string> }, string | null]>(
  [
    ["nothing is there", {}, null],
    [
      "ours is there",
      { text: entry("{ baseUrl: 'http://old:1', apiKey: { id: 'CLAWGATE_API_KEY' } }") },
      null,
    ],
    ["our address by hand", { text: entry("{ baseUrl: 'http://127.0.0.1:8090/v1/' }") }, null],
    ["our key by hand", { dotEnv: "CLAWROUTER_API_KEY=our-key-0123456789\n" }, null],
    ["a real origin", { text: entry("{ baseUrl: 'https://router.example/v1' }") }, "https://router.example"],
    ["the vendor's own", { text: entry("{ apiKey: { id: 'CLAWROUTER_API_KEY' } }") }, "a real ClawRouter"],
    ["a real key in .env", { dotEnv: `A=1\nexport CLAWROUTER_API_KEY="theirs" # x\n` }, "CLAWROUTER_API_KEY"],
    [
      "a real key in env.vars",
      { text: "{ env: { vars: { CLAWROUTER_API_KEY: 'theirs' } } }" },
      "CLAWROUTER_API_KEY",
    ],
    [
      "a real key in the environment",
      { environment: { CLAWROUTER_API_KEY: "theirs" } },
      "CLAWROUTER_API_KEY",
    ],
    ["an old OpenClaw", { version: "2026.6.2" }, "2026.6.2 has no plugin clawrouter"],
    [
      "the plugin off",
      { text: "{ plugins: { entries: { clawrouter: { enabled: false } } } }" },
      "switches the plugin",
    ],
    ["the plugin denied", { text: "{ plugins: { deny: ['clawrouter'] } }" }, "switches the plugin"],
  ],
)("%s", (_what, more, words) => {
  const said = clawrouterRefusal({ ...facts, ...more });
  if (words === null) expect(said).toBeNull();
  else expect(said).toContain(words);
  expect(said ?? "").not.toContain("theirs");
});
