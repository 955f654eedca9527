// Claude Code as a backend: its programs with version and login, the processes of the pool, and an examination on request.

import type { JSX } from "preact";
import { callApi } from "../api.ts";
import { Badge } from "../components/badge.tsx";
import { Moment } from "../components/moment.tsx";
import { PageHead, Panel } from "../components/panel.tsx";
import { Empty, Loaded, Problem } from "../components/states.tsx";
import { type Column, Table } from "../components/table.tsx";
import { ActionButton, ReadingOnly } from "../components/write-access.tsx";
import { count, shown } from "../formatting.ts";
import {
  findingGroups,
  findingSummary,
  loginStatus,
  poolsOf,
  type Processes,
  processesOf,
} from "../operator/claude-model.ts";
import { FindingGroups } from "../operator/finding-groups.tsx";
import type { ClaudeProgram, DoctorAnswer } from "../operator/shapes.ts";
import { useAction } from "../use-action.ts";
import { useApi } from "../use-api.ts";

function Login({ program }: { readonly program: ClaudeProgram }): JSX.Element {
  const { label, tone, expiresMs } = loginStatus(program, Date.now());
  const { account, subscription, method } = program.login;
  const about = [account, subscription, method].filter((part) => part !== undefined);
  return (
    <span class="stacked">
      <Badge tone={tone}>{label}</Badge>
      {about.length === 0 ? null : <span class="muted">{shown(about.join(" · "), 120)}</span>}
      {expiresMs === null ? null : (
        <span class="muted">
          until <Moment ms={expiresMs} />
        </span>
      )}
    </span>
  );
}

function Program({ program }: { readonly program: ClaudeProgram }): JSX.Element {
  const { version, path, problem } = program;
  return (
    <span class="stacked wraps">
      <span>{version === null ? "version not known yet" : shown(version, 40)}</span>
      {path === null ? null : <code class="muted">{shown(path, 200)}</code>}
      {problem === null ? null : <span class="field-problem">{shown(problem, 400)}</span>}
    </span>
  );
}

/** One provider's pool is what the tiles show already. */
function PoolTable({ programs }: { readonly programs: readonly ClaudeProgram[] }): JSX.Element | null {
  const pools = [...poolsOf(programs)];
  if (pools.length < 2) return null;
  const column = (name: keyof Processes, title: string): Column<readonly [string, Processes]> => ({
    name,
    title,
    kind: "number",
    cell: ([, processes]) => processes[name],
  });
  return (
    <Panel title="Pools">
      <Table
        caption="Processes by provider"
        rows={pools}
        keyOf={([provider]) => provider}
        columns={[
          { name: "provider", title: "Provider", cell: ([provider]) => shown(provider, 60) },
          column("busy", "Busy"),
          column("idle", "Idle"),
          column("parked", "Parked"),
          column("starting", "Starting"),
        ]}
      />
    </Panel>
  );
}

function Pool({ programs }: { readonly programs: readonly ClaudeProgram[] }): JSX.Element {
  const all = processesOf(programs);
  return (
    <dl class="tiles" aria-label="Processes">
      {(
        [
          ["Busy", all.busy, "answering a request"],
          ["Idle", all.idle, "started, waiting for one"],
          ["Parked", all.parked, "between two requests of a conversation"],
          ["Starting", all.starting, "not ready yet"],
        ] as const
      ).map(([name, value, about]) => (
        <div key={name} class="tile">
          <dt>{name}</dt>
          <dd class="tile-value">{count(value)}</dd>
          <dd class="muted">{about}</dd>
        </div>
      ))}
    </dl>
  );
}

function Examination(): JSX.Element {
  const doctor = useAction(() => callApi<DoctorAnswer>("/api/doctor", { method: "POST" }));
  const { result } = doctor;
  return (
    <Panel
      title="Examination"
      note="what clawgate doctor checks; no request goes to a provider"
      actions={
        <ActionButton action={doctor} input={undefined} kind="primary" busy="Examining…">
          {result === null ? "Examine" : "Examine again"}
        </ActionButton>
      }
    >
      {doctor.error === null ? null : <Problem error={doctor.error} />}
      {doctor.isBusy ? (
        <p class="hint" role="status">
          This takes some seconds: the program is started against a test API on this machine.
        </p>
      ) : null}
      {result === null ? null : (
        <div role="status">
          <p class={`outcome ${result.ok ? "outcome-good" : "outcome-bad"}`}>{findingSummary(result)}</p>
          <FindingGroups groups={findingGroups(result)} />
        </div>
      )}
    </Panel>
  );
}

export function ClaudeCodePage(): JSX.Element {
  const answer = useApi<{ readonly programs: readonly ClaudeProgram[] }>("/api/claude", { everyMs: 10_000 });
  return (
    <>
      <PageHead title="Claude Code" />
      <ReadingOnly />
      <Loaded answer={answer}>
        {({ programs }) =>
          programs.length === 0 ? (
            <Empty title="Claude Code is not a backend here.">
              A provider with <code>backend: claude-cli</code> serves requests through the Claude Code
              program.
            </Empty>
          ) : (
            <>
              <Pool programs={programs} />
              <PoolTable programs={programs} />
              <Panel title="Programs">
                <Table
                  caption="Programs by provider and tenant"
                  rows={programs}
                  keyOf={({ provider, tenant }) => `${provider}\n${tenant ?? ""}`}
                  columns={[
                    { name: "provider", title: "Provider", cell: ({ provider }) => shown(provider, 60) },
                    { name: "tenant", title: "Tenant", cell: ({ tenant }) => shown(tenant, 60) },
                    { name: "program", title: "Program", cell: (program) => <Program program={program} /> },
                    { name: "login", title: "Login", cell: (program) => <Login program={program} /> },
                  ]}
                />
              </Panel>
            </>
          )
        }
      </Loaded>
      <Examination />
    </>
  );
}
