// The keys of a tenant: make, rotate, revoke. A new key is shown once, in a sheet that must be closed, and is then forgotten.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { callApi } from "../api.ts";
import { Badge } from "../components/badge.tsx";
import { CopyButton } from "../components/copy-button.tsx";
import { Moment } from "../components/moment.tsx";
import { Sheet } from "../components/sheet.tsx";
import { Problem } from "../components/states.tsx";
import { ActionButton } from "../components/write-access.tsx";
import { shown } from "../formatting.ts";
import { segment } from "../location.ts";
import { useMayWrite } from "../session.ts";
import { type Action, useAction } from "../use-action.ts";
import type { NewKey, TenantEntry, TenantKey } from "./shapes.ts";
import { tenantKeyStatus } from "./tenants-model.ts";

/** What is about to happen to a key, to be confirmed. */
type Wanted = { readonly what: "make" } | { readonly what: "rotate" | "revoke"; readonly held: TenantKey };

type TenantKeysProps = { readonly tenant: TenantEntry; changed(): void };

function NewKeySheet({ made, close }: { readonly made: NewKey; close(): void }): JSX.Element {
  return (
    <Sheet title="The new key" place="center" close={close}>
      <div class="form">
        <p>
          It is shown <strong>once</strong>: the gateway keeps only its hash. Copy it now.
        </p>
        <div class="secret">
          <code data-new-key="">{made.key}</code>
          <CopyButton text={made.key} label="Copy the key" />
        </div>
        <p class="hint">
          Fingerprint <code>{made.fingerprint}</code>
          {typeof made.old_expires_at === "string" ? (
            <>
              . The old key is accepted until <Moment ms={Date.parse(made.old_expires_at)} />.
            </>
          ) : null}
        </p>
        <button type="button" class="button primary" onClick={close}>
          I have copied it
        </button>
      </div>
    </Sheet>
  );
}

/** The input of `<input type="date">` as the end of that day in the viewer's zone; null for none. */
export function endOfDay(date: string): string | null {
  if (!/^\d{4}-\d\d-\d\d$/.test(date)) return null;
  const end = new Date(`${date}T23:59:59`);
  return Number.isNaN(end.getTime()) ? null : end.toISOString().replace(".000Z", "Z");
}

type ConfirmProps = {
  readonly tenant: string;
  readonly wanted: Wanted;
  readonly action: Pick<Action<Call, unknown>, "isBusy" | "run" | "error">;
  close(): void;
};

type Call = { readonly wanted: Wanted; readonly expires: string | null; readonly graceMs: number };

/** How long the old key still works after a rotation. */
const graces: readonly (readonly [ms: number, words: string])[] = [
  [0, "no longer"],
  [3_600_000, "for an hour"],
  [86_400_000, "for a day"],
  [7 * 86_400_000, "for a week"],
];

const texts = {
  make: {
    title: "New key",
    button: "Make the key",
    busy: "Making…",
    about: "It is written into the config as a hash.",
  },
  rotate: {
    title: "Rotate the key",
    button: "Rotate",
    busy: "Rotating…",
    about: "A new key takes its place.",
  },
  revoke: {
    title: "Revoke the key",
    button: "Revoke",
    busy: "Revoking…",
    about: "Clients that send it are refused from now on.",
  },
} as const;

function ConfirmSheet({ tenant, wanted, action, close }: ConfirmProps): JSX.Element {
  const [date, setDate] = useState("");
  const [graceMs, setGrace] = useState(0);
  const { title, button, busy, about } = texts[wanted.what];
  return (
    <Sheet title={title} place="center" close={close}>
      <div class="form">
        <p>
          Tenant <strong>{shown(tenant)}</strong>
          {wanted.what === "make" ? null : (
            <>
              , key <code>{wanted.held.fingerprint}</code>
            </>
          )}
          . {about}
        </p>
        {wanted.what === "make" ? (
          <label>
            Valid until the end of (optional)
            <input type="date" value={date} onInput={({ currentTarget }) => setDate(currentTarget.value)} />
          </label>
        ) : null}
        {wanted.what === "rotate" ? (
          <label>
            The old key is accepted
            <select value={graceMs} onChange={({ currentTarget }) => setGrace(Number(currentTarget.value))}>
              {graces.map(([ms, words]) => (
                <option key={ms} value={ms}>
                  {words}
                </option>
              ))}
            </select>
          </label>
        ) : null}
        {action.error === null ? null : <Problem error={action.error} />}
        <div class="button-row">
          <ActionButton
            action={action}
            input={{ wanted, expires: endOfDay(date), graceMs }}
            kind={wanted.what === "revoke" ? "danger" : "primary"}
            busy={busy}
          >
            {button}
          </ActionButton>
          <button type="button" class="button" onClick={close}>
            Cancel
          </button>
        </div>
      </div>
    </Sheet>
  );
}

