// Who owns the file of the program decides who may replace it.

import { expect, test } from "bun:test";
import { installationOf, type InstallationFacts } from "../../src/updates/installation.ts";

function kindOf(program: string, more: Partial<InstallationFacts> & { files?: readonly string[] } = {}) {
  const { files = [], ...facts } = more;
  const { kind, updatedBy } = installationOf({
    program,
    isCompiled: true,
    platform: "linux",
    environment: {},
    exists: (path) => files.includes(path),
    ...facts,
  });
  return { kind, updatedBy };
}

test.each([
  ["/home/u/.local/bin/clawgate", "binary"],
  ["/usr/local/bin/clawgate", "binary"],
  ["/opt/clawgate/clawgate", "binary"],
  ["/opt/homebrew/Cellar/clawgate/1.0.0/bin/clawgate", "homebrew"],
  ["/usr/local/Cellar/clawgate/1.0.0/bin/clawgate", "homebrew"],
  ["/home/linuxbrew/.linuxbrew/Cellar/clawgate/1.0.0/bin/clawgate", "homebrew"],
  ["/usr/lib/node_modules/clawgate/node_modules/@clawgate/linux-x64/bin/clawgate", "npm"],
  ["/home/u/.npm/_npx/123/node_modules/@clawgate/linux-x64/clawgate", "npm"],
  ["/usr/bin/clawgate", "package"],
  ["/nix/store/abc-clawgate/bin/clawgate", "package"],
  ["/snap/clawgate/1/bin/clawgate", "package"],
] as const)("%s is of kind %s", (program, kind) => {
  const found = kindOf(program);
  expect(found.kind).toBe(kind);
  expect(found.updatedBy === null).toBe(kind === "binary");
});

test("each installer's own command is named", () => {
  expect(kindOf("/opt/homebrew/Cellar/clawgate/1/bin/clawgate").updatedBy).toBe("brew upgrade clawgate");
  expect(kindOf("/usr/lib/node_modules/x/clawgate").updatedBy).toContain("npm install --global");
  expect(kindOf("/root/.npm/_npx/1/node_modules/x/clawgate").updatedBy).toBe("npx clawgate@latest");
});

test("a container is known by its mark, and may be told to count as a machine", () => {
  const program = "/home/u/.local/bin/clawgate";
  expect(kindOf(program, { environment: { CLAWGATE_CONTAINER: "1" } }).kind).toBe("container");
  expect(kindOf(program, { files: ["/.dockerenv"] }).kind).toBe("container");
  expect(kindOf(program, { files: ["/run/.containerenv"] }).kind).toBe("container");
  expect(kindOf(program, { files: ["/.dockerenv"], environment: { CLAWGATE_CONTAINER: "0" } }).kind).toBe(
    "binary",
  );
});

test("sources that run directly and a build beside them are a checkout", () => {
  expect(kindOf("/usr/bin/bun", { isCompiled: false }).kind).toBe("checkout");
  const files = ["/src/clawgate/src/main.ts", "/src/clawgate/package.json"];
  expect(kindOf("/src/clawgate/dist/clawgate", { files }).kind).toBe("checkout");
});

test("Windows cannot replace a running program", () => {
  expect(kindOf("C:\\tools\\clawgate.exe", { platform: "win32" }).kind).toBe("windows");
});
