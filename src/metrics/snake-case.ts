// Names of fields as the HTTP API writes them: the keys of our own types, word by word with underscores. Types and one function.

type SnakeName<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? First extends Lowercase<First>
    ? `${First}${SnakeName<Rest>}`
    : `_${Lowercase<First>}${SnakeName<Rest>}`
  : Name;

/** The same fields under the API's names; what lies deeper stays as it is. */
export type SnakeCased<T> = { readonly [K in keyof T as SnakeName<K & string>]: T[K] };

export function snakeCased<T extends object>(value: T): SnakeCased<T> {
  const entries = Object.entries(value).map(([key, field]) => [
    key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    field as unknown,
  ]);
  return Object.fromEntries(entries) as SnakeCased<T>;
}
