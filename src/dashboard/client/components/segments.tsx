// One choice out of a few, side by side.

import type { JSX } from "preact";

type SegmentsProps<Name extends string> = {
  readonly label: string;
  readonly choices: readonly (readonly [Name, string])[];
  readonly chosen: Name;
  choose(name: Name): void;
};

export function Segments<Name extends string>(props: SegmentsProps<Name>): JSX.Element {
  return (
    <div class="segments" role="group" aria-label={props.label}>
      {props.choices.map(([name, text]) => (
        <button
          key={name}
          type="button"
          aria-pressed={props.chosen === name}
          onClick={() => props.choose(name)}
        >
          {text}
        </button>
      ))}
    </div>
  );
}
