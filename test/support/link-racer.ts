// An agent that swaps a file or a folder for a link and back as fast as it can, until it is killed or its time is over.
// Not a test: others start it. It must never touch anything but the given path and the name next to it.

import { lstatSync, mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";

const [path = "", target = "", kind = "file", text = "", milliseconds = "10000"] = process.argv.slice(2);
const aside = `${path}.aside`;
const fresh = `${path}.racer`;
const until = Date.now() + Number(milliseconds);

/** The program under test changes the same names. */
function tried(step: () => void): void {
  try {
    step();
  } catch {
    // Lost this time.
  }
}

function swapFile(): void {
  tried(() => {
    symlinkSync(target, fresh);
    renameSync(fresh, path);
  });
  if (Math.random() < 0.1) Bun.sleepSync(1);
  tried(() => {
    writeFileSync(fresh, text);
    renameSync(fresh, path);
  });
}

function swapFolder(): void {
  tried(() => {
    if (!lstatSync(path).isSymbolicLink()) renameSync(path, aside);
    symlinkSync(target, path);
  });
  if (Math.random() < 0.1) Bun.sleepSync(1);
  tried(() => {
    unlinkSync(path);
    renameSync(aside, path);
  });
}

process.stdout.write("racing\n");
for (let turn = 0; Date.now() < until; turn++) {
  if (kind === "file") swapFile();
  else swapFolder();
  // The honest state must last long enough for a run to succeed sometimes.
  if (turn % 3 === 0) Bun.sleepSync(Math.random() * 30);
}
if (kind === "folder")
  tried(() => {
    mkdirSync(path, { recursive: true });
    rmSync(aside, { recursive: true, force: true });
  });
