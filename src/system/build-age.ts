// How old this build is, and the one line that says so. Only the clock is asked: nothing but `clawgate update` asks the network.

import { commitTime } from "./identity.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const oldDays = 90;
const dayMs = 86_400_000;

/** The name that update notifiers of other programs obey as well. */
const switchName = "NO_UPDATE_NOTIFIER";

/** Null: the build is younger than 90 days, its age is unknown, or the user does not want to hear of it. */
export function buildAgeHint(
  nowMs: number,
  environment: Environment,
  builtFrom: string | null = commitTime,
): string | null {
  if ((environment[switchName] ?? "") !== "" || builtFrom === null) return null;
  const days = Math.floor((nowMs - Date.parse(builtFrom)) / dayMs);
  // An invalid time compares as false.
  if (!(days > oldDays)) return null;
  return `this build is ${days} days old; clawgate update --check asks whether there is a newer one (${switchName}=1 hides this line)`;
}
