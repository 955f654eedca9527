// The config: in force and on disk, an editor with check, diff, save and undo, and the audit log.

import type { JSX } from "preact";
import { PageHead } from "../components/panel.tsx";
import { Empty, Loaded } from "../components/states.tsx";
import { ReadingOnly } from "../components/write-access.tsx";
import { useEvents } from "../event-stream.ts";
import { shown } from "../formatting.ts";
import { Link } from "../link.tsx";
import { AuditLog } from "../operator/audit-log.tsx";
import { ConfigEditor } from "../operator/config-editor.tsx";
import { ConfigInForce } from "../operator/config-in-force.tsx";
import type { ConfigAnswer, ConfigFile } from "../operator/shapes.ts";
import type { PageProps } from "../page-props.ts";
import { useApi } from "../use-api.ts";

const tabs = [
  ["", "In force"],
  ["edit", "Edit"],
  ["audit", "Audit log"],
] as const;

function Tabs({ current }: { readonly current: string }): JSX.Element {
  return (
    <nav class="tabs" aria-label="Parts of the config">
      {tabs.map(([name, title]) => (
        <Link
          key={name}
          to={name === "" ? "/dashboard/config" : `/dashboard/config/${name}`}
          isCurrent={name === current}
          class="tab"
        >
          {title}
        </Link>
      ))}
    </nav>
  );
}

function Editor({ file, reload }: { readonly file: ConfigFile | null; reload(): void }): JSX.Element {
  if (file === null)
    return (
      <Empty title="There is no config file to edit.">
        The gateway serves what it found on this machine. <code>clawgate init</code> writes a file.
      </Empty>
    );
  const { text, etag } = file;
  if (text === null || etag === null)
    return <Empty title="The config file cannot be edited here.">{shown(file.problem, 400)}</Empty>;
  return <ConfigEditor file={{ ...file, text, etag }} reload={reload} />;
}

export function ConfigPage({ place, rest }: PageProps): JSX.Element {
  const part = rest[0] ?? "";
  const answer = useApi<ConfigAnswer>(part === "audit" ? null : "/api/config");
  useEvents(["config"], answer.reload, part !== "audit");
  return (
    <>
      <PageHead title="Config" />
      <Tabs current={part} />
      {part === "audit" ? <AuditLog place={place} /> : null}
      {part === "audit" ? null : <ReadingOnly />}
      {part === "" ? <Loaded answer={answer}>{(data) => <ConfigInForce config={data} />}</Loaded> : null}
      {part === "edit" ? (
        <Loaded answer={answer}>{({ file }) => <Editor file={file ?? null} reload={answer.reload} />}</Loaded>
      ) : null}
      {tabs.some(([name]) => name === part) ? null : <Empty title="There is no such page." />}
    </>
  );
}
