// A set-up plan as text and as JSON. It must never contain a key.

import { labelOfFile } from "../openclaw/applied-changes.ts";
import type { CommandContext } from "./command.ts";
import type { PlannedInstance } from "./setup-instance.ts";
import type { SetupPlan } from "./setup-plan.ts";
import { type TerminalStyle, terminalStyle, plain } from "./terminal.ts";

export function describe(plan: SetupPlan): object {
  return {
    config: plan.configPath,
    writes_config: plan.config !== null,
    instances: plan.instances.map((each) => ({
      tenant: each.tenant,
      kind: each.instance.kind,
      container: each.instance.container,
      profile: each.instance.profile,
      running: each.instance.isRunning,
      found_by: each.instance.signals,
      key: each.key,
      url: each.url,
      openclaw: each.version,
      provider: each.provider,
      writes: each.changes.map(labelOfFile),
      left_out: each.leftOut,
    })),
    notes: plan.notes,
  };
}

export function show(context: CommandContext, plan: SetupPlan, isJson: boolean): void {
  if (isJson) {
    context.stdout.write(`${JSON.stringify(describe(plan), null, 2)}\n`);
    return;
  }
  const style = terminalStyle(context);
  const none = plan.instances.length === 0 ? "No OpenClaw instance was found.\n" : "";
  const config =
    plan.config === null
      ? ""
      : `${plan.config.before === null ? "Creates" : "Edits"} ${plain(plan.config.path)}: ${plan.host === null ? "tenants" : `tenants, server.host ${plain(plan.host)} (takes effect at the next start)`}\n`;
  context.stdout.write(
    `${none}${showPlan(plan.instances, [], style)}${config}${showPlan([], plan.notes, style)}`,
  );
}

/** What would be written into each instance, then what else the user should know. */
export function showPlan(
  instances: readonly PlannedInstance[],
  notes: readonly string[],
  style: TerminalStyle,
): string {
  const lines: string[] = [];
  for (const { instance, tenant, key, url, version, provider, changes, leftOut } of instances) {
    const what = instance.container === null ? "on this machine" : `container ${instance.container}`;
    const state = instance.isRunning ? "running" : "not running";
    lines.push(
      `${style.bold(plain(tenant))}  ${plain(what)}, ${state}; ${plain(instance.signals.join(", "))}`,
    );
    if (leftOut !== null) lines.push(`  ${style.yellow("left out:")} ${plain(leftOut)}`);
    else {
      lines.push(
        `  key: ${key === "new" ? "a new one" : "unchanged (****)"}; gateway: ${plain(url)}; provider: ${provider}${version === null ? "" : `; OpenClaw ${plain(version)}`}`,
      );
      for (const change of changes)
        lines.push(`  ${change.before === null ? "makes" : "edits"} ${plain(labelOfFile(change))}`);
      if (changes.length === 0) lines.push("  nothing to change");
    }
  }
  for (const note of notes) lines.push(`${style.yellow("note:")} ${plain(note)}`);
  return lines.map((line) => `${line}\n`).join("");
}
