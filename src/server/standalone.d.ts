// The type of Scalar's browser bundle, which is imported as a file: its path on disk, or inside the binary.

declare module "*/standalone.js" {
  const path: string;
  export default path;
}
