// Signing in: the admin key, or the one-time code that `clawgate dashboard` prints. Neither is kept in the page.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { callApi } from "../api.ts";
import { Segments } from "../components/segments.tsx";
import { Loading, Problem } from "../components/states.tsx";
import { time } from "../formatting.ts";
import { Link } from "../link.tsx";
import { addressWith, home, navigate } from "../location.ts";
import type { PageProps } from "../page-props.ts";
import { type SessionState, useSession } from "../session.ts";
import { useAction } from "../use-action.ts";

type Kind = "code" | "key";

/** Only a place inside of the dashboard: the address may come from anybody. */
export function placeAfterSignIn(next: string | null): string {
  if (next === null || !/^\/dashboard(?:[/?#]|$)/.test(next) || next.includes("\\")) return home;
  return next;
}

function SignedIn({ session, next }: { readonly session: SessionState; readonly next: string }): JSX.Element {
  const { reload } = useSession();
  const leave = useAction(() => callApi<null>("/api/session", { method: "DELETE" }).then(() => true), reload);
  return (
    <div class="sign-in-card">
      <h1>Signed in</h1>
      <p class="muted">
        {session.expires_ms === null
          ? "Until the gateway is started again."
          : `Until ${time(session.expires_ms, "dayAndMinute")}, or until the gateway is started again.`}
      </p>
      {leave.error === null ? null : <Problem error={leave.error} />}
      <div class="button-row">
        <Link to={next} class="button primary">
          To the dashboard
        </Link>
        <button type="button" class="button" disabled={leave.isBusy} onClick={() => leave.run(undefined)}>
          Sign out
        </button>
      </div>
    </div>
  );
}

const labels: Readonly<Record<Kind, string>> = { code: "One-time code", key: "Admin key" };

type SecretInputProps = {
  readonly kind: Kind;
  readonly value: string;
  readonly isWrong: boolean;
  change(value: string): void;
};

/** A code is good once and is typed from a screen; a key is hidden. */
function SecretInput({ kind, value, isWrong, change }: SecretInputProps): JSX.Element {
  const common = {
    name: kind,
    value,
    spellcheck: false,
    class: "mono",
    "aria-describedby": "sign-in-hint",
    "aria-invalid": isWrong,
    onInput: ({ currentTarget }: { readonly currentTarget: HTMLInputElement }): void =>
      change(currentTarget.value),
  };
  return kind === "key" ? (
    <input {...common} type="password" autocomplete="current-password" />
  ) : (
    <input {...common} type="text" autocomplete="one-time-code" autocapitalize="off" />
  );
}

function SignInForm({
  session,
  next,
}: {
  readonly session: SessionState;
  readonly next: string;
}): JSX.Element {
  const { reload } = useSession();
  const [kind, setKind] = useState<Kind>(session.has_admin_key ? "key" : "code");
  const [secret, setSecret] = useState("");
  const enter = useAction(
    (body: Readonly<Record<string, string>>) =>
      callApi<unknown>("/api/session", { method: "POST", body }).then(() => true),
    () => {
      setSecret("");
      reload();
      navigate(next, true);
    },
  );
  const submit = (event: Event): void => {
    event.preventDefault();
    if (secret.trim() !== "") enter.run({ [kind]: secret.trim() });
  };
  const choose = (chosen: Kind): void => {
    setKind(chosen);
    setSecret("");
    enter.clear();
  };
  return (
    <form class="sign-in-card form" onSubmit={submit}>
      <h1>Sign in</h1>
      <p class="muted">
        {session.can_read
          ? "Without signing in this page only reads. Signed in you can also change things."
          : "This gateway shows its figures to its operator only."}
      </p>
      {session.has_admin_key ? (
        <Segments
          label="Sign in with"
          choices={[
            ["key", labels.key],
            ["code", labels.code],
          ]}
          chosen={kind}
          choose={choose}
        />
      ) : null}
      <label>
        {labels[kind]}
        <SecretInput kind={kind} value={secret} isWrong={enter.error !== null} change={setSecret} />
      </label>
      <p class="hint" id="sign-in-hint">
        {kind === "key" ? (
          <>
            The value of <code>auth.admin_key</code> in the config.
          </>
        ) : (
          <>
            Run <code>clawgate dashboard</code> on the gateway's machine: it prints a code that is good once,
            for two minutes.
          </>
        )}
      </p>
      {enter.error === null ? null : (
        <p class="field-problem" role="alert">
          {enter.error.message}
        </p>
      )}
      <button type="submit" class="button primary" disabled={enter.isBusy || secret.trim() === ""}>
        {enter.isBusy ? "Signing in…" : "Sign in"}
      </button>
    </form>
  );
}

export function SignInPage({ place }: PageProps): JSX.Element {
  const { data, error, reload } = useSession();
  const next = placeAfterSignIn(
    place.path === `${home}/sign-in` ? place.query.get("next") : addressWith(place, {}),
  );
  return (
    <div class="sign-in">
      {error === null ? null : <Problem error={error} retry={reload} />}
      {data === null ? (
        error === null ? (
          <Loading />
        ) : null
      ) : data.signed_in ? (
        <SignedIn session={data} next={next} />
      ) : (
        <SignInForm session={data} next={next} />
      )}
    </div>
  );
}
