// What a viewer without the operator's rights is told: that the page reads only, and how that changes.

import type { ComponentChildren, JSX } from "preact";
import { Link } from "../link.tsx";
import { useMayWrite, useSession } from "../session.ts";
import type { Action } from "../use-action.ts";
import { signInAddress } from "./states.tsx";

/** Nothing for whoever may change things. */
export function ReadingOnly(): JSX.Element | null {
  const { data } = useSession();
  if (data === null || data.can_write) return null;
  return (
    <p class="notice">
      Reading only. <Link to={signInAddress()}>Sign in</Link> to change something.
    </p>
  );
}

type ActionButtonProps<Input> = {
  readonly action: Pick<Action<Input, unknown>, "isBusy" | "run">;
  readonly input: Input;
  readonly label?: string;
  readonly kind?: "primary" | "danger" | "plain";
  readonly isOff?: boolean;
  /** In place of the button's words while the call runs. */
  readonly busy?: string;
  readonly children: ComponentChildren;
};

/** A button that changes something: it can be pressed by whoever may, and once at a time. */
export function ActionButton<Input>(props: ActionButtonProps<Input>): JSX.Element {
  const { action, input, label, kind = "plain", isOff = false, busy, children } = props;
  const mayWrite = useMayWrite();
  return (
    <button
      type="button"
      class={`button ${kind === "plain" ? "" : kind}`.trim()}
      aria-label={label}
      aria-busy={action.isBusy}
      disabled={!mayWrite || action.isBusy || isOff}
      title={mayWrite ? undefined : "Sign in to do this"}
      onClick={() => action.run(input)}
    >
      {action.isBusy && busy !== undefined ? busy : children}
    </button>
  );
}
