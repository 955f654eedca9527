// The prompt that teaches the model to run OpenClaw's command line for one tenant: the built-in text, or the operator's
// own. It must never be added to a request that could not follow it, unless the operator requires it.

import builtIn from "../../../../skills/openclaw/SKILL.md" with { type: "text" };
import type { ChatRequest } from "../../../canon/request.ts";
import { readTextIfExists } from "../../../system/files.ts";
import type { ServerTools } from "../program-settings.ts";

const promptModes = ["auto", "always", "never"] as const;
export type PromptMode = (typeof promptModes)[number];

export type PromptQuestion = {
  readonly mode: PromptMode;
  /** Null: the implicit tenant. */
  readonly tenant: string | null;
  /** The program's own. */
  readonly tools: ServerTools;
  /** The client's. */
  readonly clientTools: readonly { readonly name: string }[];
  /** `skill_file`. */
  readonly skillFile: string | null;
};

/**
 * Whether the prompt is added. By default it is for a named tenant only, and only where the program or the client has a shell: it
 * teaches only command lines. Requests without a tenant come from this machine, not from an OpenClaw.
 */
export function wantsPrompt({ mode, tenant, tools, clientTools, skillFile }: PromptQuestion): boolean {
  if (mode !== "auto") return mode === "always";
  if (tenant === null) return false;
  if (skillFile !== null || tools === "default") return true;
  return (tools !== "none" && tools.some(isShell)) || clientTools.some(({ name }) => isShell(name));
}

const isShell = (tool: string): boolean => /^(?:bash|exec|shell)(?:\(|$)/i.test(tool);

/**
 * With the tags that name the instance's tenant and its container (null: the model has to find out). `warn` is called when the
 * operator's own file is missing.
 */
export async function skillPrompt(
  { tenant, container }: { readonly tenant: string | null; readonly container: string | null },
  skillFile: string | null,
  warn: (message: string) => void,
): Promise<string> {
  const own = skillFile === null ? null : await readTextIfExists(skillFile);
  if (own === null && skillFile !== null)
    warn(`${skillFile} is not there; the built-in skill prompt is used`);
  // Without a tenant there is no tag: any placeholder could be a tenant's name.
  const tags = [
    ...(tenant === null ? [] : [`<!-- openclaw-tenant: ${tenant} -->`]),
    ...(container === null ? [] : [`<!-- openclaw-container: ${container} -->`]),
  ];
  const words = withoutFrontmatter(own ?? builtIn).trim();
  return tags.length === 0 ? words : `${words}\n\n${tags.join("\n")}`;
}

export function withPrompt(request: ChatRequest, prompt: string): ChatRequest {
  return { ...request, system: [...request.system, { type: "text", text: prompt }] };
}

function withoutFrontmatter(text: string): string {
  return text.replace(/^\uFEFF?---\r?\n[\s\S]*?\r?\n---\r?\n/, "");
}