async function change(tenant: string, { wanted, expires, graceMs }: Call): Promise<NewKey | null> {
  const path = `/api/tenants/${segment(tenant)}/keys`;
  if (wanted.what === "make")
    return callApi<NewKey>(path, { method: "POST", body: expires === null ? {} : { expires_at: expires } });
  const own = `${path}/${segment(wanted.held.fingerprint)}`;
  if (wanted.what === "rotate") {
    const body = graceMs === 0 ? {} : { old_expires_at: Date.now() + graceMs };
    return callApi<NewKey>(`${own}/rotate`, { method: "POST", body });
  }
  await callApi<unknown>(own, { method: "DELETE" });
  return null;
}

type KeyRowProps = { readonly held: TenantKey; readonly mayWrite: boolean; want(wanted: Wanted): void };

function KeyRow({ held, mayWrite, want }: KeyRowProps): JSX.Element {
  const { label, tone, expiresMs } = tenantKeyStatus(held, Date.now());
  const createdMs = held.created === undefined || held.created === null ? null : Date.parse(held.created);
  const why = mayWrite ? undefined : "Sign in to do this";
  return (
    <li class="key">
      <p class="key-head">
        <code>{held.fingerprint}</code>
        <Badge tone={tone}>{label}</Badge>
        {expiresMs === null ? null : (
          <span class="muted">
            <Moment ms={expiresMs} />
          </span>
        )}
        {createdMs === null ? null : (
          <span class="muted">
            made <Moment ms={createdMs} isRelative />
          </span>
        )}
        <span class="key-actions">
          <button
            type="button"
            class="quiet"
            disabled={!mayWrite}
            title={why}
            aria-label={`Rotate key ${held.fingerprint}`}
            onClick={() => want({ what: "rotate", held })}
          >
            Rotate
          </button>
          <button
            type="button"
            class="quiet"
            disabled={!mayWrite}
            title={why}
            aria-label={`Revoke key ${held.fingerprint}`}
            onClick={() => want({ what: "revoke", held })}
          >
            Revoke
          </button>
        </span>
      </p>
    </li>
  );
}

export function TenantKeys({ tenant, changed }: TenantKeysProps): JSX.Element {
  const mayWrite = useMayWrite();
  const [wanted, setWanted] = useState<Wanted | null>(null);
  const [made, setMade] = useState<NewKey | null>(null);
  const finish = (key: NewKey | null): void => {
    setWanted(null);
    setMade(key);
    changed();
  };
  const action = useAction(
    async (call: Call) => ({ key: await change(tenant.name, call) }),
    ({ key }) => {
      // The action must not hold what was shown once.
      action.clear();
      finish(key);
    },
  );
  const close = (): void => {
    setWanted(null);
    action.clear();
  };
  return (
    <section class="tenant-keys" aria-label={`Keys of ${shown(tenant.name)}`}>
      <div class="sub-head">
        <h3>Keys</h3>
        <button
          type="button"
          class="quiet"
          disabled={!mayWrite}
          title={mayWrite ? undefined : "Sign in to do this"}
          aria-label={`New key for ${shown(tenant.name)}`}
          onClick={() => setWanted({ what: "make" })}
        >
          New key
        </button>
      </div>
      {tenant.keys.length === 0 ? <p class="muted">No key: this tenant cannot call.</p> : null}
      <ul class="keys">
        {tenant.keys.map((held) => (
          <KeyRow key={held.fingerprint} held={held} mayWrite={mayWrite} want={setWanted} />
        ))}
      </ul>
      {wanted === null ? null : (
        <ConfirmSheet tenant={tenant.name} wanted={wanted} action={action} close={close} />
      )}
      {made === null ? null : <NewKeySheet made={made} close={() => setMade(null)} />}
    </section>
  );
}
