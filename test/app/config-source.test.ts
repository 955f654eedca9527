// Where a reload reads from: the file of the start and nothing else, discovery where there was none, and the `.env` beside them.

import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type ConfigSource,
  createConfigSource,
  type ConfigSourceInput,
} from "../../src/app/config-source.ts";
import { ConfigProblem } from "../../src/config/problems.ts";
import { systemClock } from "../../src/system/clock.ts";
import { Scarcity } from "../../src/system/descriptors.ts";
import { errorCode } from "../../src/system/files.ts";
import { cleanupsAfterEach } from "../support/cleanups.ts";

const cleanups = cleanupsAfterEach();

type Place = { readonly home: string; readonly work: string; readonly source: ConfigSource };

function place(prepare: (work: string, home: string) => Partial<ConfigSourceInput> | void): Place {
  const home = cleanups.folder("clawgate-source-");
  const work = join(home, "work");
  mkdirSync(work);
  const more = prepare(work, home) ?? {};
  const source = createConfigSource(
    {
      argvConfigPath: undefined,
      environment: { PATH: work, HOME: home },
      workingDirectory: work,
      homeDirectory: home,
      readFile(path) {
        try {
          return readFileSync(path, "utf8");
        } catch (thrown) {
          if (errorCode(thrown) === "ENOENT") return null;
          throw thrown;
        }
      },
      isDemo: false,
      ...more,
    },
    systemClock,
  );
  return { home, work, source };
}

const demo = "providers:\n  demo:\n    backend: demo\n";
const keyed = "providers:\n  one:\n    base_url: http://127.0.0.1:9\n    api_key: ${ONE_KEY}\n    model: m\n";

async function problemOf(source: ConfigSource): Promise<string> {
  try {
    await source.load();
  } catch (thrown) {
    if (thrown instanceof ConfigProblem) return thrown.message;
    throw thrown;
  }
  throw new Error("The config was loaded.");
}

test("a file that is gone or empty is a problem, and no reason to look elsewhere", async () => {
  const { work, home, source } = place((folder, above) => {
    writeFileSync(join(folder, "config.yaml"), demo);
    mkdirSync(join(above, ".config", "clawgate"), { recursive: true });
    writeFileSync(join(above, ".config", "clawgate", "config.yaml"), keyed);
  });
  const path = join(work, "config.yaml");
  expect((await source.load()).path).toBe(path);
  renameSync(path, join(home, "aside"));
  expect(await problemOf(source)).toContain(`${path}: the config file is gone`);
  writeFileSync(path, " \n");
  expect(await problemOf(source)).toContain(`${path}: the config file is empty`);
  renameSync(join(home, "aside"), path);
  expect((await source.load()).config.providers).toHaveProperty("demo");
});

test("started without a file: a reload discovers again; a file that lies there by then is taken, and kept", async () => {
  const { work, source } = place(() => ({ environment: { PATH: "/nonexistent", OPENAI_API_KEY: "" } }));
  const first = await source.load();
  expect([first.path, first.found.length > 0]).toEqual([null, true]);
  writeFileSync(join(work, ".env"), "GROQ_API_KEY=gsk_found_in_the_file\n");
  expect((await source.load()).config.providers).toHaveProperty("groq");
  writeFileSync(join(work, "config.yaml"), demo);
  expect(await source.load()).toMatchObject({ path: join(work, "config.yaml"), found: [] });
  rmSync(join(work, "config.yaml"));
  expect(await problemOf(source)).toContain("the config file is gone");
});

test("--demo stays the demonstration, whatever lies there", async () => {
  const { work, source } = place(() => ({ isDemo: true }));
  writeFileSync(join(work, "config.yaml"), keyed);
  expect(Object.keys((await source.load()).config.providers)).toEqual(["demo"]);
});

test("flags and variables lie over the file again", async () => {
  const { work, source } = place((folder) => {
    writeFileSync(join(folder, "config.yaml"), `${demo}server:\n  port: 1\n`);
    return { flags: { port: 0 }, environment: { LOG_LEVEL: "error" } };
  });
  await source.load();
  writeFileSync(join(work, "config.yaml"), `${demo}server:\n  port: 2\n  log_level: debug\n`);
  expect((await source.load()).config.server).toMatchObject({ port: 0, log_level: "error" });
});

test("the watch tells of the file, and of a .env that was not there at the start", async () => {
  const { work, source } = place((folder) => writeFileSync(join(folder, "config.yaml"), keyed));
  const first = await source.load();
  expect(first.skippedProviders).toEqual([{ id: "one", reason: expect.stringContaining("ONE_KEY") }]);
  let told = Promise.withResolvers<readonly string[]>();
  cleanups.push(source.watch((paths) => told.resolve(paths)));
  writeFileSync(join(work, ".env"), "ONE_KEY=key-of-the-provider\n");
  expect(await told.promise).toEqual([join(work, ".env")]);
  expect((await source.load()).config.providers["one"]?.api_key).toBe("key-of-the-provider");
  told = Promise.withResolvers();
  writeFileSync(join(work, "config.yaml"), demo);
  expect(await told.promise).toEqual([join(work, "config.yaml")]);
  expect((await source.load()).config.providers).toHaveProperty("demo");
});

test("a broken file does not make the watch forget its .env", async () => {
  const { work, source } = place((folder) => {
    writeFileSync(join(folder, "config.yaml"), keyed);
    writeFileSync(join(folder, ".env"), "ONE_KEY=key-of-the-provider\n");
  });
  await source.load();
  writeFileSync(join(work, "config.yaml"), "providers: [half");
  expect(await problemOf(source)).toContain("config.yaml:1");
  const told = Promise.withResolvers<readonly string[]>();
  cleanups.push(source.watch((paths) => told.resolve(paths)));
  writeFileSync(join(work, ".env"), "ONE_KEY=another-key\n");
  expect(await told.promise).toEqual([join(work, ".env")]);
});

test.each(["config.yaml", ".env"])(
  "a %s that cannot be opened for want of descriptors is not taken for one that is gone",
  async (name) => {
    let isShort = false;
    const { source } = place((folder) => {
      writeFileSync(join(folder, "config.yaml"), keyed);
      writeFileSync(join(folder, ".env"), "ONE_KEY=from-the-file\n");
      return {
        readFile(path) {
          if (isShort && path.endsWith(name))
            throw Object.assign(new Error("too many open files"), { code: "EMFILE" });
          try {
            return readFileSync(path, "utf8");
          } catch (thrown) {
            if (errorCode(thrown) === "ENOENT") return null;
            throw thrown;
          }
        },
      };
    });
    expect(Object.keys((await source.load()).config.providers)).toEqual(["one"]);
    isShort = true;
    const failed = source.load();
    expect(failed).rejects.toBeInstanceOf(Scarcity);
    await failed.catch(() => undefined);
    isShort = false;
    expect((await source.load()).environment["ONE_KEY"]).toBe("from-the-file");
  },
);
