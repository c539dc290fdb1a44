/** Copies a text. @returns whether it could */
export async function copy(content: string): Promise<boolean> {
  // Without TLS a page has no clipboard.
  if (navigator.clipboard !== undefined) {
    return navigator.clipboard.writeText(content).then(
      () => true,
      () => false,
    );
  }
  const field = document.createElement('textarea');
  field.value = content;
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand('copy');
  field.remove();
  return isCopied;
}
