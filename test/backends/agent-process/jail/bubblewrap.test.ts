import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findJail, bubblewrapArguments } from "../../../../src/backends/agent-process/jail/bubblewrap.ts";

test("the argument list: nothing but what is named, outer folders first, what must not be written laid over what may", () => {
  const place = "/home/me/.state/tenants/a";
  const words = bubblewrapArguments(
    {
      program: "/usr/bin/bwrap",
      flags: ["--disable-userns"],
      owner: "a",
      readable: ["/home/me/bin/claude"],
      writable: [`${place}/work`, `${place}/config`],
      empty: ["/home/me"],
      fixedFolders: [`${place}/config/commands`],
      fixedFiles: [`${place}/config/settings.json`],
      hidden: ["/usr/local/etc/clawgate"],
      allowedAddresses: [],
    },
    {
      mounts: ["--ro-bind", "/run/x/hosts", "/etc/hosts"],
      fixed: [
        [`${place}/config/settings.json`, ["--ro-bind", "/run/x/nothing", `${place}/config/settings.json`]],
      ],
      closed: [`${place}/work/docker.sock`],
      emptyFile: "/run/x/nothing",
      entry: ["/run/clawgate/relay", "inside-jail", "3128=/run/clawgate/3128", "--"],
      env: { HTTPS_PROXY: "http://127.0.0.1:3128" },
    },
    `${place}/work`,
    ["/home/me/bin/claude", "-p", "--x"],
  );
  const text = words.join(" ");
  for (const word of [
    "--die-with-parent",
    "--unshare-all",
    "--new-session",
    "--cap-drop ALL",
    "--remount-ro /",
  ])
    expect(text).toContain(word);
  const order = [
    "--tmpfs /home/me",
    "--ro-bind-try /home/me/bin/claude /home/me/bin/claude",
    `--bind-try ${place}/work ${place}/work`,
    `--ro-bind /run/x/nothing ${place}/work/docker.sock`,
    "--remount-ro /usr/local/etc/clawgate",
    "--setenv HTTPS_PROXY http://127.0.0.1:3128",
    `--chdir ${place}/work -- /run/clawgate/relay inside-jail 3128=/run/clawgate/3128 -- /home/me/bin/claude -p --x`,
  ].map((each) => text.indexOf(each));
  expect(order).not.toContain(-1);
  expect(order).toEqual(order.toSorted((left, right) => left - right));
  expect(text.indexOf(`${place}/config/settings.json`)).toBeGreaterThan(
    text.indexOf(`--bind-try ${place}/config`),
  );
  for (const whole of ["/", "/etc", "/home", "/root", "/run", "/var", "/home/me"])
    expect(text).not.toMatch(new RegExp(`bind(?:-try)? ${whole} `));
});

const nowhere = { programName: "test program", path: "/no/such/folder", platform: "linux" };

test("off: it is not even searched for", async () => {
  expect(await findJail({ ...nowhere, mode: "off" })).toEqual({ program: null, flags: [], warning: null });
});

test("auto without bubblewrap: a warning that says so", async () => {
  const { program, warning } = await findJail({ ...nowhere, mode: "auto" });
  expect(program).toBeNull();
  expect(warning).toContain("bwrap");
  expect((await findJail({ ...nowhere, mode: "auto", platform: "darwin" })).warning).toContain("Linux");
});

test("required without bubblewrap: an error that says what to do", async () => {
  await expect(findJail({ ...nowhere, mode: "required" })).rejects.toThrow(/cli\.jail.*Install bubblewrap/);
  await expect(findJail({ ...nowhere, mode: "required", platform: "darwin" })).rejects.toThrow("Linux");
});

test("found but not permitted counts as missing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "clawgate-jail-"));
  try {
    const program = join(folder, "bwrap");
    writeFileSync(program, "#!/bin/sh\nexit 1\n", { mode: 0o755 });
    const search = { programName: "test program", path: folder, platform: "linux" };
    expect((await findJail({ ...search, mode: "auto" })).warning).toContain("not allowed to create a jail");
    await expect(findJail({ ...search, mode: "required" })).rejects.toThrow("not allowed to create a jail");
    expect(await findJail({ ...search, mode: "required", trouble: async () => null })).toEqual({
      program,
      flags: ["--unshare-user", "--disable-userns"],
      warning: null,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
