// The config that the gateway serves by: where it comes from, how the file on disk differs, what waits for a restart, every value.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Badge, type Tone } from "../components/badge.tsx";
import { Moment } from "../components/moment.tsx";
import { Facts, Panel } from "../components/panel.tsx";
import { Empty } from "../components/states.tsx";
import { Table } from "../components/table.tsx";
import { shown } from "../formatting.ts";
import { Link } from "../link.tsx";
import { diskChanges, flatValues } from "./config-model.ts";
import type { ConfigAnswer } from "./shapes.ts";

const diskStates: Readonly<Record<ConfigAnswer["disk"]["state"], readonly [words: string, tone: Tone]>> = {
  same: ["The file is what is in force", "good"],
  differs: ["The file differs from what is in force", "warn"],
  invalid: ["The file cannot be used; the last good one is in force", "bad"],
  none: ["No file", "plain"],
};

function DiskPanel({ config }: { readonly config: ConfigAnswer }): JSX.Element {
  const [words, tone] = diskStates[config.disk.state];
  const changes = diskChanges(config);
  const { needs_restart: waiting, overrides } = config;
  return (
    <Panel title="Source" actions={<Badge tone={tone}>{words}</Badge>}>
      <Facts
        rows={[
          [
            "File",
            config.path === null ? "none: found on this machine" : <code>{shown(config.path, 300)}</code>,
          ],
          ["In force since", <Moment ms={Date.parse(config.loaded_at)} />],
          ...(config.invalid_since === null
            ? []
            : ([["Invalid since", <Moment ms={Date.parse(config.invalid_since)} isRelative />]] as const)),
          ...(overrides.length === 0
            ? []
            : ([["Overridden", overrides.map(({ key, from }) => `${key} by ${from}`).join(", ")]] as const)),
          ...(waiting.length === 0 ? [] : ([["Needs a restart", waiting.join(", ")]] as const)),
        ]}
      />
      {config.disk.problems.length === 0 ? null : (
        <ul class="problem-list" role="alert">
          {config.disk.problems.map((problem) => (
            <li key={problem} class="wraps">
              {shown(problem, 600)}
            </li>
          ))}
        </ul>
      )}
      {changes.length === 0 ? null : (
        <ul class="plain-list">
          {changes.map((change) => (
            <li key={change}>{shown(change, 200)}</li>
          ))}
        </ul>
      )}
      {config.file === undefined || config.file === null ? null : (
        <footer class="card-foot">
          <Link to="/dashboard/config/edit" class="button">
            Edit the file
          </Link>
        </footer>
      )}
    </Panel>
  );
}

function ValuesPanel({ config }: { readonly config: ConfigAnswer }): JSX.Element {
  const [search, setSearch] = useState("");
  const needle = search.trim().toLowerCase();
  const rows = flatValues(config.values).filter(
    ({ path, value }) =>
      needle === "" || path.toLowerCase().includes(needle) || value.toLowerCase().includes(needle),
  );
  return (
    <Panel
      title="Values in force"
      note={`${rows.length} values; secrets are masked`}
      actions={
        <input
          type="search"
          class="search"
          aria-label="Find a value"
          placeholder="Find"
          value={search}
          onInput={({ currentTarget }) => setSearch(currentTarget.value)}
        />
      }
    >
      {rows.length === 0 ? (
        <Empty title="No value has that in its name or text." />
      ) : (
        <Table
          caption="Values by key"
          rows={rows}
          keyOf={({ path }) => path}
          columns={[
            { name: "path", title: "Key", cell: ({ path }) => <code>{shown(path, 160)}</code> },
            {
              name: "value",
              title: "Value",
              cell: ({ value }) => <span class="wraps">{shown(value, 400)}</span>,
            },
          ]}
        />
      )}
    </Panel>
  );
}

export function ConfigInForce({ config }: { readonly config: ConfigAnswer }): JSX.Element {
  return (
    <>
      <DiskPanel config={config} />
      <ValuesPanel config={config} />
    </>
  );
}
