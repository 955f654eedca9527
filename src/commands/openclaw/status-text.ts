// The status of OpenClaw instances as text and as JSON. Names are other people's text: nothing of them may control the terminal.

import { shownUsd } from "../quantities.ts";
import { type TerminalStyle, plain } from "../terminal.ts";
import { textTable } from "../text-table.ts";
import type { IdleRow } from "./idle-burn.ts";
import type { Connection, InstanceStatus, StatusReport } from "./status-report.ts";

export function statusJson({ instances, notes }: StatusReport, days: number): object {
  return {
    days,
    instances: instances.map((each) => ({
      tenant: each.tenant,
      kind: each.kind,
      container: each.container,
      profile: each.profile,
      running: each.isRunning,
      openclaw: each.version,
      found_by: each.signals,
      connection: each.connection,
      why: each.why,
      providers: each.providers,
      main_model: each.mainModel,
      models_offered: each.offered,
      models_missing: each.missing,
      cheapest: each.cheapest,
      spend:
        each.spend?.map(({ agent, requests, usd, unknownCost }) => ({
          agent,
          requests,
          cost_usd: usd,
          unknown_cost_requests: unknownCost,
        })) ?? null,
      idle:
        "why" in each.idle
          ? { automations: [], usd_per_day: null, why: each.idle.why }
          : {
              automations: each.idle.rows.map(automationJson),
              usd_per_day: each.idle.usdPerDay,
              why: null,
            },
    })),
    notes,
  };
}

const automationJson = (row: IdleRow) => ({
  id: row.id,
  name: row.name,
  agent: row.agent,
  kind: row.kind,
  model: row.model,
  runs_per_day: row.runsPerDay,
  usd_per_run: row.usdPerRun,
  usd_per_day: row.usdPerDay,
  basis: row.basis,
  command: row.command,
});

const words: Readonly<Record<Connection, string>> = {
  current: "connected",
  older: "written by an older version: `clawgate setup` brings it up to date",
  differs: "connected, but not as set-up would write it now: `clawgate setup --dry-run` shows what differs",
  none: "not connected: `clawgate setup` connects it",
  unreadable: "its files cannot be read",
};

export function statusText({ instances, notes }: StatusReport, days: number, style: TerminalStyle): string {
  const lines = instances.map((each) => instanceText(each, days, style));
  const none = instances.length === 0 ? "No OpenClaw instance was found.\n" : "";
  return none + lines.join("\n") + notes.map((note) => `${style.yellow("note:")} ${plain(note)}\n`).join("");
}

function instanceText(status: InstanceStatus, days: number, style: TerminalStyle): string {
  const { tenant, container, isRunning, version, connection, why, mainModel, offered, missing } = status;
  const place = container === null ? "on this machine" : `container ${container}`;
  const state = connection === "current" ? style.green(words.current) : style.yellow(words[connection]);
  const behind = missing.length === 0 ? "" : `, ${missing.length} of them unknown to it`;
  const head = [
    `${style.bold(plain(tenant))}  ${plain(place)}, ${isRunning ? "running" : "not running"}; OpenClaw ${plain(version ?? "of an unknown version")}`,
    `  ${state}${why === null ? "" : ` (${plain(why)})`}`,
    `  main model: ${plain(mainModel ?? "OpenClaw's own default")}; models offered: ${offered.length}${behind}`,
  ];
  return `${head.join("\n")}\n${spendText(status, days, style)}${idleText(status, style)}`;
}

const indented = (text: string): string => text.replaceAll(/^(?=.)/gm, "  ");

function spendText({ spend }: InstanceStatus, days: number, style: TerminalStyle): string {
  if (spend === null) return "";
  if (spend.length === 0) return `  no requests in the last ${days} days\n`;
  const table = textTable(
    [
      { title: "agent", shrinks: true },
      { title: "requests", isNumber: true },
      { title: `cost, ${days} days`, isNumber: true },
    ],
    spend.map(({ agent, requests, usd, unknownCost }) => [
      plain(agent ?? "(not named)"),
      String(requests),
      `${shownUsd(usd)}${unknownCost === 0 ? "" : ` + ${unknownCost} unknown`}`,
    ]),
    style,
  );
  return indented(table);
}

function idleText({ idle, cheapest }: InstanceStatus, style: TerminalStyle): string {
  if ("why" in idle) return `  idle burn unknown: ${plain(idle.why)}\n`;
  if (idle.rows.length === 0) return "  no heartbeat and no scheduled turn\n";
  const table = textTable(
    [
      { title: "recurs", shrinks: true },
      { title: "agent" },
      { title: "model" },
      { title: "a day", isNumber: true },
      { title: "cost a day", isNumber: true },
    ],
    idle.rows.map((row) => [
      plain(row.name),
      plain(row.agent),
      plain(row.model ?? "the agent's"),
      row.runsPerDay === null ? "?" : String(Number(row.runsPerDay.toFixed(2))),
      costText(row),
    ]),
    style,
  );
  const commands = idle.rows.flatMap(({ command }) => command ?? []);
  const move =
    commands.length === 0
      ? ""
      : `  to the cheapest route (${plain(cheapest ?? "")}):\n${commands.map((command) => `    ${plain(command)}\n`).join("")}`;
  return `  idle burn: ${shownUsd(idle.usdPerDay)} a day\n${indented(table)}${move}`;
}

function costText({ usdPerDay, basis }: IdleRow): string {
  if (basis === "elsewhere") return "not by this gateway";
  if (usdPerDay === null) return basis === null ? "no run yet" : "?";
  return `${shownUsd(usdPerDay)}${basis === "estimated" ? " (estimate)" : ""}`;
}
