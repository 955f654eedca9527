// `clawgate providers catalog`: the vendors that one variable switches on, and what they cost.

import { offlineEnvironment } from "../../app/offline/offline-config.ts";
import {
  vendorCatalog,
  vendorKeyVariables,
  type CatalogModel,
  type CatalogRow,
} from "../../operator/vendor-catalog.ts";
import { nearest } from "../../canon/nearest.ts";
import { systemClock } from "../../system/clock.ts";
import { type Command, type CommandContext, exitCodes } from "../command.ts";
import { readOptions } from "../options.ts";
import { shownTokens, shownUsd } from "../quantities.ts";
import { offlineInput } from "../config-input.ts";
import { type TerminalStyle, terminalStyle } from "../terminal.ts";
import { textTable } from "../text-table.ts";

const help = `Usage: clawgate providers catalog [vendor] [options]

Lists the vendors that ClawGate knows: address, the variable that holds the key and whether it is set, models with
price (USD per million tokens) and context window. The default model is marked with *. No request is sent.

Options:
  --json          the whole list as JSON
  --config FILE   config file, as for serve (only to find its .env)
  -h, --help      this text
`;

async function run(context: CommandContext): Promise<number> {
  const read = readOptions(
    context,
    "providers catalog",
    { json: { type: "boolean", default: false }, config: { type: "string" } },
    1,
  );
  if ("usage" in read) return read.usage;
  const [id] = read.positionals;
  const catalog = await vendorCatalog(
    offlineEnvironment(offlineInput(context, read.values.config), vendorKeyVariables()),
    systemClock.nowMs(),
    () => void context.stderr.write("clawgate: the bundled price table could not be loaded.\n"),
  );
  const vendors = catalog.vendors.filter((row) => id === undefined || row.id === id);
  if (id !== undefined && vendors.length === 0) {
    const near = nearest(
      id,
      catalog.vendors.map((row) => row.id),
    );
    context.stderr.write(
      `clawgate: the catalogue has no vendor "${id}".${near === null ? "" : ` Did you mean "${near}"?`}\n`,
    );
    return exitCodes.failed;
  }
  const style = terminalStyle(context);
  const { prices, capabilities } = catalog;
  const sources = [
    `Prices in USD per million tokens: ${prices.source} (${prices.date}); a dash means unknown.`,
    `Context and abilities: ${capabilities.source} (${capabilities.date}).`,
  ];
  context.stdout.write(
    read.values.json
      ? `${JSON.stringify({ ...catalog, vendors }, null, 2)}\n`
      : `${vendors.map((row) => blockOf(row, style)).join("\n")}\n${sources.map((each) => `${style.dim(each)}\n`).join("")}`,
  );
  return exitCodes.ok;
}

function blockOf(row: CatalogRow, style: TerminalStyle): string {
  const inner = { ...style, columns: style.columns === null ? null : Math.max(1, style.columns - 2) };
  const models =
    row.models.length === 0
      ? "the models that the server lists\n"
      : textTable(
          [
            { title: "model", shrinks: true },
            { title: "in", isNumber: true },
            { title: "out", isNumber: true },
            { title: "context", isNumber: true },
            { title: "can" },
          ],
          row.models.map((model) => cellsOf(model, row)),
          inner,
        );
  const note = row.note === null ? "" : `${style.dim(row.note)}\n`;
  const body = `${row.base_url}\n${keyOf(row, style)}\n${note}${models}`;
  return `${style.bold(row.id)}  ${row.name}, ${row.backend}\n${body.replace(/^(?=.)/gm, "  ")}`;
}

function keyOf(
  { key_variables: variables, set_variable: set, is_local: isLocal }: CatalogRow,
  style: TerminalStyle,
): string {
  if (variables.length === 0) return "no key";
  if (set !== null) return `${set} ${style.green("(set)")}`;
  return `${variables.join(" or ")} ${style.dim(isLocal ? "(not set; needed only if the server requires one)" : "(not set)")}`;
}

function cellsOf(model: CatalogModel, row: CatalogRow): string[] {
  const price = (usd: number | null): string => (usd === null ? "-" : shownUsd(usd));
  const { tools, vision, thinking } = model;
  const can = [
    tools === true ? "tools" : "",
    vision === true ? "images" : "",
    thinking === true ? "thinking" : "",
  ];
  return [
    model.id === row.default_model ? `${model.id} *` : model.id,
    price(model.input_usd_per_million),
    price(model.output_usd_per_million),
    model.context_window === null ? "-" : shownTokens(model.context_window),
    can.filter((each) => each !== "").join(" "),
  ];
}

export const catalog: Command = { name: "catalog", summary: "list the known vendors", help, run };
