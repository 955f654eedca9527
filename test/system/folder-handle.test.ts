// Folders held open and the files in them: what is followed, what is refused by name, and what a swap in between changes.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { ensurePrivateDirectory, replaceFile } from "../../src/system/files.ts";
import {
  statIn,
  listNamesIn,
  readFileIn,
  removeFileIn,
  removeTreeIn,
  replaceFileIn,
} from "../../src/system/folder-files.ts";
import {
  PathProblem,
  openFileFolder,
  type FolderHandle,
  openFolder,
} from "../../src/system/folder-handle.ts";

const isRoot = process.getuid?.() === 0;
let dir = "";
const opened: FolderHandle[] = [];
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), "clawgate-pinned-")));
});
afterEach(async () => {
  for (const folder of opened.splice(0)) await folder.close();
  rmSync(dir, { recursive: true, force: true });
});

const at = (path: string): string => join(dir, path);
function put(path: string, text: string): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), text, { mode: 0o600 });
}

async function held(path: string, below?: string, make?: number): Promise<FolderHandle> {
  const folder = await openFolder(path, { below, make });
  if (folder === null) throw new Error(`there is no ${path}`);
  opened.push(folder);
  return folder;
}

describe("the way to a folder", () => {
  test("a link below the root is refused by name, whoever made it; one above it is followed where it is ours", async () => {
    put("real/state/file", "x");
    symlinkSync("real", at("link"));
    expect((await held(at("link/state"), at("link"))).realPath).toBe(at("real/state"));
    expect((await held(at("link"))).realPath).toBe(at("real"));
    symlinkSync("state", at("real/inner"));
    symlinkSync("../../elsewhere", at("real/state/out"));
    for (const path of ["link/inner", "link/inner/deeper", "link/state/out"])
      await expect(openFolder(at(path), { below: at("link") })).rejects.toThrow(
        /(?:inner|out) is a link, and links are not followed here: replace it with a folder/,
      );
    await expect(openFolder(at("real/state/file/x"), { below: at("real") })).rejects.toThrow(
      "is not a folder",
    );
  });

  test("what is missing is null, or made with the mode that is said, never through a link", async () => {
    expect(await openFolder(at("a/b"))).toBeNull();
    const made = await held(at("a/b"), dir, 0o700);
    expect([made.realPath, statSync(at("a")).mode & 0o777]).toEqual([at("a/b"), 0o700]);
    symlinkSync(at("nowhere"), at("dangling"));
    await expect(openFolder(at("dangling/x"), { below: dir, make: 0o700 })).rejects.toThrow(PathProblem);
    expect(existsSync(at("nowhere"))).toBe(false);
  });

  test("dots that lead out, control characters, circles of links", async () => {
    put("mount/file", "x");
    await expect(openFolder(at("mount/../.."), { below: at("mount") })).rejects.toThrow("is not below");
    await expect(openFolder(`${at("mount")}x`, { below: at("mount") })).rejects.toThrow("is not below");
    for (const bad of ["a\nb", "a\0b", "a\u001bb"])
      await expect(openFolder(at(bad))).rejects.toThrow("control character");
    symlinkSync("two", at("one"));
    symlinkSync("one", at("two"));
    await expect(openFolder(at("one"))).rejects.toThrow("too many links");
    await expect(openFileFolder(at("one"))).rejects.toThrow("too many links");
  });

  test.skipIf(!isRoot)(
    "root follows no link out of a folder that somebody else owns, nor one that somebody else made",
    async () => {
      for (const folder of ["theirs/secret", "ours", "shared", "target"])
        mkdirSync(at(folder), { recursive: true });
      put("target/config.yaml", "kept");
      symlinkSync(at("target"), at("theirs/link"));
      symlinkSync(at("target/config.yaml"), at("theirs/config.yaml"));
      chownSync(at("theirs"), 1234, 1234);
      chmodSync(at("shared"), 0o1777);
      symlinkSync(at("target"), at("shared/link"));
      const planted = Bun.spawnSync(["chown", "-h", "1234", at("shared/link")]);
      expect(planted.exitCode).toBe(0);
      for (const path of ["theirs/link", "theirs/link/deeper", "shared/link"])
        await expect(openFolder(at(path))).rejects.toThrow("belongs to user 1234");
      await expect(replaceFile(at("theirs/config.yaml"), "x", { keepOld: true })).rejects.toThrow(
        "is a link, and links are not followed here",
      );
      expect(readFileSync(at("target/config.yaml"), "utf8")).toBe("kept");
      expect(readdirSync(at("target"))).toEqual(["config.yaml"]);
    },
  );

  test.skipIf(!isRoot)("what root makes in somebody's folder is that somebody's", async () => {
    mkdirSync(at("theirs"));
    chownSync(at("theirs"), 1234, 1235);
    const folder = await held(at("theirs/a/b"), at("theirs"), 0o755);
    await replaceFileIn(folder, "new", "x", { newOwner: "folder" });
    for (const path of ["theirs/a", "theirs/a/b", "theirs/a/b/new"])
      expect([lstatSync(at(path)).uid, lstatSync(at(path)).gid]).toEqual([1234, 1235]);
  });

  test.skipIf(!isRoot)(
    "root's own private folder below somebody else's: ours, and never beyond a link of theirs",
    async () => {
      mkdirSync(at("theirs"));
      mkdirSync(at("victim"));
      chownSync(at("theirs"), 1234, 1235);
      await ensurePrivateDirectory(at("theirs/share/state"));
      expect([lstatSync(at("theirs/share")).uid, lstatSync(at("theirs/share/state")).uid]).toEqual([1234, 0]);
      symlinkSync(at("victim"), at("theirs/link"));
      for (const path of ["theirs/link", "theirs/link/share/state"])
        await expect(ensurePrivateDirectory(at(path))).rejects.toThrow("link");
      expect(readdirSync(at("victim"))).toEqual([]);
    },
  );

  test("a folder that is swapped for a link after it was opened: reading and writing stay where it is", async () => {
    put("mount/state/file", "inside");
    put("victim/file", "untouched");
    const folder = await held(at("mount/state"), at("mount"));
    renameSync(at("mount/state"), at("mount/moved"));
    symlinkSync(at("victim"), at("mount/state"));
    if (process.platform === "linux") {
      expect((await readFileIn(folder, "file", 100))?.bytes.toString()).toBe("inside");
      await replaceFileIn(folder, "file", "written");
      expect(readFileSync(at("mount/moved/file"), "utf8")).toBe("written");
    } else await expect(replaceFileIn(folder, "file", "written")).rejects.toThrow(PathProblem);
    expect(readdirSync(at("victim"))).toEqual(["file"]);
    expect(readFileSync(at("victim/file"), "utf8")).toBe("untouched");
  });

  test("any tree of folders and links: nothing below the root leads out of it", async () => {
    const name = fc.constantFrom("a", "b", "c");
    const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
    const target = fc.oneof(
      path,
      path.map((each) => `../${each}`),
      fc.constantFrom("..", "/", "/etc", "../victim"),
    );
    const step = fc.record({ path, target: fc.option(target, { nil: null }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), path, async (steps, asked) => {
        rmSync(at("root"), { recursive: true, force: true });
        mkdirSync(at("root"));
        for (const each of steps) {
          const whole = at(`root/${each.path}`);
          try {
            if (each.target === null) mkdirSync(whole, { recursive: true });
            else symlinkSync(each.target, whole);
          } catch {
            // Something is in its place, or its folder is not there.
          }
        }
        const folder = await openFolder(at(`root/${asked}`), { below: at("root") }).catch(
          (error: unknown) => {
            expect(error).toBeInstanceOf(PathProblem);
            return null;
          },
        );
        if (folder === null) return;
        expect(folder.realPath).toBe(at(`root/${asked}`));
        expect(realpathSync(folder.realPath)).toBe(folder.realPath);
        await folder.close();
      }),
      { numRuns: 150 },
    );
  });
});

