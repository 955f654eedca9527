// What a page shows where it has no data: that it loads, that there is nothing, or what went wrong and what helps.

import type { ComponentChildren, JSX } from "preact";
import type { ApiError } from "../api.ts";
import { Link } from "../link.tsx";
import { home } from "../location.ts";
import type { Answer } from "../use-api.ts";

export function Loading({ label = "Loading" }: { readonly label?: string }): JSX.Element {
  return (
    <div class="state" role="status">
      <span class="spinner" aria-hidden="true" />
      <span>{label}…</span>
    </div>
  );
}

export function Empty({
  title,
  children,
}: {
  readonly title: string;
  readonly children?: ComponentChildren;
}): JSX.Element {
  return (
    <div class="state">
      <p class="state-title">{title}</p>
      {children === undefined ? null : <div class="muted">{children}</div>}
    </div>
  );
}

export const signInAddress = (): string =>
  `${home}/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`;

export function Problem({ error, retry }: { readonly error: ApiError; retry?(): void }): JSX.Element {
  return (
    <div class="problem" role="alert">
      <p>{error.message}</p>
      {error.isRefusal ? (
        <Link to={signInAddress()} class="button">
          Sign in
        </Link>
      ) : null}
      {retry === undefined || !error.mayPass ? null : (
        <button type="button" class="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

type LoadedProps<T> = {
  readonly answer: Answer<T>;
  readonly label?: string;
  children(data: T): ComponentChildren;
};

/** The data once it is there; an error above data that is older than it. Of a gateway that is gone the shell tells, once. */
export function Loaded<T>({ answer, label, children }: LoadedProps<T>): JSX.Element {
  const { data, error } = answer;
  const labelled = label === undefined ? {} : { label };
  return (
    <>
      {error === null || (error.status === 0 && data !== null) ? null : (
        <Problem error={error} retry={answer.reload} />
      )}
      {data === null ? (
        error === null ? (
          <Loading {...labelled} />
        ) : null
      ) : (
        <div class={answer.isOutdated ? "stale" : "fresh"} aria-busy={answer.isOutdated}>
          {answer.isOutdated && error === null ? <Loading {...labelled} /> : null}
          <div class="answer">{children(data)}</div>
        </div>
      )}
    </>
  );
}
