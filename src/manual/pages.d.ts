// The types of files imported by path: on disk, or inside the binary.

declare module "*.md" {
  const path: string;
  export default path;
}

declare module "*.css" {
  const path: string;
  export default path;
}
