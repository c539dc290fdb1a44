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

/** What dates and numbers in a spreadsheet are made of besides digits and signs, such as 2 May, 3 pm and 1E5. */
const dateWord = /^(?:e|[ap]m?|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*)$/i;

/** Marks what a spreadsheet would read as a number or a date with an apostrophe: it would lose zeros and dashes. */
export function keepAsText<T extends string | null>(text: T): T | string {
  if (text === null || text.startsWith("'") || !/\p{Nd}/u.test(text)) return text;
  const words = text.match(/\p{L}+/gu) ?? [];
  return words.every((word) => dateWord.test(word)) ? `'${text}` : text;
}
