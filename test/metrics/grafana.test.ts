// The dashboard for Grafana asks for nothing that /metrics does not have, and shows everything that it has.

import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { seriesTable } from "../../src/metrics/exposition/series-table.ts";
import { cleanupsAfterEach } from "../support/cleanups.ts";

const cleanups = cleanupsAfterEach();

type Target = {
  readonly refId: string;
  readonly expr: string;
  readonly legendFormat: string;
  readonly format?: string;
};
type Panel = {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly datasource?: { readonly uid: string };
  readonly gridPos: { readonly h: number; readonly w: number; readonly x: number; readonly y: number };
  readonly targets?: readonly Target[];
};
type Variable = {
  readonly name: string;
  readonly type: string;
  readonly query: string | { readonly query: string };
  readonly allValue?: string;
};
type Dashboard = {
  readonly schemaVersion: number;
  readonly uid: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly Variable[] };
};

const path = join(import.meta.dir, "../../scripts/packaging/grafana/clawgate.json");
const dashboard = (await Bun.file(path).json()) as Dashboard;
const shown = dashboard.panels.filter(({ type }) => type !== "row");
const variables = dashboard.templating.list;
const queries = variables.flatMap(({ type, query }) =>
  type === "query" && typeof query === "object" ? [query.query] : [],
);
const targets = shown.flatMap((panel) =>
  (panel.targets ?? []).map((target) => ({ panel: panel.title, ...target })),
);
const expressions = [...targets.map(({ expr }) => expr), ...queries];

/** Shown nowhere, on purpose. */
const unused: readonly string[] = [];
/** Prometheus puts them on every series. */
const scrapeLabels = ["instance", "job"];

const labelsOf = new Map(
  seriesTable.flatMap(({ name, type, labels }): [string, readonly string[]][] =>
    type === "histogram"
      ? [
          [`${name}_bucket`, [...labels, "le"]],
          [`${name}_sum`, labels],
          [`${name}_count`, labels],
        ]
      : [[name, labels]],
  ),
);
const namesIn = (expression: string): readonly string[] =>
  expression.match(/\b(?:clawgate|process)_[a-z_]+\b/g) ?? [];

test("every series that it asks for exists, with the labels that it selects", () => {
  for (const expression of expressions) {
    const names = namesIn(expression);
    expect([expression, names.length]).not.toEqual([expression, 0]);
    for (const name of names)
      expect([expression, name, labelsOf.has(name)]).toEqual([expression, name, true]);
    for (const [, name = "", selector = ""] of expression.matchAll(
      /\b((?:clawgate|process)_[a-z_]+)\{([^}]*)\}/g,
    ))
      for (const [, label = ""] of selector.matchAll(/([a-z_]+)\s*(?:=~|!=|!~|=)\s*"/g))
        expect([name, [...(labelsOf.get(name) ?? []), ...scrapeLabels]]).toEqual([
          name,
          expect.arrayContaining([label]),
        ]);
  }
});

test("sums are by labels that their series have, and legends name only those", () => {
  for (const { panel, expr, legendFormat } of targets) {
    const known = new Set([...namesIn(expr).flatMap((name) => labelsOf.get(name) ?? []), ...scrapeLabels]);
    for (const [, list = ""] of expr.matchAll(/\b(?:by|on|group_left) \(([^)]*)\)/g))
      for (const label of list
        .split(",")
        .map((each) => each.trim())
        .filter((each) => each !== ""))
        expect([panel, label, known.has(label)]).toEqual([panel, label, true]);
    for (const [, label = ""] of legendFormat.matchAll(/\{\{([a-z_]+)\}\}/g))
      expect([panel, label, known.has(label)]).toEqual([panel, label, true]);
  }
});

test("every series is shown, or listed as unused", () => {
  const asked = new Set(
    expressions.flatMap(namesIn).map((name) => name.replace(/_(?:bucket|sum|count)$/, "")),
  );
  const missing = seriesTable.map(({ name }) => name).filter((name) => !asked.has(name));
  expect(missing).toEqual([...unused]);
});

test("the variables of the expressions exist, and the data source is one of them", () => {
  const names = new Set(variables.map(({ name }) => name));
  expect([...names].toSorted()).toEqual(["datasource", "instance", "model", "provider", "tenant"]);
  for (const expression of expressions)
    for (const [, name = ""] of expression.matchAll(/\$([a-z]\w*)/g))
      expect([expression, names.has(name)]).toEqual([expression, true]);
  for (const { title, datasource } of shown)
    expect([title, datasource?.uid]).toEqual([title, "${datasource}"]);
  // Labels are empty where there is nobody to name: all must include them.
  for (const { name, type, allValue } of variables)
    if (type === "query") expect([name, allValue]).toEqual([name, ".*"]);
});

test("panels have ids of their own, titles, and places that do not overlap", () => {
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  const taken = new Set<string>();
  for (const { title, gridPos } of dashboard.panels) {
    expect(title).not.toBe("");
    expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        expect([title, taken.has(`${x} ${y}`)]).toEqual([title, false]);
        taken.add(`${x} ${y}`);
      }
  }
  // The rows of the manual.
  for (const row of ["Traffic", "Cost", "Latency", "Errors", "Tokens and cache", "Providers", "Process"])
    expect(dashboard.panels.some(({ type, title }) => type === "row" && title === row)).toBe(true);
  // Grafana 11 and later.
  expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(39);
});

test("promtool, where it is installed, can parse every expression", async () => {
  const written = targets.map(({ expr }) =>
    expr.replaceAll("$__rate_interval", "5m").replaceAll("$__range", "1h"),
  );
  expect(written.filter((expr) => /\$__/.test(expr))).toEqual([]);
  const promtool = Bun.which("promtool");
  if (promtool === null) return;
  const rules = written.map((expr, at) => ({ record: `dashboard:${at}`, expr }));
  const file = join(cleanups.folder("clawgate-grafana-"), "rules.yaml");
  writeFileSync(file, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
  const child = Bun.spawn([promtool, "check", "rules", file], {
    stdout: "pipe",
    stderr: "pipe",
    timeout: 10_000,
  });
  const [said, complaints] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  expect([said + complaints, await child.exited]).toEqual([
    expect.stringContaining(`${rules.length} rules found`),
    0,
  ]);
});
