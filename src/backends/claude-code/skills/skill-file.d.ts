// The type of the skill prompt, which is imported as text and is part of the binary.

declare module "*/SKILL.md" {
  const text: string;
  export default text;
}
