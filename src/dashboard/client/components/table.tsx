// A table: headers that a screen reader knows, figures to the right, rows that open something by click; their links by Enter, and the arrow keys lead
// from one to the next.
// On a narrow screen it scrolls sideways inside its own frame.

import type { ComponentChildren, JSX } from "preact";

export type Column<Row> = {
  readonly name: string;
  readonly title: ComponentChildren;
  /** "number": to the right, digits of one width. */
  readonly kind?: "text" | "number";
  /** Left out below this width of the window. */
  readonly from?: "medium" | "wide";
  cell(row: Row): ComponentChildren;
};

type TableProps<Row> = {
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  keyOf(row: Row): string | number;
  /** A row with this can be opened; its first cell must hold a link to the same place, for the keyboard. */
  open?(row: Row): void;
  isMarked?(row: Row): boolean;
};

const classOf = ({ kind, from }: { readonly kind?: string; readonly from?: string }): string =>
  `${kind === "number" ? "number" : ""} ${from === undefined ? "" : `from-${from}`}`.trim();

function moveFocus(event: KeyboardEvent): void {
  const row = event.currentTarget as HTMLElement;
  const next =
    event.key === "ArrowDown"
      ? row.nextElementSibling
      : event.key === "ArrowUp"
        ? row.previousElementSibling
        : null;
  const link = next?.querySelector<HTMLElement>("a");
  if (link === null || link === undefined) return;
  event.preventDefault();
  link.focus();
}

/** A link or button inside of a row acts for itself. */
const isOwnTarget = (event: Event): boolean =>
  event.target instanceof Element && event.target.closest("a, button, input, summary") !== null;

export function Table<Row>(props: TableProps<Row>): JSX.Element {
  const { caption, columns, rows, keyOf, open, isMarked } = props;
  return (
    <div class="table-frame" tabIndex={0} role="region" aria-label={caption}>
      <table>
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.name} scope="col" class={classOf(column)}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr
              key={keyOf(row)}
              class={`${open === undefined ? "" : "opens"} ${isMarked?.(row) === true ? "marked" : ""}`.trim()}
              onClick={(event) => {
                // Text that is being selected opens nothing.
                if (isOwnTarget(event) || getSelection()?.type === "Range") return;
                open?.(row);
              }}
              onKeyDown={(event) => {
                // Enter is the link's own.
                if (open !== undefined) moveFocus(event);
              }}
            >
              {columns.map((column) => (
                <td key={column.name} class={classOf(column)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
