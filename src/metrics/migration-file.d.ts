// The text of a migration, embedded when it is built.

declare module "*.sql" {
  const text: string;
  export default text;
}
