// `clawgate manage list`: the tenants in the config file.

import { type Command, type CommandContext, exitCodes } from "../command.ts";
import { readOptions } from "../options.ts";
import { terminalStyle, plain } from "../terminal.ts";
import { textTable } from "../text-table.ts";
import { openConfig, withProblems } from "./config-file.ts";
import { shownKey } from "./keys.ts";

const help = `Usage: clawgate manage list [options]

Shows the tenants of the config file. Keys are masked.

Options:
  --json          as JSON
  --config FILE   config file, as for serve
  -h, --help      this text
`;

function run(context: CommandContext): Promise<number> {
  const read = readOptions(context, "manage list", {
    json: { type: "boolean", default: false },
    config: { type: "string" },
  });
  if ("usage" in read) return Promise.resolve(read.usage);
  const { json: isJson, config } = read.values;
  return withProblems(context, async () => {
    const { path, edit } = openConfig(context, config);
    const tenants = edit.tenants().map(({ name, apiKey, workingDir, container }) => ({
      name,
      key: shownKey(apiKey),
      container,
      working_dir: workingDir,
    }));
    if (isJson) context.stdout.write(`${JSON.stringify({ config: path, tenants }, null, 2)}\n`);
    else if (tenants.length === 0)
      context.stdout.write(`${plain(path)} has no tenants. clawgate manage add <name> adds one.\n`);
    else {
      const style = terminalStyle(context);
      const columns = [
        { title: "tenant" },
        { title: "key" },
        { title: "container" },
        { title: "working dir", shrinks: true },
      ];
      const rows = tenants.map(({ name, key, container, working_dir }) => [
        { text: plain(name), paint: style.bold },
        key,
        plain(container ?? ""),
        plain(working_dir ?? ""),
      ]);
      context.stdout.write(textTable(columns, rows, style));
    }
    return exitCodes.ok;
  });
}

export const list: Command = { name: "list", aliases: ["ls"], summary: "show the tenants", help, run };
