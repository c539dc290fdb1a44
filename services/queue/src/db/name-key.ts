const lengthMax = 160;

/**
 * What names are searched by: the same for a name in any Unicode form and case, with or without accents and invisible
 * characters. Lower, upper, lower, since there is no case folding: ß, ẞ and ss, and the two small sigmas, become equal.
 */
export function nameKey(name: string): string {
  const key = name
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]|\p{Default_Ignorable_Code_Point}/gu, '')
    .toLowerCase()
    .toUpperCase()
    .toLowerCase()
    .replaceAll('ς', 'σ')
    .normalize('NFKC')
    .replace(/\s+/g, ' ')
    .trim();
  return [...key].slice(0, lengthMax).join('');
}
