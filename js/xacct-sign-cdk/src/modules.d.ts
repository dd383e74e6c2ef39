declare module "inline:*" {
  const base64: string;
  export default base64;
}
