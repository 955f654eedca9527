// A plan of set-up in words and as JSON. It must never hold a key.

import type { CommandContext } from "./command.ts";
import type { SetupPlan } from "./setup-plan.ts";
import { paperOf, plain } from "./terminal.ts";

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
      writes: each.changes.map(({ path }) => path),
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
  const paper = paperOf(context);
  const lines: string[] = [];
  if (plan.instances.length === 0) lines.push("No OpenClaw instance was found.");
  for (const { instance, tenant, key, url, changes, leftOut } of plan.instances) {
    const what = instance.container === null ? "on this machine" : `container ${instance.container}`;
    const state = instance.isRunning ? "running" : "not running";
    lines.push(
      `${paper.bold(plain(tenant))}  ${plain(what)}, ${state}; ${plain(instance.signals.join(", "))}`,
    );
    if (leftOut !== null) lines.push(`  ${paper.warning("left out:")} ${plain(leftOut)}`);
    else {
      lines.push(`  key: ${key === "new" ? "a new one" : "as it is (****)"}; gateway: ${plain(url)}`);
      for (const change of changes)
        lines.push(`  ${change.before === null ? "makes" : "edits"} ${plain(change.path)}`);
      if (changes.length === 0) lines.push("  nothing to change");
    }
  }
  if (plan.config !== null)
    lines.push(`${plan.config.before === null ? "Makes" : "Edits"} ${plain(plan.config.path)}: tenants`);
  for (const note of plan.notes) lines.push(`${paper.warning("note:")} ${plain(note)}`);
  context.stdout.write(`${lines.join("\n")}\n`);
}
