// What teaches the model to run OpenClaw's command line for one tenant: the built-in text, or the operator's own.
// It must never be laid under a request that could not follow it, unless the operator says so.

import builtIn from "../../../skills/openclaw/SKILL.md" with { type: "text" };
import { Failure } from "../../canon/failure.ts";
import type { ChatRequest } from "../../canon/request.ts";
import { readTextIfExists } from "../../system/files.ts";
import type { ServerTools } from "./program.ts";

export const promptModes = ["auto", "always", "never"] as const;
export type PromptMode = (typeof promptModes)[number];

export type PromptQuestion = {
  readonly mode: PromptMode;
  /** Null: the implicit tenant. */
  readonly tenant: string | null;
  readonly tools: ServerTools;
  /** `skill_file`. */
  readonly skillFile: string | null;
};

/**
 * Whether the prompt is added. By itself it is for a named tenant only, and only where the program has a shell: it teaches
 * nothing but command lines. The implicit tenant is whoever asks on this machine, and no OpenClaw at all.
 */
export function wantsPrompt({ mode, tenant, tools, skillFile }: PromptQuestion): boolean {
  if (mode !== "auto") return mode === "always";
  if (tenant === null) return false;
  return skillFile !== null || tools === "default" || (tools !== "none" && tools.some(isShell));
}

const isShell = (tool: string): boolean => /^Bash(?:\(|$)/.test(tool);

/** With the tag that tells the model whose instance it is. Throws Failure `internal` when the operator's file is gone. */
export async function skillPrompt(tenant: string | null, skillFile: string | null): Promise<string> {
  const text = skillFile === null ? builtIn : await readTextIfExists(skillFile);
  if (text === null)
    throw new Failure("internal", "The gateway's skill prompt cannot be read (skill_file).", {
      cause: new Error(`skill_file ${skillFile} is not there`),
    });
  return `${withoutFrontmatter(text).trim()}\n\n<!-- openclaw-tenant: ${tenant ?? "default"} -->`;
}

export function withPrompt(request: ChatRequest, prompt: string): ChatRequest {
  return { ...request, system: [...request.system, { type: "text", text: prompt }] };
}

function withoutFrontmatter(text: string): string {
  return text.replace(/^\uFEFF?---\r?\n[\s\S]*?\r?\n---\r?\n/, "");
}
