declare module 'mjml' {
  /** Compiles MJML to HTML. With validation `strict` it throws on anything it does not know. */
  export default function mjml2html(
    mjml: string,
    options: { validationLevel: 'strict' },
  ): Promise<{ html: string }>;
}
