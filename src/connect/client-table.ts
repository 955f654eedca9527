// The clients that can be connected, one row each.

import { claudeCode } from "./claude-code.ts";
import type { Client } from "./client.ts";
import { vscodeClaude } from "./vscode-claude.ts";

export const clients: readonly Client[] = [claudeCode, vscodeClaude];
