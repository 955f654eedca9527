// Finds the files of one of the operator's programs outside the system's folders, to show them in a jail. It must never name a
// whole home folder: only the program, its package and its interpreter.

import { closeSync, openSync, readSync, realpathSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { findOnPath } from "../../../system/process.ts";

/** Paths to show read-only: the program's own path and its link target. Missing ones are left out. */
export function programFiles(program: string, path: string | undefined): readonly string[] {
  const seen = new Set<string>();
  const add = (each: string, depth: number): void => {
    const real = realPathOrNull(each);
    if (real === null || seen.has(real)) return;
    seen.add(each);
    seen.add(real);
    for (const folder of packageOf(real)) seen.add(folder);
    const interpreter = depth < deepest ? interpreterOf(real, path) : null;
    if (interpreter !== null) add(interpreter, depth + 1);
  };
  add(program, 0);
  return [...seen];
}

const deepest = 3;

function realPathOrNull(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}

/** What npm installed: a script needs its other files, and its package's dependencies may be next to it. */
function packageOf(real: string): readonly string[] {
  const mark = `${sep}node_modules${sep}`;
  const at = real.indexOf(mark);
  if (at > 0) return [real.slice(0, at + mark.length - 1)];
  // ~/.nvm/versions/node/v24/bin/node: its npm and npx are links into a sibling folder.
  const prefix = dirname(dirname(real));
  const modules = realPathOrNull(join(prefix, "lib", "node_modules"));
  return /^(?:node|npm|npx)$/.test(real.slice(real.lastIndexOf(sep) + 1)) && modules !== null
    ? [modules, dirname(real)]
    : [];
}

/** `#!/usr/bin/env node`, `#!/bin/sh`: the program that reads it; null for what the kernel runs itself. */
function interpreterOf(real: string, path: string | undefined): string | null {
  const found = /^#! *(\S+)(?: +(?:-S +)?([^\s=]+))?/.exec(firstBytes(real));
  if (found === null) return null;
  const [, named = "", argument = ""] = found;
  return named.endsWith("/env") && argument !== "" ? findOnPath(argument, path) : named;
}

const headBytes = 256;

function firstBytes(path: string): string {
  const head = Buffer.alloc(headBytes);
  try {
    const file = openSync(path, "r");
    try {
      return head.toString("latin1", 0, readSync(file, head, 0, headBytes, 0));
    } finally {
      closeSync(file);
    }
  } catch {
    return "";
  }
}
