/**
 * Where a spreadsheet might start to read a formula: at the start of the cell, and after semicolons, tabs and line
 * breaks, which some take for separators; spaces, quotes and invisible characters may precede it. Some editions treat
 * full-width signs like the plain ones.
 */
const formulaStarts = /(^|[;\t\r\n])(?=(?:(?![\t\r\n])[\s"\p{Cf}])*[=+\-@＝＋－＠])/gu;

/** Escapes a cell against formula injection with an apostrophe before anything that could be a formula. */
export function escapeFormulas(text: string): string {
  const marked = text.replace(formulaStarts, "$1'");
  return /^[\t\r\n]/.test(marked) ? `'${marked}` : marked;
}
