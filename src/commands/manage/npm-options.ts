// `npm run manage add alice --apply`: npm takes options before a `--` for its own and hands them on as variables. As openclaw-cc-gateway's
// page prints them, they must count.

import type { CommandContext } from "../command.ts";

/**
 * The switches that its page prints, and the variables that npm makes of each. npm reads `--apply` as its own short options a, p, l and
 * y. An option with a value cannot be told from a word of the command, so it needs npm's `--`.
 */
const switches: readonly (readonly [option: string, variables: readonly string[]])[] = [
  ["--apply", ["apply"]],
  ["--apply", ["all", "parseable", "long", "yes"]],
  ["--pull", ["pull"]],
  ["--push", ["push"]],
];

/** The arguments with the switches that npm took. Only where npm itself started this program. */
export function withNpmSwitches(
  args: readonly string[],
  environment: CommandContext["environment"],
): readonly string[] {
  if (environment["npm_lifecycle_event"] !== "manage" || args.includes("--")) return args;
  const taken = switches
    .filter(([, variables]) => variables.every((name) => environment[`npm_config_${name}`] === "true"))
    .map(([option]) => option);
  return [...args, ...taken.filter((each) => !args.includes(each))];
}
