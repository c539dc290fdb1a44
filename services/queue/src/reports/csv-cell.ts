/**
 * Where a spreadsheet might begin to read a formula: at the start of the cell, and, should it part cells at
 * semicolons, tabs or lines rather than commas, behind each of those; past spaces, quotes and characters that
 * nobody sees. The full-width signs count as the plain ones in some editions.
 */
const formulaStarts = /(^|[;\t\r\n])(?=(?:(?![\t\r\n])[\s"\p{Cf}])*[=+\-@＝＋－＠])/gu;

/** The text as a cell that no spreadsheet computes: an apostrophe stands before what could be a formula. */
export function harmlessCell(text: string): string {
  const marked = text.replace(formulaStarts, "$1'");
  return /^[\t\r\n]/.test(marked) ? `'${marked}` : marked;
}