describe("a file in it", () => {
  test("a link, a FIFO, a socket, a folder, a device, a large and a sparse one: refused by name and at once", async () => {
    put("secret", "root:x");
    mkdirSync(at("in/folder"), { recursive: true });
    symlinkSync("../secret", at("in/link"));
    symlinkSync("/dev/zero", at("in/zero"));
    symlinkSync("nowhere", at("in/dangling"));
    expect(Bun.spawnSync(["mkfifo", at("in/fifo")]).exitCode).toBe(0);
    const socket = Bun.listen({ unix: at("in/socket"), socket: { data: () => undefined } });
    put("in/large", "x".repeat(101));
    put("in/sparse", "");
    truncateSync(at("in/sparse"), 2 ** 40);
    const folder = await held(at("in"));
    for (const name of ["link", "zero", "dangling"]) {
      await expect(readFileIn(folder, name, 100)).rejects.toThrow(`${at(`in/${name}`)} is a link`);
      await expect(replaceFileIn(folder, name, "x")).rejects.toThrow(`${at(`in/${name}`)} is a link`);
    }
    for (const name of ["fifo", "socket", "folder"]) {
      await expect(readFileIn(folder, name, 100)).rejects.toThrow(
        `${at(`in/${name}`)} is not a regular file`,
      );
      await expect(replaceFileIn(folder, name, "x")).rejects.toThrow("is not a regular file");
    }
    for (const name of ["large", "sparse"])
      await expect(readFileIn(folder, name, 100)).rejects.toThrow("is larger than 100 bytes");
    socket.stop(true);
    expect(readFileSync(at("secret"), "utf8")).toBe("root:x");
    expect(readdirSync(at("in")).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("a second name: never written through; another user's is not even read", async () => {
    put("original", "kept");
    mkdirSync(at("in"));
    linkSync(at("original"), at("in/file"));
    const folder = await held(at("in"));
    await replaceFileIn(folder, "file", "new");
    expect(readFileSync(at("original"), "utf8")).toBe("kept");
    if (!isRoot) return;
    put("theirs", "kept");
    chownSync(at("theirs"), 1234, 1234);
    linkSync(at("theirs"), at("in/stolen"));
    for (const work of [() => readFileIn(folder, "stolen", 100), () => replaceFileIn(folder, "stolen", "x")])
      await expect(work()).rejects.toThrow("is a hard link owned by user 1234");
  });

  test("replaced: owner and mode stay, what runs as its owner does not, the old one is kept the same way", async () => {
    put("in/file", "old");
    if (isRoot) chownSync(at("in/file"), 1234, 1235);
    chmodSync(at("in/file"), 0o4750);
    const folder = await held(at("in"));
    await replaceFileIn(folder, "file", "new", { keepOld: true });
    for (const [name, text] of [
      ["file", "new"],
      ["file.bak", "old"],
    ] as const) {
      const { uid, gid, mode } = statSync(at(`in/${name}`));
      expect(readFileSync(at(`in/${name}`), "utf8")).toBe(text);
      expect(mode & 0o7777).toBe(0o750);
      if (isRoot) expect([uid, gid]).toEqual([1234, 1235]);
    }
    expect(readdirSync(at("in")).toSorted()).toEqual(["file", "file.bak"]);
  });

  test("removed: the link and not what it leads to, in trees as well; too deep is said", async () => {
    put("victim/file", "kept");
    put("in/tree/a/b/file", "x");
    symlinkSync("../../victim", at("in/tree/out"));
    symlinkSync("../victim/file", at("in/link"));
    const folder = await held(at("in"));
    await removeFileIn(folder, "link");
    await removeFileIn(folder, "link");
    await removeTreeIn(folder, "tree");
    expect(readdirSync(at("in"))).toEqual([]);
    expect(readFileSync(at("victim/file"), "utf8")).toBe("kept");
    mkdirSync(at(`in/deep/${"d/".repeat(100)}`), { recursive: true });
    await expect(removeTreeIn(folder, "deep")).rejects.toThrow("nested too deeply");
  });

  test("more entries than may be held are refused before they are read", async () => {
    mkdirSync(at("in"));
    for (let count = 0; count < 50; count++) put(`in/${count}`, "");
    const folder = await held(at("in"));
    expect(await listNamesIn(folder, 50)).toHaveLength(50);
    await expect(listNamesIn(folder, 49)).rejects.toThrow(`${at("in")} holds more than 49 entries`);
    expect(await statIn(folder, "nobody")).toBeNull();
  });
});
