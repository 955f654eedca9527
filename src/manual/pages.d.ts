// The types of what is imported as a file: its path on disk, or inside the binary.

declare module "*.md" {
  const path: string;
  export default path;
}

declare module "*.css" {
  const path: string;
  export default path;
}
