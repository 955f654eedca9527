// The clients that can be connected, one row each.

import { aider } from "./aider.ts";
import { claudeCode } from "./claude-code.ts";
import type { Client } from "./client.ts";
import { codex } from "./codex.ts";
import { continueDev } from "./continue.ts";
import { geminiCli } from "./gemini-cli.ts";
import { opencode } from "./opencode.ts";
import { qwenCode } from "./qwen-code.ts";
import { vscodeClaude } from "./vscode-claude.ts";
import { zed } from "./zed.ts";

export const clients: readonly Client[] = [
  claudeCode,
  vscodeClaude,
  codex,
  geminiCli,
  opencode,
  qwenCode,
  aider,
  continueDev,
  zed,
];
