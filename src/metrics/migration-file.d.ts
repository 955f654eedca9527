// The type of a migration's text, embedded at build time.

declare module "*.sql" {
  const text: string;
  export default text;
}
